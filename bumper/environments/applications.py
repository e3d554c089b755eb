"""The applications of an environment: their files, which is which by its path, names, and those that are keys. Pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise

from bumper.environments.config_models import Config
from bumper.environments.path_pattern import APP, Claim, Identity, PathPattern, Section
from bumper.errors import Refused
from bumper.values.pin import parse_path
from bumper.values.values_file import ValuesFile, find_pins
from bumper.values.yaml_data import look_up
from bumper.values.yaml_tree import MappingNode


@dataclass(frozen=True, slots=True)
class AppFiles:
    """An application's files in one environment; ``section`` is the part of them that is the application's."""

    app: str  # its name
    values: tuple[str, ...]  # in Helm's order: a later one wins
    bases: tuple[str, ...]  # of lower precedence, the lowest first; read, never written
    identity: Identity
    section: Section = ()

    @property
    def files(self) -> tuple[str, ...]:
        """All of them, in Helm's order."""
        return (*self.bases, *self.values)

    @property
    def is_by_key(self) -> bool:
        """Whether it stands for the applications that the keys of its files name."""
        return any(APP in str(step) for step in self.section)


@dataclass(frozen=True, slots=True)
class Application:
    """An application's values files in Helm's order, and the pattern whose wildcards tell it apart from others."""

    pattern: PathPattern
    values: list[str] = field(default_factory=list)


def group_applications(claims: Mapping[str, Claim], patterns: Sequence[PathPattern]) -> dict[Identity, Application]:
    """The applications, by identity: the files that the ``patterns`` of one environment claim.

    A file of a pattern that has fewer wildcards than others belongs to the application of theirs with which it shares
    what its wildcards matched.
    """
    files: defaultdict[int, list[str]] = defaultdict(list)
    for path in sorted(claims):
        files[claims[path].position].append(path)
    widest = max((pattern.width for pattern in patterns), default=0)
    joining = {place for place, pattern in enumerate(patterns) if pattern.names_app and pattern.width < widest}
    apps: dict[Identity, Application] = {}
    for position in sorted(files, key=lambda position: (position in joining, position)):
        pattern = patterns[position]
        wide = {one: app for one, app in apps.items() if app.pattern.names_app and app.pattern.width == widest}
        find_owners = index_of(wide if position in joining else {}, pattern)
        for path in files[position]:
            owners = find_owners(claims[path].identity) or [claims[path].identity]
            if len(owners) > 1:
                names = " and ".join(owner.whole_name for owner in owners[:2])
                raise Refused(
                    f"{path} may belong to {names}, because {pattern.text} does not say which",
                    "name it as a base in bumper.yaml, or write a pattern that tells them apart",
                )
            apps.setdefault(owners[0], Application(pattern)).values.append(path)
    for app in apps.values():
        app.values.sort(key=lambda path: (claims[path].position, path))
        _refuse_loose_names(app.values, claims, patterns)
    return dict(sorted(apps.items()))


def _refuse_loose_names(files: Sequence[str], claims: Mapping[str, Claim], patterns: Sequence[PathPattern]) -> None:
    """Two files that only a wildcard in the file's name tells apart may be two applications or one's layers."""
    for other, path in pairwise(files):
        pattern = patterns[claims[path].position]
        if claims[other].position == claims[path].position and pattern.has_loose_file_name:
            raise Refused(
                f"{other} and {path} cannot be told apart: both match {pattern.text}, and no {{app}} in it "
                "says whether they are one application's",
                "put {app} into the pattern in bumper.yaml, or list the files in Helm's order",
            )


def index_of(apps: Mapping[Identity, Application], pattern: PathPattern) -> Callable[[Identity], list[Identity]]:
    """Finds the applications of a file of ``pattern``: what their patterns have in common matched the same in both.

    An index, because thousands of files are looked up among thousands of applications.
    """
    shared = {app.pattern: _shared_wildcards(pattern, app.pattern) for app in apps.values()}
    index: defaultdict[tuple[PathPattern, tuple[str, ...]], list[Identity]] = defaultdict(list)
    for identity, app in apps.items():
        index[app.pattern, tuple(identity.matched[there] for _, there in shared[app.pattern])].append(identity)

    def find(file: Identity) -> list[Identity]:
        keys = [(other, tuple(file.matched[here] for here, _ in pairs)) for other, pairs in shared.items()]
        return [identity for key in keys for identity in index.get(key, ())]

    return find


def _shared_wildcards(one: PathPattern, other: PathPattern) -> list[tuple[int, int]]:
    """The wildcards of two patterns that mean the same, by their places in what identities matched.

    Equally many are taken in their order; otherwise those before which both patterns are alike.
    """
    shared = [(0, 0)] if one.names_app else []  # a base of named applications is none of the repository's own
    first, first_there = 1, 1
    for here, there in zip(one.wildcards, other.wildcards, strict=True):
        if len(here) == len(there):
            shared += [(first + number, first_there + number) for number in range(len(here))]
        else:
            alike = [(number, there.index(text)) for number, text in enumerate(here) if text in there]
            shared += [(first + number, first_there + place) for number, place in alike]
        first, first_there = first + len(here), first_there + len(there)
    return shared


