"""``bumper history``: the deployments of an environment, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bumper.delivery.attempt import Session
from bumper.environments.repository import RepositoryConfig, open_environment, read_repository_config
from bumper.environments.selection import Selection, choose_applications
from bumper.errors import LookedFarEnough
from bumper.git.checkout import Checkout
from bumper.gitlab.connection import GitLab
from bumper.records.history import CLOCKS_DIFFER_BY, Deployment, Scope, deployments
from bumper.records.watches import WatchRecord, read_watches


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
    outcomes: Mapping[int, WatchRecord] = field(default_factory=dict)  # of those that were watched, by merge request


def history(environment: str, apps: tuple[str, ...], how_far: HowFar, session: Session) -> History:
    """Clone, gather, walk back through the target branch's commits."""
    checkout = session.cloning.end()
    repository = read_repository_config(checkout)
    found, is_complete = _find(_scope(checkout, repository, session.gitlab, environment, apps), how_far)
    outcomes: Mapping[int, WatchRecord] = {}
    known = session.known_requests(checkout, repository)
    if known is not None:
        watched = (one for one in found if one.record is not None and one.record.watched is not None)
        iids = [one.merge_request for one in watched if one.merge_request is not None]
        outcomes = read_watches(known, iids, session.clock.now())
    return History(environment, tuple(found), is_complete, outcomes)


def _find(scope: Scope, how_far: HowFar) -> tuple[list[Deployment], bool]:
    """The deployments, and whether they are all that were asked for."""
    found: list[Deployment] = []
    try:
        for deployment in deployments(scope):
            if how_far.since is not None and deployment.at < how_far.since:
                if deployment.at < how_far.since - CLOCKS_DIFFER_BY:
                    break
                continue
            if how_far.limit is not None and len(found) == how_far.limit:
                return found, False
            found.append(deployment)
    except LookedFarEnough:  # what was found until then is kept
        return found, False
    return found, True


def _scope(
    checkout: Checkout, repository: RepositoryConfig, gitlab: GitLab | None, name: str, globs: tuple[str, ...]
) -> Scope:
    """The environment and its applications; files are read where only their keys name the applications."""
    environment = repository.layout.environment(name)
    if any(app.is_by_key for app in environment.apps):
        environment = open_environment(checkout, repository, name, Selection(globs)).environment
    chosen = choose_applications(environment.apps, name, globs)
    apps = tuple(app for app in environment.apps if app.app in chosen)
    return Scope(checkout, gitlab, replace(environment, apps=apps), repository.config)
