"""A proposal: branch, commit message, merge request title and description made from changes. Pure."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bumper.ci import Source
from bumper.image import Repository
from bumper.records.description import comment
from bumper.records.record import Command, Record, one_line, trailers

MAX_TITLE = 255  # characters, GitLab's limit
_MAX_ROWS = 100
_MAX_SLUG = 40
_ZERO_WIDTH_SPACE = "\u200b"
_REFERENCE = re.compile(r"[@#!$&~%](?=[\w\"])")


@dataclass(frozen=True, slots=True)
class Request:
    """What makes a request the same request when it is made again; tags are not in it."""

    command: Command
    environment: str
    target_branch: str
    images: tuple[Repository, ...]
    apps: tuple[str, ...] = ()
    selector: str = ""  # a rollback's


@dataclass(frozen=True, slots=True)
class Proposal:
    """A branch with new bytes for files, and the words around it."""

    branch: str
    target_branch: str
    title: str
    description: str
    message: str
    files: Mapping[str, bytes]
    record: Record
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """What people set of a proposal's words: bumper.yaml's commit_message, ``--title``, further trailers."""

    commit_message: str
    title: str | None = None
    trailers: Mapping[str, str] | None = None


def branch_name(prefix: str, request: Request) -> str:
    """``<prefix><command>-<environment>-<slug>-<8 hex digits>``; the same for every rerun of ``request``."""
    identity = json.dumps(
        [
            request.command,
            request.environment,
            request.target_branch,
            sorted(map(str, request.images)),
            sorted(set(request.apps)),
            request.selector,
        ]
    )
    digits = hashlib.sha256(identity.encode()).hexdigest()[:8]
    named = sorted(image.name.rpartition("/")[2] for image in request.images) or sorted(request.apps) or ["all"]
    slug = _slug(named[0]) + (f"-and-{len(named) - 1}" if len(named) > 1 else "")
    return f"{prefix}{request.command}-{_slug(request.environment)}-{slug}-{digits}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_MAX_SLUG].strip("-") or "x"


def propose(
    request: Request, prefix: str, subject: str, files: Mapping[str, bytes], record: Record, words: Words,
    labels: Iterable[str] = (), remarks: Sequence[str] = (),
) -> Proposal:  # fmt: skip
    """Put a proposal together; ``subject`` is the line that bumper would write by itself."""
    subject = _without_references(subject)
    title = _quiet(one_line(words.title or "") or subject)[:MAX_TITLE]
    first = one_line(words.commit_message.replace("{default}", subject))
    return Proposal(
        branch=branch_name(prefix, request),
        target_branch=request.target_branch,
        title=title,
        description=describe(record, subject, remarks),
        message=f"{first}\n\n{_body(record)}\n\n{trailers(record, words.trailers or {})}",
        files=files,
        record=record,
        labels=tuple(dict.fromkeys(labels)),
    )


def _body(record: Record) -> str:
    """The changes for whoever reads git's log, one a line."""
    lines = [
        one_line(f"{_without_references(change.app)}: {change.image} {change.before} -> {change.after}")
        for change in record.changes[:_MAX_ROWS]
    ]
    left_out = len(record.changes) - len(lines)
    return "\n".join([*lines, *([f"and {left_out} more"] if left_out else [])])


def readable(proposal: Proposal) -> str:
    """Title and description as a person sees them, without the record."""
    return f"{proposal.title}\n\n{proposal.description.removesuffix(comment(proposal.record)).rstrip()}"


def describe(record: Record, subject: str, remarks: Sequence[str] = ()) -> str:
    """The merge request's description: a table of the changes, where they come from, and the record."""
    rows = [
        f"| {code(change.app)} | {code(str(change.image))} | {code(str(change.before))} | {code(str(change.after))} "
        f"| {code(f'{change.file}:{change.line}')} |"
        for change in record.changes[:_MAX_ROWS]
    ]
    left_out = len(record.changes) - len(rows)
    parts = [
        f"{_quiet(subject).replace('<', '&lt;')}.",
        "\n".join(["| Application | Image | From | To | Place |", "| --- | --- | --- | --- | --- |", *rows]),
        f"… and {left_out} more." if left_out > 0 else "",
        *remarks,
        _provenance(record),
        "Every byte outside these tags is as it was.",
        comment(record),
    ]
    return "\n\n".join(part for part in parts if part)


def _provenance(record: Record) -> str:
    lines = [f"- Environment: {code(record.environment)}"]
    if record.pipeline is not None and record.pipeline.url.startswith(("http://", "https://")):
        lines.append(f"- Pipeline: <{one_line(record.pipeline.url).replace(' ', '%20').replace('>', '%3E')}>")
    if record.source is not None:
        lines.append(_origin(record.source))
    if record.requested_by is not None:
        lines.append(f"- Requested by: {code(record.requested_by)}")
    return "\n".join(lines)


def _origin(source: Source) -> str:
    branch = f" on {code(source.branch)}" if source.branch else ""
    author = f" by {code(source.author)}" if source.author else ""
    return f"- Source: {code(source.commit)} of {code(source.project)}{branch}{author}"


def _quiet(text: str) -> str:
    """``text`` in which no name notifies anybody: GitLab reads mentions in titles too, where backticks do not help."""
    return text.replace("@", f"@{_ZERO_WIDTH_SPACE}")


def _without_references(text: str) -> str:
    """``text`` in which no name is a reference either: an application called "closes #1" closes no issue by a commit.

    GitLab reads ``#1 !1 $1 &1 ~label %milestone @user`` (its documentation of GitLab-specific references).
    """
    return _REFERENCE.sub(f"\\g<0>{_ZERO_WIDTH_SPACE}", text)


def code(text: str) -> str:
    """``text`` as code in a table's cell: no Markdown, mention or quick action in it comes to life."""
    plain = one_line(text).replace("`", "'").replace("|", "\\|")
    return f"`{plain or ' '}`"
