"""Holds: a comment at the end of a pin's line, ``# bumper: hold <reason>``. Pure."""

import re
from collections.abc import Sequence

from bumper.edit_proof import prove_same_values
from bumper.pin import Pin
from bumper.values_file import ValuesFile

# The one space before it is bumper's own too, so that unhold gives back the line byte for byte.
_HOLD = re.compile(r" # bumper: hold(?: (?P<reason>[^\r\n]*))?$")
_LINE_END = re.compile(r"\r\n|\r|\n|$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ufeff]+")
_NO_REASON = "no reason given"


def hold_reason(values: ValuesFile, pin: Pin) -> str | None:
    """Why the pin is held; None where it is not."""
    if pin.holder is None:
        return None
    start, end = _rest_of_line(values.text, pin)
    hold = _HOLD.search(values.text, start, end)
    return None if hold is None else (hold["reason"] or _NO_REASON)


def put_hold(values: ValuesFile, pins: Sequence[Pin], reason: str) -> bytes:
    """The file with a hold on every line of ``pins`` that has none; a comment that stands there stays.

    Raises:
        ProofFailed: a comment cannot stand there (the line ends inside a text); nothing may be written.

    """
    said = _CONTROL.sub(" ", reason).strip()
    comment = f" # bumper: hold {said}" if said else " # bumper: hold"
    text = values.text
    for end in sorted({_rest_of_line(text, pin)[1] for pin in pins if hold_reason(values, pin) is None}, reverse=True):
        text = text[:end] + comment + text[end:]
    prove_same_values(values, text)
    return values.encode(text)


def take_hold(values: ValuesFile, pins: Sequence[Pin]) -> bytes:
    """The file without the holds on the lines of ``pins``.

    Raises:
        ProofFailed: what looks like a hold is part of a value; nothing may be written.

    """
    text = values.text
    for start, end in sorted({_rest_of_line(text, pin) for pin in pins}, reverse=True):
        hold = _HOLD.search(text, start, end)
        if hold is not None:
            text = text[: hold.start()] + text[end:]
    prove_same_values(values, text)
    return values.encode(text)


def _rest_of_line(text: str, pin: Pin) -> tuple[int, int]:
    """From the end of the pin's tag to the end of its line; with a block of text, of the line that opens it."""
    if pin.holder is None:
        raise ValueError(f"a pin that cannot be set has no line to hold: {pin.refusal}")
    start = pin.holder.start if pin.holder.style in ("|", ">") else pin.holder.end
    line_end = _LINE_END.search(text, start)
    return start, line_end.start() if line_end is not None else len(text)
