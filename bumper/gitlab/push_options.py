"""The options of ``git push`` by which GitLab makes a merge request, and what it prints of that. Pure.

git sends an option as one line, so a line break in a description is written as a backslash with an n, of which GitLab
makes a line break again, wherever it meets one (its documentation of push options).

What GitLab prints comes behind ``remote:``. A problem with push options is an alert block: Rails composes "WARNINGS:"
and "Error encountered with push options 'a' 'b' …: reason", Gitaly wraps it at 68 columns and centres every line
between two rulers. So the lines are joined before anything is looked for in them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bumper.gitlab.merge_request_changes import MergeRequestText, People

_MAX_OPTION = 60_000  # bytes; git sends an option as one pkt-line of at most 65,516
_JSON_ESCAPE = re.compile(r"\\(.)")
_HEXADECIMAL = {"n": "\\u000a", "\\": "\\u005c"}
# The address of a merge request that is yet to be made ends in /new?….
_MADE = re.compile(r"^remote:\s+(\S+/-/merge_requests/(\d+))\s*$", re.MULTILINE)
_ERROR = re.compile(r"Error encountered with push options? (?:'[^']*'[ ,]*)+:\s*(.+?)(?:\s*={4,}|$)")


def push_options(
    target_branch: str, text: MergeRequestText, record: str, people: People, *, auto_merge: bool, squash: bool = False
) -> Iterator[str]:
    """The options; GitLab passes over those that its version does not know.

    ``record`` is the comment at the end of the description in which a program reads, as JSON, what was deployed.
    """
    yield "merge_request.create"
    yield f"merge_request.target={target_branch}"
    yield f"merge_request.title={text.title}"
    yield f"merge_request.description={_in_one_line(text.description, record)}"
    yield from (f"merge_request.label={label}" for label in text.labels)
    yield from (f"merge_request.assign={name}" for name in people.assignees)
    yield "merge_request.remove_source_branch"
    if squash:
        yield "merge_request.squash"  # since 17.2
    if auto_merge:
        yield "merge_request.auto_merge"
        yield "merge_request.merge_when_pipeline_succeeds"  # its name before 17.11


def _in_one_line(description: str, record: str) -> str:
    text = description.removesuffix(record).replace("\\n", "\\\u200bn").replace("\n", "\\n")
    kept = _JSON_ESCAPE.sub(lambda escape: _HEXADECIMAL.get(escape[1], escape[0]), record)
    if len((text + kept).encode()) <= _MAX_OPTION:
        return text + kept
    lines = "".join(_within(text.split("\\n")))
    return f"{lines}…\\n\\nThis is cut short, because push options are limited; the commit's diff shows everything."


def _within(lines: list[str]) -> Iterator[str]:
    room = _MAX_OPTION - 500
    for line in lines:
        room -= len(line.encode()) + 2
        if room < 0:
            return
        yield f"{line}\\n"


@dataclass(frozen=True, slots=True)
class PushOutput:
    """The merge request by number and address, or GitLab's reason."""

    iid: int | None = None
    url: str | None = None
    error: str | None = None


def read_push_output(stderr: str) -> PushOutput:
    """The merge request that GitLab made or found, or why it made none, from what git printed on stderr."""
    made = _MADE.search(stderr)
    error = _ERROR.search(_remote_text(stderr))
    reason = error[1].strip().rstrip(".") if error is not None else None
    return PushOutput(int(made[2]), made[1], reason) if made is not None else PushOutput(error=reason)


def _remote_text(stderr: str) -> str:
    """The server's lines as one text, without the blanks by which they are centred."""
    lines = (line.removeprefix("remote:").strip() for line in stderr.splitlines() if line.startswith("remote:"))
    return " ".join(line for line in lines if line)
