"""What init found and what doctor checked, for people and for programs."""

from collections.abc import Sequence
from typing import Any

from bumper.cli.report_result import error_data
from bumper.cli.screen import Column, Screen, Style, styled, table, wrapped
from bumper.commands.doctor.check import Check
from bumper.commands.init import Initialized
from bumper.environments.config import SCHEMA_FILE
from bumper.environments.discovery.init_text import printable
from bumper.errors import BumperError

_WORDS = {"good": "ok  ", "bad": "FAIL", "warning": "warn"}
_SIGNS = {"good": "✓", "bad": "✗", "warning": "!"}
_STYLES = {"good": Style.GOOD, "bad": Style.BAD, "warning": Style.ATTENTION}
_COLUMNS = (
    Column("environment"), Column("apps", labelled=True), Column("tags", labelled=True),
    Column("files", labelled=True), Column("bases", labelled=True), Column("values"),
)  # fmt: skip


def doctor_data(checks: Sequence[Check], error: BumperError | None) -> dict[str, Any]:
    """The contract's JSON of doctor, with the error where there is one."""
    shown = [{"name": one.name, "ok": one.ok, "found": one.found, "mend": one.next_step} for one in checks]
    return {"checks": shown} | (error_data(error) if error is not None else {})


def doctor_text(checks: Sequence[Check], encoding: str, screen: Screen) -> str:
    """The checks by what they are about; the marks are signs where ``encoding`` has them, else words."""
    marks = _SIGNS if _has_signs(encoding) else _WORDS
    lines = []
    for group in dict.fromkeys(check.group for check in checks):
        lines.append(styled(group, Style.STRONG))
        for check in (check for check in checks if check.group == group):
            kind = _kind(check)
            text = f"{styled(marks[kind], _STYLES[kind])} {check.name}: {check.found}"
            lines += wrapped(text, screen.width, "  ", " " * 6)
            if check.next_step is not None:
                lines += wrapped(f"-> {check.next_step}.", screen.width, " " * 4, " " * 7)
    advice = sum(check.ok and check.next_step is not None for check in checks)
    if all(check.ok for check in checks):
        lines.append(f"All {len(checks)} checks passed" + (f", {advice} with advice." if advice else "."))
    return "\n".join(lines)


def _kind(check: Check) -> str:
    if not check.ok:
        return "bad"
    return "good" if check.next_step is None else "warning"


def _has_signs(encoding: str) -> bool:
    try:
        "".join(_SIGNS.values()).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def init_text(done: Initialized, screen: Screen) -> str:
    """What bumper finds with the bumper.yaml, and where that is; for a dry run, its text."""
    lines = []
    if done.environments:
        rows = []
        for one in done.environments:
            first, *more = one.patterns
            counts = map(str, (one.applications, one.pins, one.files, one.bases))
            rows.append([one.name, *counts, first])
            rows += [["", "", "", "", "", pattern] for pattern in more]
        lines += [*table(screen, _COLUMNS, rows), ""]
    if done.written is None:
        lines += [done.text.rstrip("\n")]
    else:
        place = printable(str(done.written))
        lines += [f"Wrote {place} and, for editors, {SCHEMA_FILE}; read it, then commit and merge both."]
    return "\n".join(lines)
