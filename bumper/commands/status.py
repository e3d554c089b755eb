"""``bumper status``: applications x environments, what differs, what is held, what is proposed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bumper.checkout import clone
from bumper.errors import Refused
from bumper.forge import connect
from bumper.merge_requests import MergeRequest, find_open
from bumper.overview import Overview, make_overview, sources_of, usual_order
from bumper.repository import open_environment, read_setup
from bumper.settings import Settings


@dataclass(frozen=True, slots=True)
class Status:
    """The overview, and bumper's open merge requests."""

    overview: Overview
    merge_requests: tuple[MergeRequest, ...]


def status(environments: Sequence[str], settings: Settings, environ: Mapping[str, str]) -> Status:
    """Clone, gather every environment (those named, else all), and list the open merge requests.

    Raises:
        BumperError: an environment is unknown, or GitLab did not answer.

    """
    with clone(settings, environ) as checkout:
        setup = read_setup(checkout)
        known = list(setup.layout.environments)
        names = list(environments) or (known if setup.config.environments else usual_order(known))
        if not names:
            raise Refused(
                "The repository has no environment in one of the usual layouts; describe yours in bumper.yaml."
            )
        needed = dict.fromkeys((*names, *sources_of(names, setup.config)))
        gathered = {name: open_environment(checkout, setup, name).gathered for name in needed}
        overview = make_overview(gathered, list(dict.fromkeys(names)), setup.config)
        open_requests = [
            one for one in find_open(connect(settings), checkout.branch)
            if one.record is not None and (not environments or one.record.environment in names)
        ]  # fmt: skip
    return Status(overview, tuple(open_requests))
