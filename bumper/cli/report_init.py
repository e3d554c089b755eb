"""What init found, for people."""

from bumper.cli.report_status import aligned
from bumper.commands.init import Initialized
from bumper.environments.config import SCHEMA_FILE
from bumper.environments.discovery.init_text import printable

_NOTHING = "-"


def init_text(done: Initialized) -> str:
    """A table of the environments, then where bumper.yaml was written, or, for a dry run, its text."""
    table = [["ENVIRONMENT", "APPLICATIONS", "FILES", "BASES", "VALUES"]]
    for one in done.environments:
        first, *more = one.values
        table.append([one.name, str(len(one.apps)), str(len(one.files)), str(len(one.bases) or _NOTHING), first])
        table += [["", "", "", "", pattern] for pattern in more]
    if done.written is None:
        told = done.text.rstrip("\n")
    else:
        told = (
            f"Wrote {printable(str(done.written))} and, for editors, {SCHEMA_FILE}; look through it, then commit and "
            "merge both."
        )
    return "\n".join([*aligned(table), "", told])
