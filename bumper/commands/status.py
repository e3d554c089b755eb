"""``bumper status``: applications x environments, what differs, what is held, proposed, or cannot be promoted yet."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bumper.commands.promotion import find_all_waiting
from bumper.delivery.attempt import Session
from bumper.environments.applications import AppFiles
from bumper.environments.config_models import Config
from bumper.environments.effective import running
from bumper.environments.gather import FoundPin, Gathered
from bumper.environments.repository import (
    RepositoryConfig,
    fetch_environments,
    gather_environment,
    read_repository_config,
)
from bumper.environments.selection import canonical, choose_applications
from bumper.errors import Refused
from bumper.gate.rules import Waiting
from bumper.git.checkout import Checkout
from bumper.records.known_requests import RecordedRequest, recorded_requests
from bumper.records.runs import TagChange, tag_ages
from bumper.records.watches import WatchedRequest, newest_watched
from bumper.values.pin import format_path

_NO_API = "open merge requests are not shown, because there is no token for GitLab's API (BUMPER_TOKEN)."


@dataclass(frozen=True, slots=True)
class Row:
    """One pin in one environment; ``held`` is the hold's reason."""

    app: str
    file: str
    path: str
    image: str
    tag: str | None
    digest: str | None
    held: str | None


@dataclass(frozen=True, slots=True)
class Drift:
    """An application's image that differs between environments; ``image`` is the name that ``same_as`` makes one."""

    app: str
    image: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Overview:
    """The rows of every environment that was asked for, and what differs.

    ``one_name`` gives each image the name that it has in all registries that ``same_as`` puts together.
    """

    environments: Mapping[str, tuple[Row, ...]]
    drift: tuple[Drift, ...]
    one_name: Mapping[str, str]
    warnings: tuple[str, ...]


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


@dataclass(slots=True)
class _Seen:
    """What one environment's pins say, without the trees that they stand in: thousands of files are many trees.

    ``tags`` are those that run, by application and image, as far as Helm takes them.
    """

    pins: list[FoundPin] = field(default_factory=list)
    apps: list[AppFiles] = field(default_factory=list)
    tags: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def status(
    environments: Sequence[str], session: Session, apps: Sequence[str] = (), *, with_ages: bool = False
) -> Status:
    """Clone, gather every environment (those named, else all), and list the open merge requests; ``apps`` are globs."""
    checkout = session.cloning.end()
    setup = read_repository_config(checkout)
    names = setup.named_or_all(environments)
    seen, refused = _look(checkout, setup, names, named=bool(environments))
    _keep_applications(seen, apps)
    shown = [name for name in names if name in seen]
    overview = _make_overview(seen, shown, setup.config)
    known = session.known_requests(checkout, setup)
    watched = newest_watched(known, shown, session.clock.now()) if known is not None else []
    opened = recorded_requests(known.opened_now()) if known is not None else ()
    opened = tuple(one for one in opened if not environments or one.record.environment in names)
    waiting, unknown = find_all_waiting(checkout, setup, _promotable(shown, setup), session)
    if apps:
        listed = {row.app for one in overview.environments.values() for row in one}
        opened = tuple(one for one in opened if any(change.app in listed for change in one.record.changes))
        waiting = {name: [one for one in found if one.app in listed] for name, found in waiting.items()}
    warnings = [*overview.warnings, *refused, *([_NO_API] if known is None else [])]
    warnings += [sentence for one in watched if (sentence := one.explain_left()) is not None]
    address = checkout.settings.address
    return Status(
        replace(overview, warnings=(*warnings, *unknown)), opened,
        tag_ages(checkout, {name: seen[name].pins for name in shown}) if with_ages else {},
        {name: tuple(found) for name, found in waiting.items() if found}, tuple(watched), _stages(shown, setup.config),
        Looked(f"{address.gitlab_url}/{address.project}", checkout.branch, checkout.tip),
    )  # fmt: skip


def _look(
    checkout: Checkout, setup: RepositoryConfig, names: Sequence[str], *, named: bool
) -> tuple[dict[str, _Seen], list[str]]:  # fmt: skip
    """The environments and those that they are promoted from, and why some could not be gathered.

    An environment that somebody named has to be whole; of all environments, a broken one does not hide the others.
    """
    seen: dict[str, _Seen] = {}
    refused: list[str] = []
    every = tuple(dict.fromkeys((*names, *_sources_of(names, setup.config))))
    fetch_environments(checkout, setup, every)
    for name in every:
        try:
            seen[name] = _see(gather_environment(checkout, setup, name), name, setup.config)
        except Refused as refusal:
            if named:
                raise
            refused.append(str(refusal))
    if not seen:
        raise Refused("\n".join(dict.fromkeys(refused)))
    return seen, refused


