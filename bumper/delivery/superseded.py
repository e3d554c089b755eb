"""Which images of a request a newer pipeline has bumped already, and what is said of that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bumper.ci import Pipeline
from bumper.delivery.result import ProposedAt, Result
from bumper.environments.repository import Target
from bumper.gitlab.connection import connect_if_possible
from bumper.gitlab.merge_requests import find_open
from bumper.image import ImageReference
from bumper.planning.proposal import Request
from bumper.progress import report_step
from bumper.records.order import Asked, NewerPipeline, newer_among, newer_on_branch


@dataclass(frozen=True, slots=True)
class Late:
    """An image that came too late, the applications that use it, and what overtook it."""

    image: ImageReference
    apps: tuple[str, ...]
    newer: NewerPipeline

    def explain(self, environment: str) -> str:
        """What happened, with the command that goes back on purpose (a job retried in GitLab may mean that)."""
        newer = self.newer
        where = f" (!{newer.merge_request.iid})" if newer.merge_request is not None else ""
        apps = " ".join(f"--app {app}" for app in self.apps)
        return (
            f"the newer pipeline {newer.pipeline.id} has set {self.image.repository} to {newer.tag} in {environment}"
            f"{where}, so {self.image.tag} was left alone; to go back on purpose run "
            f"`bumper rollback {environment} {apps} --to {self.image.tag}`, or add --allow-older."
        )


def find_late(
    target: Target, images: Sequence[ImageReference], apps: frozenset[str], pipeline: Pipeline | None
) -> list[Late]:
    """Those of ``images`` that a newer pipeline has bumped; outside a pipeline there is no order.

    The target branch is asked by its name, not at the commit that was cloned: it may have moved on since.
    """
    if pipeline is None:
        return []
    report_step("looking for newer pipelines")
    checkout = target.checkout
    gitlab = connect_if_possible(checkout.settings)
    proposed = [(one.record, one) for one in find_open(gitlab, checkout.branch)] if gitlab is not None else []
    late = []
    for image in images:
        found = [each for each in target.gathered.pins if each.app in apps and each.pin.repository == image.repository]
        files = tuple(dict.fromkeys(each.file for each in found))
        asked = Asked(target.environment.name, image.repository, pipeline, files)
        newer = newer_among(proposed, asked) or newer_on_branch(checkout, gitlab, asked)
        if newer is not None:
            late.append(Late(image, tuple(dict.fromkeys(each.app for each in found)), newer))
    return late


def superseded(asked: Request, warnings: Iterable[str], newer: Iterable[NewerPipeline]) -> Result:
    """The result of a request that came too late; its merge request is the newer pipeline's, where one is open."""
    requests = [one.merge_request for one in newer if one.merge_request is not None]
    shown = None
    if requests:
        one = requests[0]
        shown = ProposedAt(one.iid, one.url, one.state, "unchanged", one.auto_merge)
    return Result(asked.command, asked.environment, "superseded", warnings=tuple(warnings), merge_request=shown)
