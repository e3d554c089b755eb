"""The command line: Typer signatures, one call each; exit codes. No logic."""
