"""The command line: Typer signatures, one call each; exit codes. No logic."""

from bumper.cli.main import main, process

__all__ = ["main", "process"]
