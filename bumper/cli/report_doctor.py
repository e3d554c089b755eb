"""The checks of bumper doctor, for people and for programs."""

from collections.abc import Sequence
from typing import Any

from bumper.cli.report import error_data
from bumper.commands.doctor.check import Check
from bumper.errors import BumperError

_WORDS = {"good": "ok  ", "bad": "FAIL", "warning": "warn"}
_SIGNS = {"good": "✓", "bad": "✗", "warning": "!"}


def doctor_data(checks: Sequence[Check], error: BumperError | None) -> dict[str, Any]:
    """The contract's JSON of doctor, with the error where there is one."""
    shown = [{"name": one.name, "ok": one.ok, "found": one.found, "mend": one.next_step} for one in checks]
    return {"checks": shown} | (error_data(error) if error is not None else {})


def doctor_text(checks: Sequence[Check], encoding: str) -> str:
    """One line a check; the marks are signs where ``encoding`` has them, else words."""
    marks = _SIGNS if _has_signs(encoding) else _WORDS
    return "\n".join(f"{marks[_kind(one)]} {one.name}: {one.found}{_next_step(one)}" for one in checks)


def _kind(check: Check) -> str:
    if not check.ok:
        return "bad"
    return "good" if check.next_step is None else "warning"


def _next_step(check: Check) -> str:
    return f"; {check.next_step}." if check.next_step is not None else ""


def _has_signs(encoding: str) -> bool:
    try:
        "".join(_SIGNS.values()).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
