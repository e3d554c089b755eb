"""``bumper history``: the deployments of an environment, newest first."""

from dataclasses import dataclass
from itertools import islice

from bumper.delivery.session import Session
from bumper.environments.repository import open_target
from bumper.environments.selection import Selection, choose_applications
from bumper.errors import LookedFarEnough
from bumper.records.history import Deployment, Scope, deployments

_MOST = 100  # deployments; who looks further back has git log


@dataclass(frozen=True, slots=True)
class History:
    """The newest deployments of an environment; ``more`` says that there are older ones."""

    environment: str
    deployments: tuple[Deployment, ...]
    more: bool


def history(environment: str, apps: tuple[str, ...], session: Session) -> History:
    """Clone, gather, walk back through the target branch's commits.

    Raises:
        BumperError: the environment or an application is unknown, or GitLab did not answer.

    """
    checkout = session.cloning.end()
    target = open_target(checkout, environment, Selection(apps))
    chosen = choose_applications(target.gathered.applications, environment, apps)
    scope = Scope(checkout, session.gitlab, target.environment, target.setup.config, target.gathered, chosen)
    found: list[Deployment] = []
    more = False
    try:
        for one in islice(deployments(scope), _MOST + 1):
            found.append(one)  # noqa: PERF402 - what was found before an error is kept
    except LookedFarEnough:
        more = True
    return History(environment, tuple(found[:_MOST]), more or len(found) > _MOST)
