"""Holds: a comment at the end of a pin's line, ``# bumper: hold <reason>``. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from bumper.errors import Refused
from bumper.values.pin import Pin
from bumper.values.tag_edit import prove_same_values
from bumper.values.values_file import ValuesFile
from bumper.values.yaml_data import places_of
from bumper.values.yaml_tree import Scalar, walk

HOLD = "# bumper: hold"
# The one space before it is bumper's own too, so that unhold gives back the line byte for byte.
_HOLD = re.compile(rf"[ \t]{HOLD}(?:[ \t:]+(?P<reason>[^\r\n]*))?$")
# What somebody may write who means a hold: after the sign of a comment, bumper's name and more.
_LOOKS_LIKE_A_HOLD = re.compile(
    r"#[ \t]*bumper(?:[ \t]*[:=]|[ \t-]+(?:un)?(?:hold|held|freeze|frozen|lock|pin|stop|skip|ignore))", re.IGNORECASE
)
_LINE_END = re.compile(r"\r\n|\r|\n|$")
NO_REASON = "no reason given"


def hold_reason(values: ValuesFile, pin: Pin) -> str | None:
    """Why the pin is held; None where it is not. A hold on a line that uses the pin's value by an alias holds it too.

    Otherwise the alias would change along.
    """
    for start, end in _lines(values, [pin]):
        hold = _HOLD.search(values.text, start, end)
        if hold is not None:
            return (hold["reason"] or "").strip() or NO_REASON
    return None


def may_have_holds(text: str) -> bool:
    """Whether a hold, or what looks like one, may be in a file's ``text``."""
    return _LOOKS_LIKE_A_HOLD.search(text) is not None


def find_idle_holds(values: ValuesFile, pins: Sequence[Pin]) -> list[Refused]:
    """The comments that look like a hold and hold none of the file's ``pins``, each with its line and what to do."""
    comments = [match.start() for match in _LOOKS_LIKE_A_HOLD.finditer(values.text)]
    if not comments:
        return []
    ends = list(_lines(values, pins))
    holds = {hold.start() + 1 for start, end in ends if (hold := _HOLD.search(values.text, start, end)) is not None}
    scalars = [node for node in walk(values.documents) if isinstance(node, Scalar)]
    next_step = f"write `{HOLD} REASON` at the end of the line that has the tag, or remove it"
    idle = []
    for place in comments:
        if place not in holds and not any(node.start <= place < node.end for node in scalars):
            line = len(_LINE_END.findall(values.text[:place]))
            idle.append(Refused(f"{values.name}:{line}: this comment looks like a hold but holds nothing", next_step))
    return idle


def put_hold(values: ValuesFile, pins: Sequence[Pin], reason: str) -> bytes:
    """The file with a hold on every line of ``pins``, in the place of one that is there; other comments stay.

    Raises:
        ProofFailed: a comment cannot stand there (the line ends inside a text); nothing may be written.

    """
    words = as_comment(reason)
    scalars = [pin.tag_scalar for pin in pins if pin.tag_scalar is not None]
    lines = [_rest_of_line(values.text, scalar) for scalar in scalars]
    return _with_comment(values, lines, f" {HOLD} {words}" if words else f" {HOLD}")


def as_comment(reason: str) -> str:
    """A hold's reason as it stands in the comment: in one line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in reason).split())


def take_hold(values: ValuesFile, pins: Sequence[Pin]) -> bytes:
    """The file without the holds of ``pins``.

    Raises:
        ProofFailed: what looks like a hold is part of a value; nothing may be written.

    """
    return _with_comment(values, _lines(values, pins), "")


def _with_comment(values: ValuesFile, lines: Iterable[tuple[int, int]], comment: str) -> bytes:
    """The file with ``comment`` in the place of the hold of each line, or at the line's end where it has none."""
    text = values.text
    starts = {end: start for start, end in sorted(lines, reverse=True)}  # the first pin of a line
    for end, start in sorted(starts.items(), reverse=True):
        hold = _HOLD.search(text, start, end)
        text = text[: hold.start() if hold is not None else end] + comment + text[end:]
    prove_same_values(values, text)
    return values.encode(text)


def _lines(values: ValuesFile, pins: Iterable[Pin]) -> Iterator[tuple[int, int]]:
    """The rest of each pin's line, and the lines of its aliases."""
    for tag_scalar in {pin.tag_scalar for pin in pins if pin.tag_scalar is not None}:
        yield _rest_of_line(values.text, tag_scalar)
        used = {line for _, line in islice(places_of(values.documents, tag_scalar), 1, None)}
        if used:
            starts = [0, *(line_end.end() for line_end in _LINE_END.finditer(values.text))]
            yield from (_to_line_end(values.text, starts[line - 1]) for line in used)


def _rest_of_line(text: str, tag_scalar: Scalar) -> tuple[int, int]:
    """From the end of the tag to the end of its line; with a block of text, of the line that opens it."""
    return _to_line_end(text, tag_scalar.start if tag_scalar.style in ("|", ">") else tag_scalar.end)


def _to_line_end(text: str, start: int) -> tuple[int, int]:
    line_end = _LINE_END.search(text, start)
    return start, line_end.start() if line_end is not None else len(text)
