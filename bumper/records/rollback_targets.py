"""The versions that applications could be rolled back to: those that their last deployments replaced."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bumper.errors import LookedFarEnough
from bumper.image import ImageReference
from bumper.records.history import CLOCKS_DIFFER_BY, Deployment, Scope, deployments


@dataclass(frozen=True, slots=True)
class Depth:
    """How far back: the last ``keep`` deployments of each application, or all of them since a moment."""

    keep: int = 3
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class RollbackTargets:
    """Images by application, the newest first; ``missing`` says why there may be more."""

    images: tuple[tuple[str, ImageReference], ...]
    missing: str | None = None


def rollback_targets(scope: Scope, depth: Depth) -> RollbackTargets:
    """What the applications of the scope ran before, as deep as is asked for."""
    found: dict[tuple[str, ImageReference], None] = {}
    try:
        for deployment in _deep_enough(scope, depth):
            for change in deployment.changes:
                if change.before.tag is not None or change.before.digest is not None:
                    image = change.image_before or change.image
                    found[change.app, ImageReference(image, change.before.tag, change.before.digest)] = None
    except LookedFarEnough as error:
        return RollbackTargets(tuple(found), error.what)
    return RollbackTargets(tuple(found))


def _deep_enough(scope: Scope, depth: Depth) -> Iterator[Deployment]:
    """The deployments, each without the changes of applications of which enough are known."""
    seen: Counter[str] = Counter()
    for deployment in deployments(scope):
        apps = {change.app for change in deployment.changes}
        if depth.since is not None:
            if deployment.at < depth.since - CLOCKS_DIFFER_BY:
                return
            if deployment.at >= depth.since:
                yield deployment
            continue
        wanted = {app for app in apps if seen[app] < depth.keep}
        seen.update(apps)
        if wanted:
            yield deployment.of(wanted)
        if all(seen[app] >= depth.keep for app in scope.names):
            return
