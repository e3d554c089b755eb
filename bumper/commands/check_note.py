"""The note on a merge request: what the change does, and what is wrong with it. Pure."""

from collections.abc import Iterator

from bumper.gate.check import Verdict
from bumper.gate.check_changes import PinChange
from bumper.planning.markdown import code

MARKER = "<!-- bumper check -->"
_MAX_ROWS = 100


def note_text(verdict: Verdict) -> str:
    """The note in Markdown."""
    return "\n".join([*_verdict(verdict), *_changes(verdict.changes), *_warnings(verdict)])


def _verdict(verdict: Verdict) -> Iterator[str]:
    if not verdict.findings:
        yield f"**bumper check**: {'bumper.yaml allows this change' if verdict.changes else 'no pin changes'}."
        return
    yield f"**bumper check**: {len(verdict.findings)} {'finding' if len(verdict.findings) == 1 else 'findings'}"
    yield ""
    for one in verdict.findings[:_MAX_ROWS]:
        yield f"- {code(f'{one.file}:{one.line}')} ({one.rule}) {code(one.message)}: {code(one.fix)}"
    if len(verdict.findings) > _MAX_ROWS:
        yield f"- and {len(verdict.findings) - _MAX_ROWS} more in the job's log"


def _changes(changes: tuple[PinChange, ...]) -> Iterator[str]:
    rows = [(one.environment, change) for one in changes if (change := one.change) is not None]
    if rows:
        yield from ("", "| environment | application | image | from | to |", "| --- | --- | --- | --- | --- |")
    for environment, change in rows[:_MAX_ROWS]:
        cells = (environment, change.app, change.image, change.before, change.after)
        yield f"| {' | '.join(code(str(cell)) for cell in cells)} |"
    if len(rows) > _MAX_ROWS:
        yield f"\nand {len(rows) - _MAX_ROWS} more changes"


def _warnings(verdict: Verdict) -> Iterator[str]:
    if verdict.warnings:
        yield ""
    yield from (f"- warning: {code(warning)}" for warning in verdict.warnings)
