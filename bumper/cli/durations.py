"""Durations on the command line: seconds, or a number with s, m, h or d behind it."""

import re

import typer

_DURATION = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,3})?)(?P<unit>[smhd]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str | float) -> float:
    """Seconds; ``90``, ``90s``, ``10m``, ``2h`` and ``1d`` are durations.

    Raises:
        typer.BadParameter: it is none.

    """
    found = _DURATION.fullmatch(str(text))
    if found is None:
        raise typer.BadParameter(f"{str(text)!r} is not a duration; write seconds, or 90s, 10m, 2h, 1d")
    return float(found["number"]) * _SECONDS[found["unit"]]
