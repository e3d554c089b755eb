"""What GitLab prints beside a push: the merge request that it made or found, or why it made none. Pure.

Every line comes behind ``remote:``. A problem with push options is an alert block: Rails composes "WARNINGS:" and
"Error encountered with push options 'a' 'b' …: reason", Gitaly wraps it at 68 columns and centres every line between
two rulers. So the lines are joined before anything is looked for in them.
"""

import re
from dataclasses import dataclass

# The address of a merge request that is yet to be made ends in /new?….
_MADE = re.compile(r"^remote:\s+(\S+/-/merge_requests/(\d+))\s*$", re.MULTILINE)
_ERROR = re.compile(r"Error encountered with push options? (?:'[^']*'[ ,]*)+:\s*(.+?)(?:\s*={4,}|$)")


@dataclass(frozen=True, slots=True)
class PushOutput:
    """The merge request by number and address, or GitLab's reason."""

    iid: int | None = None
    url: str | None = None
    error: str | None = None


def read_push_output(stderr: str) -> PushOutput:
    """What git printed on stderr while it pushed."""
    made = _MADE.search(stderr)
    error = _ERROR.search(remote_text(stderr))
    reason = error[1].strip().rstrip(".") if error is not None else None
    return PushOutput(int(made[2]), made[1], reason) if made is not None else PushOutput(error=reason)


def remote_text(stderr: str) -> str:
    """The server's lines as one text, without the blanks by which they are centred."""
    lines = (line.removeprefix("remote:").strip() for line in stderr.splitlines() if line.startswith("remote:"))
    return " ".join(line for line in lines if line)
