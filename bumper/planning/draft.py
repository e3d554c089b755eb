"""A plan put together and ready to be delivered: the proposal, and what Argo CD should run once it has landed. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from bumper.argocd.verdict import ExpectedImage
from bumper.ci import argocd_references, read_pipeline, read_source, requested_by
from bumper.environments.config_models import ArgoCd
from bumper.environments.gather import FoundPin, Gathered
from bumper.environments.layout import Environment
from bumper.environments.repository import Target
from bumper.gate.rules import Waiting
from bumper.planning.bump import Plan, apply_plan, diff_of
from bumper.planning.description import ProposalText, explain_held
from bumper.planning.proposal import Proposal, Request, propose
from bumper.records.record import Record


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
    target: Target, asked: Request, plan: Plan, text: ProposalText, environ: Mapping[str, str],
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
