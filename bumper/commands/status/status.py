"""``bumper status``: applications x environments, what differs, what is held, proposed, or cannot be promoted yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bumper.commands.promote_gate import PromotionGate
from bumper.commands.status.overview import Overview, Seen, make_overview, of_applications, see, sources_of, stages
from bumper.delivery.attempt import Session
from bumper.environments.config_models import EnvironmentConfig
from bumper.environments.repository import (
    RepositoryConfig,
    Target,
    fetch_environments,
    gather_environment,
    open_environment,
    read_repository_config,
)
from bumper.errors import BumperError, Refused
from bumper.gate.freeze import find_freeze
from bumper.gate.rules import Waiting
from bumper.git.checkout import Checkout
from bumper.planning.promote import choose, differing, match
from bumper.records.known_requests import RecordedRequest, recorded_requests
from bumper.records.line import Line
from bumper.records.tag_ages import TagChange, tag_ages
from bumper.records.watches import WatchedRequest, newest_watched

_NO_API = "open merge requests are not shown, because there is no token for GitLab's API (BUMPER_TOKEN)."


@dataclass(frozen=True, slots=True)
class Looked:
    """What was looked at: GitLab's page of the project, the branch and its commit."""

    url: str
    branch: str
    commit: str


@dataclass(frozen=True, slots=True)
class Status:
    """The overview, and bumper's open merge requests; ``ages`` by environment, file and path, where they are asked for.

    An age is the tag's last change; what was changed long ago has none. ``waiting`` is what cannot be promoted to an
    environment yet. ``stages`` are the environments on the way to production, each with the one before it.
    """

    overview: Overview
    merge_requests: tuple[RecordedRequest, ...]
    ages: Mapping[tuple[str, str, str], TagChange] = field(default_factory=dict)
    waiting: Mapping[str, tuple[Waiting, ...]] = field(default_factory=dict)
    watched: tuple[WatchedRequest, ...] = ()
    stages: Mapping[str, str | None] = field(default_factory=dict)
    looked: Looked | None = None


def status(
    environments: Sequence[str], session: Session, apps: Sequence[str] = (), *, with_ages: bool = False
) -> Status:
    """Clone, gather every environment (those named, else all), and list the open merge requests; ``apps`` are globs.

    Raises:
        BumperError: an environment or an application is unknown, or GitLab did not answer.

    """
    checkout = session.cloning.end()
    setup = read_repository_config(checkout)
    names = setup.named_or_all(environments)
    seen, refused = _look(checkout, setup, names, named=bool(environments))
    seen = of_applications(seen, apps)
    shown = [name for name in names if name in seen]
    overview = make_overview(seen, shown, setup.config)
    known = session.known_requests(checkout, setup)
    watched = newest_watched(known, shown, session.clock.now()) if known is not None else []
    opened = recorded_requests(known.opened_now()) if known is not None else ()
    opened = tuple(one for one in opened if not environments or one.record.environment in names)
    waiting, unknown = _find_waiting(checkout, setup, shown, session)
    if apps:
        listed = {row.app for one in seen.values() for row in one.rows}
        opened = tuple(one for one in opened if any(change.app in listed for change in one.record.changes))
        left = {name: tuple(one for one in found if one.app in listed) for name, found in waiting.items()}
        waiting = {name: found for name, found in left.items() if found}
    warnings = [*overview.warnings, *refused, *([_NO_API] if known is None else [])]
    warnings += [sentence for one in watched if (sentence := one.explain_left()) is not None]
    address = checkout.settings.address
    return Status(
        replace(overview, warnings=(*warnings, *unknown)), opened,
        tag_ages(checkout, {name: seen[name].pins for name in shown}) if with_ages else {},
        waiting, tuple(watched), stages(shown, setup.config),
        Looked(f"{address.gitlab_url}/{address.project}", checkout.branch, checkout.tip),
    )  # fmt: skip


def _look(
    checkout: Checkout, setup: RepositoryConfig, names: Sequence[str], *, named: bool
) -> tuple[dict[str, Seen], list[str]]:  # fmt: skip
    """The environments and those that they are promoted from, and why some could not be gathered.

    An environment that somebody named has to be whole; of all environments, a broken one does not hide the others.
    """
    seen: dict[str, Seen] = {}
    refused: list[str] = []
    every = tuple(dict.fromkeys((*names, *sources_of(names, setup.config))))
    fetch_environments(checkout, setup, every)
    for name in every:
        try:
            seen[name] = see(gather_environment(checkout, setup, name), name, setup.config)
        except Refused as refusal:
            if named:
                raise
            refused.append(str(refusal))
    if not seen:
        raise Refused("\n".join(dict.fromkeys(refused)))
    return seen, refused


def _find_waiting(
    checkout: Checkout, setup: RepositoryConfig, environments: Sequence[str], session: Session
) -> tuple[dict[str, tuple[Waiting, ...]], list[str]]:
    """What waits for each of the environments, and why of some nobody can tell.

    Where no ``promote_from`` says where an environment's versions come from, it is the stage before.
    """
    waiting: dict[str, tuple[Waiting, ...]] = {}
    unknown: list[str] = []
    for name, before in stages(environments, setup.config).items():
        rules = setup.config.environments.get(name) or EnvironmentConfig()
        is_timed = rules.soak is not None or rules.freeze is not None
        sources = rules.promote_from or ([before] if before is not None and is_timed else [])
        if sources:
            try:
                found = _of_environment(checkout, setup, name, sources, session, unknown)
            except BumperError as error:
                unknown.append(f"what waits to be promoted to {name} is not known: {error}")
            else:
                waiting |= {name: tuple(found)} if found else {}
    return waiting, unknown


def _of_environment(
    checkout: Checkout, setup: RepositoryConfig, name: str, sources: Sequence[str], session: Session,
    unknown: list[str],
) -> list[Waiting]:  # fmt: skip
    """The applications that may come from none of the sources where they differ, each with the first reason.

    What Argo CD does not say is added to what is ``unknown``.
    """
    target = open_environment(checkout, setup, name)
    now, soak = session.clock.now(), target.environment.config.soak
    line = Line(checkout, now, now - timedelta(seconds=soak) if soak is not None else None, session.gitlab)
    ready: set[str] = set()
    found: dict[str, Waiting] = {}
    for source in sources:
        apps, waiting = _from_source(open_environment(checkout, setup, source), target, line, session, unknown)
        ready |= apps - waiting.keys()
        found = {**waiting, **found}
    return [one for app, one in found.items() if app not in ready]


def _from_source(
    source: Target, target: Target, line: Line, session: Session, unknown: list[str]
) -> tuple[set[str], Mapping[str, Waiting]]:
    """The applications that differ from the source, and those of them that wait."""
    names, rules = (source.environment.name, target.environment.name), target.environment.config
    choice = choose(source.gathered, target.gathered, (), (), names)
    matched = match(source.gathered, target.gathered, choice, target.setup.config, names)
    changes, _ = differing(matched)
    frozen = find_freeze(target.environment, session.gitlab, line.now) if changes else None
    gate = PromotionGate(
        source, target, line, choice, session, frozen, soak=rules.soak, needs_health=False, as_of=False
    )  # fmt: skip
    waiting = gate.find_waiting(changes)
    left = [change for change in changes if change.app not in waiting]
    if rules.require_healthy and left:
        try:
            waiting |= {one.app: one for one in gate.find_unhealthy(left)}
        except BumperError as error:
            unknown.append(f"whether {names[0]} is healthy, as {names[1]} requires, is not known: {error}")
    return {change.app for change in changes}, waiting