def _see(parts: Iterable[Gathered], environment: str, config: Config) -> _Seen:
    """What is to be shown of an environment, whose applications come in parts."""
    seen = _Seen()
    for part in parts:
        known = running(part, environment, config)
        seen.pins += part.with_shared
        seen.apps += part.applications
        seen.warnings += part.warnings
        for app, why in known.unknown.items():
            seen.warnings.append(f"what {environment} runs of {app} is not known, because a file cannot be read: {why}")
        for found in known.pins:
            if found.pin.repository is not None and not found.pin.absent:
                place = (found.app, canonical(config, found.pin.repository))
                seen.tags.setdefault(place, set()).add(found.pin.tag or "")
    return seen


def _keep_applications(seen: Mapping[str, _Seen], globs: Sequence[str]) -> None:
    """Leave out what ``--app`` does not mean; refuse a name that no environment has, or that means several."""
    known = {app.app: app for one in seen.values() for app in one.apps}
    apps = choose_applications(tuple(known.values()), ", ".join(seen), globs)
    for one in seen.values():
        one.pins = [found for found in one.pins if found.app in apps]
        one.tags = {place: tags for place, tags in one.tags.items() if place[0] in apps}


def _make_overview(seen: Mapping[str, _Seen], asked: Sequence[str], config: Config) -> Overview:
    """What was ``seen``, by environment, of those ``asked`` for; the others are only compared with them."""
    warnings = dict.fromkeys(warning for one in seen.values() for warning in one.warnings)
    found = {one.pin.repository for each in seen.values() for one in each.pins} - {None}
    one_name = {str(image): canonical(config, image) for image in found if image is not None}
    rows = {name: tuple(_rows(seen[name].pins)) for name in asked}
    return Overview(rows, tuple(_drift(seen, asked, config)), one_name, tuple(warnings))


def _rows(pins: Iterable[FoundPin]) -> Iterator[Row]:
    for found in pins:
        pin = found.pin
        if pin.repository is not None and not pin.absent:
            path = format_path(pin.path)
            yield Row(found.app, found.file, path, str(pin.repository), pin.tag, pin.digest, found.held)


def _drift(seen: Mapping[str, _Seen], asked: Sequence[str], config: Config) -> Iterator[Drift]:
    """An environment is compared with those it is promoted from; without such rules, all against all."""
    compared = [tuple(asked)]
    if any(one.promote_from for one in config.environments.values()):
        compared = [(source, name) for name in asked for source in _sources_of([name], config)]
    by_place: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for name, one in seen.items():
        for place, tags in one.tags.items():
            by_place[place][name] = ", ".join(sorted(tags))
    for (app, image), by_environment in sorted(by_place.items()):
        for names in compared:
            tags_there = {name: by_environment[name] for name in names if name in by_environment}
            if len(set(tags_there.values())) > 1:
                yield Drift(app, image, tags_there)


def _sources_of(environments: Sequence[str], config: Config) -> list[str]:
    """The environments that some ``environments`` are promoted from, as bumper.yaml has it."""
    return [source for name in environments for source in config.rules_of(name).promote_from or ()]


def _stages(names: Sequence[str], config: Config) -> dict[str, str | None]:
    """The environments on the way to production, each with the one before it: its source, else its neighbour."""
    sources = {name: next((one for one in _sources_of([name], config) if one in names), None) for name in names}
    placed: dict[str, str | None] = {}
    while len(placed) < len(names):
        left = [name for name in names if name not in placed]
        name = next((name for name in left if sources[name] is None or sources[name] in placed), left[0])
        placed[name] = sources[name] or next(reversed(placed), None)
    return placed


def _promotable(environments: Sequence[str], setup: RepositoryConfig) -> dict[str, Sequence[str]]:
    """The environments of which it is asked what waits for them, each with where its versions come from.

    Where no ``promote_from`` says that, it is the stage before.
    """
    found: dict[str, Sequence[str]] = {}
    for name, before in _stages(environments, setup.config).items():
        rules = setup.config.rules_of(name)
        if rules.promote_from:
            found[name] = rules.promote_from
        elif before is not None and (rules.soak is not None or rules.freeze is not None):
            found[name] = [before]
    return found
