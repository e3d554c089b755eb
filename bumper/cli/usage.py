"""Mistakes in a command line, in words of ours: Typer quotes the libraries that it is made with."""

from collections.abc import Callable

import typer

from bumper.errors import WrongUsage

_MAX_DIGITS = 10  # GitLab counts no further


def usage_error(error: typer.TyperException) -> WrongUsage:
    """Typer's complaint about a command line, without the words of the libraries that it is made with."""
    context = getattr(error, "ctx", None)
    program = context.command_path if context is not None else "bumper"
    sentence = error.format_message().rstrip(".").replace("Value error, ", "").replace("extra argument(s)", "argument")
    return WrongUsage(sentence, f"see `{program} --help`")


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """The parser of an option that takes a whole number from ``least`` to ``most``."""
    limits = f"from {least} on" if most is None else f"from {least} to {most}"

    def parse(text: str | int) -> int:
        digits = str(text)
        number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS else -1
        if number < least or (most is not None and number > most):
            raise typer.BadParameter(f"{digits!r} is not a whole number {limits}")
        return number

    return parse
