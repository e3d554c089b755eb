"""A run, and its attempts at a request, each from one tip of the target branch.

After a lost push (``PushRaceLost``) ``remake_after_lost_push`` makes the attempt again from the new tip, within bounds.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from bumper.clock import SYSTEM_CLOCK, Clock
from bumper.environments.config_values import Delivery
from bumper.environments.repository import RepositoryConfig, Target
from bumper.errors import Refused, Unavailable
from bumper.git.checkout import Checkout, refreshed
from bumper.git.clone import Cloning
from bumper.git.failures import PushRaceLost
from bumper.gitlab.connection import GitLab, connect_if_possible
from bumper.gitlab.merge_request_changes import People
from bumper.planning.description import Watching
from bumper.records.known_requests import Ahead, KnownRequests, ask_ahead
from bumper.records.record import Command
from bumper.settings import Settings

if TYPE_CHECKING:
    from bumper.argocd.server import ArgoServer

_MAX_TRIES = 30
_PAUSE = 0.3  # seconds, longer by as much after each loss: the more rivals, the wider they spread
_MAX_PAUSE = 3.0
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Session:
    """One run; ``gitlab`` is its one connection to GitLab's API, None where no token opens it."""

    environ: Mapping[str, str] = field(repr=False)
    cloning: Cloning
    gitlab: GitLab | None
    argocd: "Callable[[str, str | None], ArgoServer]"  # the one connection to a server, for a project of Argo CD's
    show: Callable[[str], None]  # a line of progress, on stderr
    clock: Clock = SYSTEM_CLOCK
    began: float = 0.0  # by the clock's count of seconds

    @property
    def settings(self) -> Settings:
        """Where the GitOps repository is, and by which token."""
        return self.cloning.settings

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.clock.monotonic() - self.began

    def ask_ahead(self, checkout: Checkout) -> Ahead | None:
        """Begin to ask for what ``known_requests`` will be asked; None without GitLab's API."""
        return ask_ahead(self.gitlab, checkout.branch) if self.gitlab is not None else None

    def known_requests(
        self, checkout: Checkout, repository: RepositoryConfig, ahead: Ahead | None = None
    ) -> KnownRequests | None:
        """The project's merge requests as they are now; None without GitLab's API."""
        if self.gitlab is None:
            return None
        config = repository.config
        return KnownRequests(self.gitlab, checkout.branch, config.branch_prefix, config.bots, ahead)


def make_session(
    environ: Mapping[str, str], cloning: Cloning, show: Callable[[str], None], clock: Clock = SYSTEM_CLOCK
) -> Session:
    """The session of a run, with its one connection to GitLab; nothing is asked yet."""
    settings = cloning.settings

    @cache
    def connect(url: str, project: str | None) -> "ArgoServer":
        from bumper.argocd.server import connect_to_argocd  # most runs ask no Argo CD

        return connect_to_argocd(url, project, settings)

    return Session(environ, cloning, connect_if_possible(settings), connect, show, clock, clock.monotonic())


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """What the command line says about the way of a proposal; ``auto_merge`` is None where it says nothing.

    ``wait``, ``wait_deployed`` and ``steady`` are seconds, None where the command line says nothing of them.
    """

    delivery: Delivery | None = None
    people: People = field(default_factory=People)
    labels: tuple[str, ...] = ()
    title: str | None = None
    reopen: bool = False  # propose again what a person closed
    allow_older: bool = False  # although a newer pipeline has been here
    auto_merge: bool | None = None
    wait: float | None = None
    wait_deployed: float | None = None
    steady: float | None = None
    rollback_on_failure: bool = False

    @property
    def seconds_to_merge(self) -> float | None:
        """How long to wait for the merge: a rollout begins with one."""
        return self.wait if self.wait is not None else self.wait_deployed


@dataclass(frozen=True, slots=True)
class Attempt:
    """The environment that is changed, by merge request or commit, and what the run has for it.

    ``known`` are the project's merge requests; None without GitLab's API.
    """

    target: Target
    delivery: Delivery
    options: DeliveryOptions
    session: Session
    known: KnownRequests | None

    @property
    def auto_merge(self) -> bool:
        """Whether GitLab is to merge by itself: the command line's word, else bumper.yaml's."""
        asked = self.options.auto_merge
        return asked if asked is not None else self.target.environment.config.auto_merge

    @property
    def people(self) -> People:
        """The command line's people, and the reviewers whom bumper.yaml names for the environment."""
        named, asked = self.target.environment.config.reviewers, self.options.people
        return People(tuple(dict.fromkeys((*named, *asked.reviewers))), asked.assignees)

    def watching(self, command: Command) -> Watching | None:
        """How the deployment of ``command`` is watched; None where nobody waits for it to be deployed.

        A bump and a promotion may be rolled back, a rollback is not.
        """
        options, rules = self.options, self.target.environment.config
        if options.wait_deployed is None:
            return None
        steady = options.steady if options.steady is not None else rules.steady or 0.0
        rolls_back = options.rollback_on_failure or rules.rollback_on_failure
        return Watching(
            options.wait_deployed, steady, rolls_back and command in (Command.BUMP, Command.PROMOTE)
        )  # fmt: skip


def begin_attempt(target: Target, options: DeliveryOptions, session: Session, ahead: Ahead | None = None) -> Attempt:
    """An attempt at a change of ``target``; nothing is asked yet. Refused: a delivery that bumper.yaml does not allow.

    The command line never loosens what bumper.yaml demands; where neither says how to deliver, bumper only proposes.
    """
    written, name, demanded = target.setup.written, target.environment.name, target.environment.config.delivery
    if options.delivery == "commit" and (written is None or name not in written.environments):
        raise Refused(
            f"only bumper.yaml can allow a push straight to the branch, and none names {name}",
            "leave --delivery commit out, or describe the environment in bumper.yaml",
        )
    if options.delivery == "commit" and demanded == "merge-request":
        raise Refused(f"bumper.yaml requires merge requests for {name} (delivery)", "leave --delivery commit out")
    known = session.known_requests(target.checkout, target.setup, ahead)
    return Attempt(target, options.delivery or demanded or "merge-request", options, session, known)


def remake_after_lost_push(
    session: Session, attempt: Callable[[Checkout], _Made], checkout: Checkout | None = None
) -> _Made:  # fmt: skip
    """Make the attempt, and make it again from the new tip for as long as others push first, within bounds.

    Without a ``checkout`` it begins with the clone that the session has begun.
    """
    first = checkout if checkout is not None else session.cloning.end()
    for number in range(_MAX_TRIES):
        try:
            return attempt(first if number == 0 else refreshed(first))
        except PushRaceLost:
            # Jitter keeps many pipelines that start at one moment from meeting again and again.
            session.clock.sleep(random.uniform(0, min(_MAX_PAUSE, _PAUSE * (number + 1))))  # noqa: S311 - no secret
    raise Unavailable(
        f"{first.settings.address.url} was changed by others {_MAX_TRIES} times while this was made", "try again"
    )
