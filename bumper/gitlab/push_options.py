"""The options of ``git push`` by which GitLab makes a merge request (its documentation of push options). Pure.

git sends an option as one line, so a line break in a description is written as a backslash with an n, of which GitLab
makes a line break again, wherever it meets one.
"""

import re
from collections.abc import Iterator

from bumper.gitlab.merge_request_changes import MergeRequestText, People

_MAX_OPTION = 60_000  # bytes; git sends an option as one pkt-line of at most 65,516
_JSON_ESCAPE = re.compile(r"\\(.)")
_HEXADECIMAL = {"n": "\\u000a", "\\": "\\u005c"}


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
    lines = "".join(line for line in _within(text.split("\\n")))
    return f"{lines}…\\n\\nThis is cut short, because push options are limited; the commit's diff shows everything."


def _within(lines: list[str]) -> Iterator[str]:
    room = _MAX_OPTION - 500
    for line in lines:
        room -= len(line.encode()) + 2
        if room < 0:
            return
        yield f"{line}\\n"
