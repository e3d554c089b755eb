"""The regular expressions of bumper.yaml's ``tags``: Python's syntax, ASCII classes, and no expression that hangs."""

import math
from functools import lru_cache

import regex

from bumper.errors import Refused

_COUNT = regex.compile(r"(\)?)\{(\d+)")  # of a repetition; of a group, where a parenthesis is before it
_MAX_COUNT = 100_000  # repetitions inside one another are written out when an expression is compiled
_TIMEOUT = 1.0  # seconds for one tag: an expression like (a+)+ takes longer than anybody waits


@lru_cache
def compile_expression(expression: str) -> regex.Pattern[str]:
    """``expression``, whose classes (digits, letters, blanks) are ASCII's: a tag has no other characters.

    Raises:
        ValueError: it is no regular expression, or repeats something too often.

    """
    counts = [(bool(group), int(count[:9])) for group, count in _COUNT.findall(expression)]
    largest = max((count for _, count in counts), default=1)
    if largest * math.prod(count for of_group, count in counts if of_group and count) > _MAX_COUNT:
        raise ValueError("it repeats something too often")
    try:
        return regex.compile(expression, regex.ASCII)
    except (regex.error, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from error


def matches_as_a_whole(expression: str, tag: str) -> bool:
    """Whether ``expression`` matches all of ``tag``.

    Raises:
        Refused: it needs too long to tell.

    """
    try:
        return compile_expression(expression).fullmatch(tag, timeout=_TIMEOUT) is not None
    except TimeoutError as error:
        raise Refused(
            f"the expression {expression!r} (tags in bumper.yaml) needs more than {_TIMEOUT:.0f} s to match {tag!r}",
            "write it without a repetition inside a repetition",
        ) from error
