"""How a proposal is to be delivered: what the command line asks for within what bumper.yaml demands. Pure."""

from dataclasses import dataclass, replace

from bumper.delivery.by_api import MergeRequestOptions
from bumper.environments.config_models import Config
from bumper.environments.layout import Environment
from bumper.errors import Refused
from bumper.gitlab.merge_requests import NOBODY


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """What the command line says about the way of a proposal."""

    delivery: str | None = None
    mr_options: MergeRequestOptions = MergeRequestOptions(NOBODY)  # noqa: RUF009 - frozen
    labels: tuple[str, ...] = ()
    title: str | None = None
    auto_merge: bool | None = None  # None: as bumper.yaml says
    waits: bool = False  # for the merge, which only the API tells of
    waits_deployed: bool = False  # for Argo CD


def choose_delivery(written: Config | None, environment: Environment, option: str | None) -> str:
    """``merge-request`` or ``commit``; the command line never loosens what bumper.yaml demands.

    ``written`` is bumper.yaml; without one that names the environment bumper makes merge requests only.

    """
    name, demanded = environment.name, environment.config.delivery
    if option == "commit" and (written is None or name not in written.environments):
        raise Refused(f"Pushing straight to the branch is allowed by bumper.yaml only, and none names {name}; add one.")
    if option == "commit" and demanded == "merge-request":
        raise Refused(f"bumper.yaml demands merge requests for {name} (delivery); leave --delivery commit out.")
    return option or demanded or "merge-request"


def wants_auto_merge(environment: Environment, options: DeliveryOptions) -> bool:
    """Whether GitLab is to merge by itself: the command line's word, else bumper.yaml's."""
    return options.auto_merge if options.auto_merge is not None else environment.config.auto_merge


def merge_request_options(environment: Environment, options: DeliveryOptions) -> MergeRequestOptions:
    """The command line's, and the reviewers whom bumper.yaml names for the environment."""
    people = options.mr_options.people
    reviewers = tuple(dict.fromkeys((*environment.config.reviewers, *people.reviewers)))
    return replace(options.mr_options, people=replace(people, reviewers=reviewers))
