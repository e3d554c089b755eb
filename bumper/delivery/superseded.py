"""Which images of a request a newer pipeline has bumped already, and what to tell the user."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bumper.ci import Pipeline
from bumper.delivery.result import Action, ProposedAt, Result, Status, proposed_at
from bumper.environments.repository import Target
from bumper.image import ImageReference
from bumper.planning.draft import Draft
from bumper.planning.proposal import Request
from bumper.progress import report_step
from bumper.records.known_requests import KnownRequests
from bumper.records.newer_pipeline import BumpQuery, NewerPipeline, find_newer
from bumper.values.change import Change


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


def find_superseded(
    target: Target, known: KnownRequests | None, images: Sequence[ImageReference], apps: frozenset[str],
    pipeline: Pipeline | None,
) -> list[Superseded]:  # fmt: skip
    """Those of ``images`` that a newer pipeline has bumped; outside a pipeline there is no order."""
    if pipeline is None:
        return []
    report_step("looking for newer pipelines")
    found = []
    for image in images:
        pins = [one for one in target.gathered.pins if one.app in apps and one.pin.repository == image.repository]
        files = tuple(dict.fromkeys(one.file for one in pins))
        newer = find_newer(target, known, BumpQuery(image.repository, pipeline, files))
        if newer is not None:
            found.append(Superseded(image, tuple(dict.fromkeys(one.app for one in pins)), newer))
    return found


def superseded_by(asked: Request, found: Sequence[Superseded], warnings: Iterable[str]) -> Result:
    """The result of a request all of whose images a newer pipeline has bumped."""
    return Result(
        asked.command, asked.environment, Status.SUPERSEDED,
        warnings=(*warnings, *(one.explain(asked.environment) for one in found)),
        merge_request=_shown([one.newer for one in found]),
    )  # fmt: skip


def superseded_result(draft: Draft, newer: Sequence[NewerPipeline]) -> Result:
    """The result of a request that a newer pipeline overtook after it was planned."""
    record = draft.proposal.record
    found = [
        Superseded(image, _apps_of(draft.plan.changes, image), newer[0])
        for image in record.images
        if _apps_of(draft.plan.changes, image)
    ]
    asked = Request(record.command, record.environment, draft.proposal.target_branch, ())
    return replace(superseded_by(asked, found, draft.plan.warnings), merge_request=_shown(newer))


def _apps_of(changes: Iterable[Change], image: ImageReference) -> tuple[str, ...]:
    return tuple(dict.fromkeys(change.app for change in changes if change.image == image.repository))


def _shown(newer: Iterable[NewerPipeline]) -> ProposedAt | None:
    """The newer pipeline's merge request, where one is open."""
    one = next((found.merge_request for found in newer if found.merge_request is not None), None)
    return proposed_at(one, Action.UNCHANGED) if one is not None else None
