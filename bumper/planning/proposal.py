"""A proposal: branch, commit message, merge request title and description made from changes. Pure.

A draft is the proposal of a plan, ready to be delivered, with what Argo CD should run once it has landed.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from bumper.argocd.verdict import ExpectedImage
from bumper.ci import argocd_references, read_pipeline, read_source, requested_by
from bumper.environments.config_models import ArgoCd, Config
from bumper.environments.gather import FoundPin, Gathered
from bumper.environments.layout import Environment
from bumper.gate.rules import Waiting
from bumper.image import Repository
from bumper.planning.bump import Plan, apply_plan, diff_of
from bumper.planning.description import ProposalText, describe, explain_held, quiet, without_references
from bumper.records.record import Command, Record, comment, one_line, trailers
from bumper.values.change import Change
from bumper.values.pin import Version

if TYPE_CHECKING:
    from bumper.environments.repository import Target  # with git, which a library does without

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
class Rollout:
    """The Argo CD of an environment, and the images that a request expects it to run there."""

    argocd: ArgoCd
    expected_images: tuple[ExpectedImage, ...]

    def applications(self) -> dict[str, tuple[ExpectedImage, ...]]:
        """The expected images of each Argo CD application, by the application's name."""
        named: defaultdict[str, list[ExpectedImage]] = defaultdict(list)
        for image in self.expected_images:
            for pattern in self.argocd.application:
                app = image.app.rpartition("/")[2]  # what {app} matched, without the folders that tell it from others
                named[pattern.replace("{app}", app)].append(image)
        return {name: tuple(images) for name, images in named.items()}


def rollout_of(environment: Environment, gathered: Gathered, plan: Plan) -> Rollout | None:
    """What Argo CD should run after ``plan``; None where bumper.yaml names no Argo CD for the environment."""
    if environment.config.argocd is None:
        return None
    changed = {change.place: change for change in plan.changes}
    images: list[ExpectedImage] = []
    for found in gathered.pins:
        change = changed.get(found.place)
        if change is not None:
            moved = change.before.tag != change.after.tag
            images.append(ExpectedImage(change.app, change.image, change.after, moved))
        elif found.place in plan.covers:
            images += expected_images([found])
    return Rollout(environment.config.argocd, tuple(dict.fromkeys(images)))


def expected_images(pins: Iterable[FoundPin]) -> list[ExpectedImage]:
    """The images that the values ask for as they are now."""
    return [
        ExpectedImage(found.app, found.pin.repository, found.pin.version)
        for found in pins
        if found.pin.repository is not None and found.pin.tag is not None
    ]


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal, the plan behind it, its unified diff, and what Argo CD is to run then (None: nothing is known)."""

    proposal: Proposal
    plan: Plan
    diff: str
    rollout: Rollout | None
    source: str | None = None  # the environment that a promotion is from
    waiting: tuple[Waiting, ...] = ()  # the applications that a promotion leaves for later

    def on_branch(self, branch: str) -> "Draft":
        """The draft, proposed on another branch."""
        return replace(self, proposal=replace(self.proposal, branch=branch))


def make_draft(
    target: "Target", asked: Request, plan: Plan, text: ProposalText, environ: Mapping[str, str],
    files: Mapping[str, bytes] | None = None, undoes: Sequence[str] = (),
) -> Draft:  # fmt: skip
    """The proposal of ``plan``, by whoever the CI variables name.

    ``files`` are its new bytes where they are more than the plan's tags.
    """
    address, gathered = target.checkout.settings.address, target.gathered
    record = Record(
        asked.command, asked.environment, tuple(dict.fromkeys(change.reference for change in plan.changes)),
        plan.changes, read_pipeline(environ), requested_by(environ), tuple(undoes), urgent=text.urgent,
        source=read_source(environ), by_itself=text.by_itself,
        watched=round(text.watching.longest) if text.watching is not None else None,
    )  # fmt: skip
    text = replace(
        text,
        labels=(*target.environment.config.labels, *text.labels),
        left_out=(*map(explain_held, plan.held), *text.left_out),
        warnings=(*text.warnings, *plan.warnings),
        along=plan.along,
        files_url=f"{address.gitlab_url}/{quote(address.project)}/-/blob/{quote(target.checkout.branch)}",
        trailers=argocd_references(environ),
    )
    content = files if files is not None else apply_plan(plan, gathered.values)
    proposal = propose(asked, record, text, content, target.setup.config, _applications(asked, gathered))
    return Draft(proposal, plan, diff_of(content, gathered.values), rollout_of(target.environment, gathered, plan))


def _applications(asked: Request, gathered: Gathered) -> tuple[str, ...]:
    """The applications that a request names, or that use its images; none where it is about all of several."""
    if asked.apps:
        return asked.apps
    if asked.images:
        return tuple(found.app for found in gathered.pins if found.pin.repository in asked.images)
    return gathered.apps if len(gathered.apps) == 1 else ()


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
