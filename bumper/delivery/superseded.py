"""Which images of a request a newer pipeline has bumped already: the request, or that part of it, gives way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bumper.ci import read_pipeline
from bumper.delivery.attempt import Attempt
from bumper.delivery.branch import Branch
from bumper.delivery.result import Action, Result, Status, proposed_at
from bumper.gitlab.merge_requests import User
from bumper.image import ImageReference
from bumper.log import report_step
from bumper.planning.proposal import Draft
from bumper.records.newer_pipeline import BumpQuery, NewerPipeline, find_newer, newer_at_head
from bumper.records.record import Command, Record


@dataclass(frozen=True, slots=True)
class Superseded:
    """An image that a newer pipeline has bumped already, and the applications that use it."""

    image: ImageReference
    apps: tuple[str, ...]
    newer: NewerPipeline

    def explain(self, environment: str) -> str:
        """What happened, with the command that goes back on purpose (a job retried in GitLab may mean that)."""
        newer = self.newer
        where = f" (!{newer.merge_request.iid})" if newer.merge_request is not None else ""
        apps = " ".join(f"--app {app}" for app in self.apps)
        version = self.image.tag or self.image.digest
        return (
            f"the newer pipeline {newer.pipeline.id} has set {self.image.repository} to {newer.tag} in {environment}"
            f"{where}, so {version} was left alone; to go back on purpose run "
            f"`bumper rollback {environment} {apps} --to {version}`, or add --allow-older."
        )


def find_superseded(attempt: Attempt, images: Sequence[ImageReference], apps: frozenset[str]) -> list[Superseded]:
    """Those of ``images`` that a newer pipeline has bumped; outside a pipeline there is no order."""
    target, pipeline = attempt.target, read_pipeline(attempt.session.environ)
    if attempt.options.allow_older or pipeline is None:
        return []
    report_step("looking for newer pipelines")
    found = []
    for image in images:
        pins = [one for one in target.gathered.pins if one.app in apps and one.pin.repository == image.repository]
        files = tuple(dict.fromkeys(one.file for one in pins))
        newer = find_newer(target, attempt.known, BumpQuery(image.repository, pipeline, files))
        if newer is not None:
            found.append(Superseded(image, tuple(dict.fromkeys(one.app for one in pins)), newer))
    return found


def newer_on_branch(attempt: Attempt, branch: Branch, ours: Record, author: User | None) -> NewerPipeline | None:
    """The newer pipeline that has made the same request on its branch in the meantime.

    ``author`` is the one of the branch's merge request, as far as it is known.
    """
    if attempt.options.allow_older:
        return None
    return newer_at_head(attempt.target, attempt.known, branch.checkout, branch.head, ours, author)


def superseded_result(
    command: Command, environment: str, found: Sequence[Superseded], warnings: Iterable[str]
) -> Result:
    """The result of a request all of whose images a newer pipeline has bumped; its merge request may be open."""
    opened = [one.newer.merge_request for one in found if one.newer.merge_request is not None]
    return Result(
        command, environment, Status.SUPERSEDED,
        warnings=(*warnings, *(one.explain(environment) for one in found)),
        merge_request=proposed_at(opened[0], Action.UNCHANGED) if opened else None,
    )  # fmt: skip


def overtaken_result(draft: Draft, newer: NewerPipeline) -> Result:
    """The result of a request that a newer pipeline overtook after it was planned."""
    record, found = draft.proposal.record, []
    for image in dict.fromkeys(record.images):
        apps = dict.fromkeys(change.app for change in draft.plan.changes if change.image == image.repository)
        if apps:
            found.append(Superseded(image, tuple(apps), newer))
    return superseded_result(record.command, record.environment, found, draft.plan.warnings)
