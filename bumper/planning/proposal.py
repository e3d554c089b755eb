"""A proposal: branch, commit message, merge request title and description made from changes. Pure."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bumper.image import Repository
from bumper.planning.markdown import quiet, without_references
from bumper.records.description import comment
from bumper.records.record import Command, Record, one_line, trailers
from bumper.values.change import Change
from bumper.values.pin import Version

MAX_TITLE = 255  # characters, GitLab's limit
_MAX_ROWS = 100
_MAX_SLUG = 40
_MAX_NAMED = 3  # applications that a title has room for
_MAX_STEPS = 2  # different ones in a title
_FOLDED = re.compile(r"<details>\n<summary>(.*?)</summary>.*?</details>", re.DOTALL)


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


def branch_name(prefix: str, request: Request, apps: Iterable[str] = ()) -> str:
    """``<prefix><command>-<environment>-<slug>-<8 hex digits>``; the slug names the applications, none means all.

    The digits are the same for every rerun of ``request``; the slug changes where an application comes or goes.
    """
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
    named = sorted(set(apps)) or ["all"]
    slug = _slug(named[0]) + (f"-and-{len(named) - 1}" if len(named) > 1 else "")
    return f"{prefix}{request.command}-{_slug(request.environment)}-{slug}-{digits}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_MAX_SLUG].strip("-") or "x"


def propose(
    request: Request, branch: str, subject: str, description: str, files: Mapping[str, bytes], record: Record,
    words: Words, labels: Iterable[str] = (),
) -> Proposal:  # fmt: skip
    """Put a proposal together; ``subject`` is the line that bumper would write by itself."""
    subject = without_references(one_line(subject))
    title = quiet(one_line(words.title or "") or subject)[:MAX_TITLE]
    first = one_line(words.commit_message.replace("{default}", subject))
    return Proposal(
        branch=branch,
        target_branch=request.target_branch,
        title=title,
        description=description,
        message=f"{first}\n\n{_body(record)}\n\n{trailers(record, words.trailers or {})}",
        files=files,
        record=record,
        labels=tuple(dict.fromkeys(labels)),
    )


def _body(record: Record) -> str:
    """The changes for whoever reads git's log, one a line."""
    lines = [
        one_line(f"{without_references(change.app)}: {change.image} {_line(record.command, change)}")
        for change in record.changes[:_MAX_ROWS]
    ]
    left_out = len(record.changes) - len(lines)
    return "\n".join([*lines, *([f"and {left_out} more"] if left_out else [])])


def _line(command: Command, change: Change) -> str:
    if command is Command.HOLD:
        return f"held at {change.before}"
    if command is Command.UNHOLD:
        return f"{change.before}, no longer held"
    return f"{change.before} -> {change.after}"


def title_of(command: Command, environment: str, changes: Sequence[Change], note: str = "") -> str:
    """What changes, by application: ``backend 1.0.3 -> 1.0.9 in staging``; a ``note`` follows in parentheses."""
    ending = f" in {environment}" + (f" ({note})" if note else "")
    if command is Command.HOLD:
        tags = dict.fromkeys(change.after.tag or "" for change in changes)
        return f"{_names(changes)} held{f' at {next(iter(tags))}' if len(tags) == 1 else ''}{ending}"
    if command is Command.UNHOLD:
        return f"{_names(changes)} no longer held{ending}"
    return _what_changes(changes) + ending


def _what_changes(changes: Sequence[Change]) -> str:
    steps = {_step(change.before, change.after) for change in changes}
    if len(steps) == 1:
        return f"{_names(changes)} {steps.pop()}"
    if len({change.after for change in changes}) == 1:
        return f"{_names(changes)} to {_short(changes[0].after)}"
    by_app = _by_app(changes)
    if len(by_app) > _MAX_STEPS:
        return _names(changes)
    return ", ".join(f"{app} {_steps(own)}" for app, own in by_app.items())


def _steps(changes: Iterable[Change]) -> str:
    """An application's step, or of how many images it has other ones."""
    changes = list(changes)
    steps = {_step(change.before, change.after) for change in changes}
    return steps.pop() if len(steps) == 1 else f"({len({change.image for change in changes})} images)"


def _step(before: Version, after: Version) -> str:
    if before.tag is not None and before.tag == after.tag:
        return f"{after.tag} with another digest"
    if before.tag is None and before.digest is None:
        return f"to {_short(after)}"
    return f"{_short(before)} -> {_short(after)}"


def _short(version: Version) -> str:
    return version.tag or str(version)


def _names(changes: Iterable[Change]) -> str:
    """``backend``, ``backend and web``, ``5 applications``."""
    names = list(_by_app(changes))
    if len(names) > _MAX_NAMED:
        return f"{len(names)} applications"
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _by_app(changes: Iterable[Change]) -> Mapping[str, list[Change]]:
    by_app: dict[str, list[Change]] = {}
    for change in changes:
        by_app.setdefault(change.app, []).append(change)
    return by_app


def readable(proposal: Proposal) -> str:
    """Title and description as a person sees them: parts that fold are folded, and there is no record."""
    description = proposal.description.removesuffix(comment(proposal.record)).rstrip()
    folded = _FOLDED.sub(r"[\1]", description)
    return f"{proposal.title}\n\n{folded}"
