"""Applications x environments: what runs where, what differs, what is held. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import Config
from bumper.environments.effective import running
from bumper.environments.gather import FoundPin, Gathered
from bumper.environments.images import canonical
from bumper.environments.selection import choose_applications
from bumper.image import Repository
from bumper.values.pin import format_path


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
class Seen:
    """What one environment's pins say, without the trees that they stand in: thousands of files are many trees.

    ``running`` are the tags by application and image, as far as Helm takes them.
    """

    rows: tuple[Row, ...]
    running: Mapping[tuple[str, str], frozenset[str]]
    repositories: frozenset[Repository]
    unreadable: tuple[str, ...]
    pins: tuple[FoundPin, ...]
    apps: tuple[AppFiles, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """The rows of every environment that was asked for, and what differs.

    ``one_name`` gives each image the name that it has in all registries that ``same_as`` puts together.
    """

    environments: Mapping[str, tuple[Row, ...]]
    drift: tuple[Drift, ...]
    one_name: Mapping[str, str]
    warnings: tuple[str, ...]


def stages(names: Sequence[str], config: Config) -> dict[str, str | None]:
    """The environments on the way to production, each with the one before it: its source, else its neighbour."""
    rules = {name: config.environments[name].promote_from for name in names if name in config.environments}
    sources = {name: next((one for one in rules.get(name) or () if one in names), None) for name in names}
    placed: dict[str, str | None] = {}
    while len(placed) < len(names):
        left = [name for name in names if name not in placed]
        name = next((name for name in left if sources[name] is None or sources[name] in placed), left[0])
        placed[name] = sources[name] or next(reversed(placed), None)
    return placed


def sources_of(environments: Sequence[str], config: Config) -> list[str]:
    """The environments that some ``environments`` are promoted from, as bumper.yaml has it."""
    rules = [config.environments[name].promote_from or () for name in environments if name in config.environments]
    return [source for sources in rules for source in sources]


def see(parts: Iterable[Gathered], environment: str, config: Config) -> Seen:
    """What is to be shown of an environment, whose applications come in parts."""
    seen = [_see_part(part, environment, config) for part in parts]
    return Seen(
        rows=tuple(row for one in seen for row in one.rows),
        running={place: tags for one in seen for place, tags in one.running.items()},
        repositories=frozenset(each for one in seen for each in one.repositories),
        unreadable=tuple(dict.fromkeys(warning for one in seen for warning in one.unreadable)),
        pins=tuple(found for one in seen for found in one.pins),
        apps=tuple(app for one in seen for app in one.apps),
    )


def _see_part(gathered: Gathered, environment: str, config: Config) -> Seen:
    known = running(gathered, environment, config)
    unknown = (
        f"what {environment} runs of {app} is not known, because a file cannot be read: {why}"
        for app, why in known.unknown.items()
    )
    pins = gathered.with_shared
    repositories = frozenset(found.pin.repository for found in pins if found.pin.repository is not None)
    return Seen(
        tuple(_rows(gathered)),
        _tags(known.pins, config),
        repositories,
        (*gathered.warnings, *unknown),
        pins,
        gathered.applications,
    )


def of_applications(seen: Mapping[str, Seen], globs: Sequence[str]) -> dict[str, Seen]:
    """What was ``seen``, by environment, of the applications that ``--app`` means; all of it without it.

    Raises:
        Refused: no environment has an application of that name, or a name means several.

    """
    known = {app.app: app for one in seen.values() for app in one.apps}
    apps = choose_applications(tuple(known.values()), ", ".join(seen), globs)
    return {
        name: replace(
            one,
            rows=tuple(row for row in one.rows if row.app in apps),
            running={place: tags for place, tags in one.running.items() if place[0] in apps},
            pins=tuple(found for found in one.pins if found.app in apps),
        )
        for name, one in seen.items()
    }


def make_overview(seen: Mapping[str, Seen], asked: Sequence[str], config: Config) -> Overview:
    """What was ``seen``, by environment, of those ``asked`` for; the others are only compared with them."""
    rows = {name: seen[name].rows for name in asked}
    warnings = dict.fromkeys(warning for one in seen.values() for warning in one.unreadable)
    repositories = frozenset(each for one in seen.values() for each in one.repositories)
    one_name = {str(each): canonical(config, each) for each in repositories}
    return Overview(rows, tuple(_drift(seen, asked, config)), one_name, tuple(warnings))


def _rows(gathered: Gathered) -> Iterator[Row]:
    for found in gathered.with_shared:
        pin = found.pin
        if pin.repository is not None and not pin.absent:
            yield Row(
                found.app, found.file, format_path(pin.path), str(pin.repository), pin.tag, pin.digest, found.held
            )  # fmt: skip


def _drift(seen: Mapping[str, Seen], asked: Sequence[str], config: Config) -> Iterator[Drift]:
    """An environment is compared with those it is promoted from; without such rules, all against all."""
    tags: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for name, one in seen.items():
        for place, running_tags in one.running.items():
            tags[place][name] = ", ".join(sorted(running_tags))
    for (app, image), by_environment in sorted(tags.items()):
        for names in _compared(asked, config):
            compared = {name: by_environment[name] for name in names if name in by_environment}
            if len(set(compared.values())) > 1:
                yield Drift(app, image, compared)


def _tags(pins: Iterable[FoundPin], config: Config) -> Mapping[tuple[str, str], frozenset[str]]:
    """The tags that run, by application and image."""
    tags: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for found in pins:
        if found.pin.repository is not None and not found.pin.absent:
            tags[found.app, canonical(config, found.pin.repository)].add(found.pin.tag or "")
    return {place: frozenset(values) for place, values in tags.items()}


def _compared(asked: Sequence[str], config: Config) -> list[tuple[str, ...]]:
    ruled = any(one.promote_from for one in config.environments.values())
    return [(source, name) for name in asked for source in sources_of([name], config)] if ruled else [tuple(asked)]
