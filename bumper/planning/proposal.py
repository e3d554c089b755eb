"""A proposal: branch, commit message, merge request title and description made from changes. Pure."""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.config_models import Config
from bumper.image import Repository
from bumper.planning.description import ProposalText, describe, quiet, without_references
from bumper.records.record import Command, Record, comment, one_line, trailers
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


def propose(
    asked: Request, record: Record, text: ProposalText, files: Mapping[str, bytes], config: Config,
    apps: Iterable[str] = (),
) -> Proposal:  # fmt: skip
    """Put a proposal together; its branch is named after ``apps``, none means all."""
    title = title_of(record.command, record.environment, record.changes, text.note)
    subject = without_references(one_line(title))
    first = one_line(config.commit_message.replace("{default}", subject))
    return Proposal(
        branch=branch_name(config.branch_prefix, asked, apps),
        target_branch=asked.target_branch,
        title=quiet(one_line(text.title or "") or subject)[:MAX_TITLE],
        description=describe(record, text, title),
        message=f"{first}\n\n{_body(record)}\n\n{trailers(record, text.trailers)}",
        files=files,
        record=record,
        labels=tuple(dict.fromkeys(text.labels)),
    )


def branch_name(prefix: str, request: Request, apps: Iterable[str] = ()) -> str:
    """``<prefix><command>-<environment>-<slug>-<8 hex digits>``; the slug names the applications, none means all.

    The digits are the same for every rerun of ``request``; the slug changes where an application comes or goes.
    """
    images, globs = sorted(map(str, request.images)), sorted(set(request.apps))
    identity = [request.command, request.environment, request.target_branch, images, globs, request.selector]
    digits = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:8]
    named = sorted(set(apps)) or ["all"]
    slug = _slug(named[0]) + (f"-and-{len(named) - 1}" if len(named) > 1 else "")
    return f"{prefix}{request.command}-{_slug(request.environment)}-{slug}-{digits}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_MAX_SLUG].strip("-") or "x"


def _body(record: Record) -> str:
    """The changes for whoever reads git's log, one a line."""
    ways = {Command.HOLD: "held at {}", Command.UNHOLD: "{}, no longer held"}
    way = ways.get(record.command, "{} -> {}")
    lines = [
        one_line(f"{without_references(change.app)}: {change.image} {way.format(change.before, change.after)}")
        for change in record.changes[:_MAX_ROWS]
    ]
    left_out = len(record.changes) - len(lines)
    return "\n".join([*lines, *([f"and {left_out} more"] if left_out else [])])


def title_of(command: Command, environment: str, changes: Sequence[Change], note: str = "") -> str:
    """What changes, by application: ``backend 1.0.3 -> 1.0.9 in staging``; a ``note`` follows in parentheses."""
    by_app: defaultdict[str, list[Change]] = defaultdict(list)
    for change in changes:
        by_app[change.app].append(change)
    *first, last = by_app
    names = f"{', '.join(first)} and {last}" if first else last
    names = names if len(by_app) <= _MAX_NAMED else f"{len(by_app)} applications"
    after = {change.after for change in changes}
    if command is Command.HOLD:
        tags = {version.tag or "" for version in after}
        what = f"{names} held at {tags.pop()}" if len(tags) == 1 else f"{names} held"
    elif command is Command.UNHOLD:
        what = f"{names} no longer held"
    elif len(steps := _steps(changes)) == 1:
        what = f"{names} {steps.pop()}"
    elif len(after) == 1:
        what = f"{names} to {_short(after.pop())}"
    elif len(by_app) > _MAX_STEPS:
        what = names
    else:
        what = ", ".join(f"{app} {_step_of_app(own)}" for app, own in by_app.items())
    return f"{what} in {environment}" + (f" ({note})" if note else "")


def _step_of_app(changes: Sequence[Change]) -> str:
    """An application's step, or of how many images it has other ones."""
    steps = _steps(changes)
    return steps.pop() if len(steps) == 1 else f"({len({change.image for change in changes})} images)"


def _steps(changes: Iterable[Change]) -> set[str]:
    steps = set()
    for before, after in ((change.before, change.after) for change in changes):
        if before.tag is not None and before.tag == after.tag:
            steps.add(f"{after.tag} with another digest")
        elif before == Version(None, None):
            steps.add(f"to {_short(after)}")
        else:
            steps.add(f"{_short(before)} -> {_short(after)}")
    return steps


def _short(version: Version) -> str:
    return version.tag or str(version)


def readable(proposal: Proposal) -> str:
    """Title and description as a person sees them: parts that fold are folded, and there is no record."""
    description = proposal.description.removesuffix(comment(proposal.record)).rstrip()
    folded = _FOLDED.sub(r"[\1]", description)
    return f"{proposal.title}\n\n{folded}"