def name_applications(environments: Mapping[str, Iterable[Identity]]) -> dict[Identity, str]:
    """A name for each application, one in all environments: as short as tells it apart from the others.

    Applications of one environment are told apart; so are those of several, where their patterns are alike.
    """
    homes: defaultdict[Identity, set[str]] = defaultdict(set)
    for environment, identities in environments.items():
        for identity in identities:
            homes[identity].add(environment)
    by_app: defaultdict[str, list[Identity]] = defaultdict(list)
    for identity in sorted(homes):
        by_app[identity.app].append(identity)
    names: dict[Identity, str] = {}
    for app, alike in by_app.items():
        names.update({alike[0]: app} if len(alike) == 1 else _tell_apart(alike, homes))
    return names


def refuse_same_names(environment: str, names: Mapping[Identity, str], identities: Iterable[Identity]) -> None:
    """Refuse an environment of which two ``identities`` differ by nothing that a name has."""
    seen: dict[str, Identity] = {}
    for identity in identities:
        other = seen.setdefault(names[identity], identity)
        if other != identity:
            paths = " and ".join(
                "/".join(filter(None, (*one.before, one.app, *one.after))) for one in (other, identity)
            )
            raise Refused(
                f"{environment} has two applications that would both be called {names[identity]} ({paths})",
                "write a pattern for each in bumper.yaml, or put {app} on the folder that tells them apart",
            )


def _tell_apart(alike: Sequence[Identity], homes: Mapping[Identity, set[str]]) -> dict[Identity, str]:
    folders = dict.fromkeys(alike, 0)
    rivals = [
        (one, other)
        for one, other in combinations(alike, 2)
        if one.width == other.width or not homes[one].isdisjoint(homes[other])
    ]
    for _ in range(max(len(identity.before) for identity in alike)):
        clashes = [pair for pair in rivals if pair[0].name(folders[pair[0]]) == pair[1].name(folders[pair[1]])]
        for identity in {identity for pair in clashes for identity in pair}:
            folders[identity] += 1
    return {identity: identity.name(count) for identity, count in folders.items()}


class Sources:
    """The applications of the environment that another one's are promoted from."""

    def __init__(self, applications: Iterable[AppFiles], environments: tuple[str, str]) -> None:
        """``environments`` are the names of both, the source's first."""
        self._environments = environments
        self._by_app: defaultdict[str, list[AppFiles]] = defaultdict(list)
        for app in applications:
            self._by_app[app.identity.app].append(app)

    def alike(self, target: AppFiles) -> Sequence[AppFiles]:
        """Those whose ``{app}`` is the target's."""
        return self._by_app.get(target.identity.app, ())

    def of(self, target: AppFiles) -> str | None:
        """The name of the application that ``target`` is promoted from; None if there is none.

        Where the patterns of both environments have equally many wildcards, all of them must match; otherwise the name
        decides that ``{app}`` matched, and several of that name are refused.
        """
        sources = self.alike(target)
        for source in sources:
            if source.identity == target.identity:
                return source.app
        if all(source.identity.width == target.identity.width for source in sources):
            return None
        if len(sources) > 1:
            names = " and ".join(source.app for source in sources)
            raise Refused(
                f"{target.app} of {self._environments[1]} may be {names} of {self._environments[0]}",
                "write patterns with equally many wildcards for both in bumper.yaml, or leave it out with --app",
            )
        return sources[0].app


def split_by_key(
    environment: str, apps: tuple[AppFiles, ...], config: Config, values: Mapping[str, ValuesFile]
) -> tuple[AppFiles, ...]:
    """The applications, with one for every key below which an image has its place (``at: "{app}"``)."""
    if not any(app.is_by_key for app in apps):
        return apps
    split = [part for app in apps for part in (_split(app, config, values) if app.is_by_key else (app,))]
    identities = [app.identity for app in split]
    names = name_applications({environment: identities})
    refuse_same_names(environment, names, identities)
    return tuple(replace(app, app=names[app.identity]) for app in split)


def _split(app: AppFiles, config: Config, values: Mapping[str, ValuesFile]) -> Iterator[AppFiles]:
    depth = next(number for number, step in enumerate(app.section) if APP in str(step))
    key_of_app = re.compile(re.escape(str(app.section[depth])).replace(re.escape(APP), "(.+)"), re.DOTALL)
    read = [values[path] for path in app.values if path in values and values[path].documents]
    roots = [file.documents[0].root for file in read]
    with_pins = {pin.path[: len(app.section)] for file in read for pin in find_pins(file)}
    given = [parse_path(entry.path) for entry in config.images]
    above = [look_up(root, app.section[:depth]) for root in roots]
    keys = [key for node in above if isinstance(node, MappingNode) for key in node.keys]
    for name in dict.fromkeys(found[1] for found in map(key_of_app.fullmatch, keys) if found is not None):
        section = tuple(step.replace(APP, name) if isinstance(step, str) else step for step in app.section)
        is_given = any(look_up(root, (*section, *path)) is not None for root in roots for path in given)
        if section in with_pins or is_given:
            yield replace(app, identity=app.identity._replace(app=name), section=section)
