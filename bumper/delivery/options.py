"""How a proposal is to be delivered: what the command line asks for within what bumper.yaml demands. Pure."""

from dataclasses import dataclass

from bumper.environments.config_models import Config
from bumper.environments.config_values import Delivery
from bumper.environments.layout import Environment
from bumper.errors import Refused
from bumper.gitlab.merge_request_changes import NOBODY, People
from bumper.planning.rollout import Watching
from bumper.records.record import Command


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


def watching_of(command: Command, environment: Environment, options: DeliveryOptions) -> Watching | None:
    """How a deployment in the environment is watched; None where nobody waits for it to be deployed.

    A bump and a promotion may be rolled back, a rollback is not.
    """
    if options.wait_deployed is None:
        return None
    rules = environment.config
    steady = options.steady if options.steady is not None else rules.steady or 0.0
    rolls_back = command in (Command.BUMP, Command.PROMOTE) and (
        options.rollback_on_failure or rules.rollback_on_failure
    )
    return Watching(options.wait_deployed, steady, rolls_back)


def choose_delivery(written: Config | None, environment: Environment, option: Delivery | None) -> Delivery:
    """``merge-request`` or ``commit``; the command line never loosens what bumper.yaml demands.

    ``written`` is bumper.yaml; without one that names the environment bumper makes merge requests only.

    """
    name, demanded = environment.name, environment.config.delivery
    if option == "commit" and (written is None or name not in written.environments):
        raise Refused(
            f"only bumper.yaml can allow a push straight to the branch, and none names {name}",
            "leave --delivery commit out, or describe the environment in bumper.yaml",
        )
    if option == "commit" and demanded == "merge-request":
        raise Refused(
            f"bumper.yaml requires merge requests for {name} (delivery)", "leave --delivery commit out"
        )  # fmt: skip
    return option or demanded or "merge-request"


def wants_auto_merge(environment: Environment, options: DeliveryOptions) -> bool:
    """Whether GitLab is to merge by itself: the command line's word, else bumper.yaml's."""
    return options.auto_merge if options.auto_merge is not None else environment.config.auto_merge


def people_for(environment: Environment, options: DeliveryOptions) -> People:
    """The command line's people, and the reviewers whom bumper.yaml names for the environment."""
    reviewers = tuple(dict.fromkeys((*environment.config.reviewers, *options.people.reviewers)))
    return People(reviewers, options.people.assignees)
