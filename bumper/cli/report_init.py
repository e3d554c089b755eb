"""What init found, for people."""

from bumper.cli.report_status import aligned
from bumper.commands.init import Initialized
from bumper.environments.config import SCHEMA_FILE
from bumper.environments.discovery.init_text import printable


def init_text(done: Initialized) -> str:
    """What bumper finds with the bumper.yaml, and where that is; for a dry run, its text."""
    lines = []
    if done.environments:
        table = [["ENVIRONMENT", "APPLICATIONS", "TAGS", "FILES", "BASES", "VALUES"]]
        for one in done.environments:
            first, *more = one.patterns
            counts = map(str, (one.applications, one.pins, one.files, one.bases))
            table.append([one.name, *counts, first])
            table += [["", "", "", "", "", pattern] for pattern in more]
        lines += [*aligned(table), ""]
    if done.written is None:
        lines += [done.text.rstrip("\n")]
    else:
        place = printable(str(done.written))
        lines += [f"Wrote {place} and, for editors, {SCHEMA_FILE}; read it, then commit and merge both."]
    return "\n".join(lines)
