"""``bumper history``: the deployments of an environment, newest first."""

from dataclasses import dataclass
from datetime import datetime

from bumper.delivery.session import Session
from bumper.environments.repository import open_target
from bumper.environments.selection import Selection, choose_applications
from bumper.errors import LookedFarEnough
from bumper.records.history import CLOCKS_DIFFER_BY, Deployment, Scope, deployments


@dataclass(frozen=True, slots=True)
class HowFar:
    """How far back to look: so many deployments, or (``since``) all from a moment on."""

    limit: int | None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The newest deployments of an environment; not ``complete``: there are older ones that were asked for, too."""

    environment: str
    deployments: tuple[Deployment, ...]
    complete: bool


def history(environment: str, apps: tuple[str, ...], how_far: HowFar, session: Session) -> History:
    """Clone, gather, walk back through the target branch's commits.

    Raises:
        BumperError: the environment or an application is unknown, or GitLab did not answer.

    """
    checkout = session.cloning.end()
    target = open_target(checkout, environment, Selection(apps))
    chosen = choose_applications(target.gathered.applications, environment, apps)
    scope = Scope(checkout, session.gitlab, target.environment, target.setup.config, target.gathered, chosen)
    found: list[Deployment] = []
    try:
        for deployment in deployments(scope):
            if how_far.since is not None and deployment.at < how_far.since:
                if deployment.at < how_far.since - CLOCKS_DIFFER_BY:
                    break
                continue
            if how_far.limit is not None and len(found) == how_far.limit:
                return History(environment, tuple(found), complete=False)
            found.append(deployment)
    except LookedFarEnough:  # what was found until then is kept
        return History(environment, tuple(found), complete=False)
    return History(environment, tuple(found), complete=True)
