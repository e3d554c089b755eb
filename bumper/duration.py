"""Durations as people write them: seconds, or a number with s, m, h or d behind it."""

import re

DURATION = r"[0-9]{1,9}(\.[0-9]{1,3})?[smhd]?"

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: object) -> float:
    """Seconds; ``90``, ``90s``, ``10m``, ``2h`` and ``1d`` are durations.

    Raises:
        ValueError: it is none.

    """
    written = str(text)
    if re.fullmatch(DURATION, written) is None:
        raise ValueError(f"{written!r} is not a duration; write seconds, or 90s, 10m, 2h, 1d")
    return float(written.rstrip("smhd")) * _SECONDS.get(written[-1], 1)


def format_duration(seconds: float) -> str:
    """A duration as people read it, to the second: ``42 s``, ``15 min``, ``1 h 30 min``."""
    left, parts = round(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"
