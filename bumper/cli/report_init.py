"""What init found, for people."""

from bumper.cli.screen import Column, Screen, table
from bumper.commands.init import Initialized
from bumper.environments.config import SCHEMA_FILE
from bumper.environments.discovery.init_text import printable

_COLUMNS = (
    Column("environment"), Column("apps", labelled=True), Column("tags", labelled=True),
    Column("files", labelled=True), Column("bases", labelled=True), Column("values"),
)  # fmt: skip


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
