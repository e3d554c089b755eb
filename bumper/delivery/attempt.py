"""An attempt at a request, from one tip of the target branch: made again where others pushed first, within bounds."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from bumper.clock import Clock
from bumper.delivery.result import Result
from bumper.delivery.session import Session
from bumper.environments.config_values import Delivery
from bumper.environments.repository import Target
from bumper.errors import Refused, Unavailable
from bumper.git.checkout import Checkout, refreshed
from bumper.git.failures import PushRaceLost
from bumper.gitlab.merge_request_changes import NOBODY, People
from bumper.planning.rollout import Watching
from bumper.records.known_requests import Ahead, KnownRequests
from bumper.records.record import Command

_MAX_TRIES = 30
_PAUSE = 0.3  # seconds, longer by as much after each loss: the more rivals, the wider they spread
_MAX_PAUSE = 3.0


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """What the command line says about the way of a proposal; ``auto_merge`` is None where it says nothing.

    ``wait``, ``wait_deployed`` and ``steady`` are seconds, None where the command line says nothing of them.
    """

    delivery: Delivery | None = None
    people: People = NOBODY
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
    """An attempt at a change of ``target``; nothing is asked yet.

    Raises:
        Refused: bumper.yaml does not allow the delivery that the options ask for.

    """
    known = session.known_requests(target.checkout, target.setup, ahead)
    return Attempt(target, _choose_delivery(target, options.delivery), options, session, known)


def _choose_delivery(target: Target, option: Delivery | None) -> Delivery:
    """The command line never loosens what bumper.yaml demands; without one that names it, bumper only proposes."""
    written, name = target.setup.written, target.environment.name
    demanded = target.environment.config.delivery
    if option == "commit" and (written is None or name not in written.environments):
        raise Refused(
            f"only bumper.yaml can allow a push straight to the branch, and none names {name}",
            "leave --delivery commit out, or describe the environment in bumper.yaml",
        )
    if option == "commit" and demanded == "merge-request":
        raise Refused(f"bumper.yaml requires merge requests for {name} (delivery)", "leave --delivery commit out")
    return option or demanded or "merge-request"


def remake_after_lost_push(checkout: Checkout, attempt: Callable[[Checkout], Result], clock: Clock) -> Result:
    """Make the attempt, and make it again from the new tip for as long as others push first, within bounds."""
    for number in range(_MAX_TRIES):
        try:
            return attempt(checkout if number == 0 else refreshed(checkout))
        except PushRaceLost:
            # Jitter keeps many pipelines that start at one moment from meeting again and again.
            clock.sleep(random.uniform(0, min(_MAX_PAUSE, _PAUSE * (number + 1))))  # noqa: S311 - no secret
    raise Unavailable(
        f"{checkout.settings.address.url} was changed by others {_MAX_TRIES} times while this was made", "try again"
    )
