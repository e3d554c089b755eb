"""``bumper status``: applications x environments, what differs, what is held, what is proposed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bumper.checkout import Checkout, Cloning
from bumper.errors import Refused
from bumper.forge import connect_if_possible
from bumper.gather import Gathered
from bumper.merge_requests import MergeRequest, find_open
from bumper.overview import Overview, make_overview, sources_of, usual_order
from bumper.repository import Setup, open_environment, read_setup
from bumper.tag_ages import tag_ages


@dataclass(frozen=True, slots=True)
class Status:
    """The overview, and bumper's open merge requests; ``ages`` by environment, file and path, where they are asked for.

    An age is when the tag there was last changed; what was changed long ago has none.
    """

    overview: Overview
    merge_requests: tuple[MergeRequest, ...]
    ages: Mapping[tuple[str, str, str], datetime] = field(default_factory=dict)


def status(environments: Sequence[str], cloning: Cloning, *, with_ages: bool = False) -> Status:
    """Clone, gather every environment (those named, else all), and list the open merge requests.

    Raises:
        BumperError: an environment is unknown, or GitLab did not answer.

    """
    checkout = cloning.end()
    setup = read_setup(checkout)
    known = list(setup.layout.environments)
    names = list(environments) or (known if setup.config.environments else usual_order(known))
    if not names:
        raise Refused("The repository has no environment in one of the usual layouts; describe yours in bumper.yaml.")
    gathered, refused = _gather(checkout, setup, names, named=bool(environments))
    shown = [name for name in dict.fromkeys(names) if name in gathered]
    overview = make_overview(gathered, shown, setup.config)
    overview = replace(overview, warnings=(*overview.warnings, *refused))
    forge = connect_if_possible(cloning.settings)
    if forge is None:
        told = "open merge requests are not shown, because there is no token for GitLab's API (BUMPER_TOKEN)."
        overview = replace(overview, warnings=(*overview.warnings, told))
    open_requests = [
        one for one in (find_open(forge, checkout.branch) if forge is not None else ())
        if one.record is not None and (not environments or one.record.environment in names)
    ]  # fmt: skip
    shown_here = {name: gathered[name] for name in shown}
    ages = tag_ages(checkout, shown_here) if with_ages else {}
    return Status(overview, tuple(open_requests), ages)


def _gather(
    checkout: Checkout, setup: Setup, names: Sequence[str], *, named: bool
) -> tuple[dict[str, Gathered], list[str]]:
    """The pins of the environments and of those that they are promoted from, and why some could not be gathered.

    An environment that somebody named has to be whole; of all environments, a broken one does not hide the others.
    """
    gathered: dict[str, Gathered] = {}
    refused: list[str] = []
    for name in dict.fromkeys((*names, *sources_of(names, setup.config))):
        try:
            gathered[name] = open_environment(checkout, setup, name).gathered
        except Refused as refusal:
            if named:
                raise
            refused.append(str(refusal))
    if not gathered:
        raise Refused("\n".join(refused))
    return gathered, refused
