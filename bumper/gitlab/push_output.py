"""What GitLab says on the side of a push: the merge request that it made or found, or why it made none. Pure."""

import re
from dataclasses import dataclass

# GitLab's own lines after a push; the address of a merge request that is yet to be made ends in /new?….
_MADE = re.compile(r"^remote:\s+(\S+/-/merge_requests/(\d+))\s*$", re.MULTILINE)
_ERROR = re.compile(r"^remote: Error encountered with push options? '.*?': (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Told:
    """The merge request by number and address, or GitLab's reason."""

    iid: int | None = None
    url: str | None = None
    error: str | None = None


def read_remote_lines(said: str) -> Told:
    """What git printed on stderr while it pushed."""
    error = _ERROR.search(said)
    made = _MADE.search(said)
    told = error[1].strip().rstrip(".") if error is not None else None
    return Told(int(made[2]), made[1], told) if made is not None else Told(error=told)
