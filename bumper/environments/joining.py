"""Which files are one application's: several patterns, and a base's, join by the wildcards that they share. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from bumper.environments.applications import Identity
from bumper.environments.path_pattern import Claim, PathPattern
from bumper.errors import Refused

Wildcard: TypeAlias = tuple[str, int]  # "app", "before" or "after", and which of them


@dataclass(frozen=True, slots=True)
class Application:
    """An application's values files in Helm's order, and the pattern whose wildcards tell it apart from others."""

    pattern: PathPattern
    values: list[str] = field(default_factory=list)


def group_applications(claims: Mapping[str, Claim], patterns: Sequence[PathPattern]) -> dict[Identity, Application]:
    """The applications, by identity: the files that the ``patterns`` of one environment claim.

    Raises:
        Refused: a file may belong to several applications, or two files of a pattern cannot be told apart.

    """
    widest = max((pattern.width for pattern in patterns), default=0)
    apps: dict[Identity, Application] = {}
    joining: list[str] = []
    for path in sorted(claims, key=lambda path: (claims[path].position, path)):
        pattern = patterns[claims[path].position]
        if pattern.width < widest and pattern.names_app:
            joining.append(path)
        else:
            _add(apps, Identity(claims[path].app, claims[path].before, claims[path].after), pattern, path)
    wide = _Index(dict(apps))
    for path in joining:
        claim, pattern = claims[path], patterns[claims[path].position]
        owners = wide.owners(claim, pattern)
        if len(owners) > 1:
            names = " and ".join(owner.whole_name for owner in owners[:2])
            raise Refused(
                f"{path} may belong to {names}, because {pattern.text} does not say which",
                "name it as a base in bumper.yaml, or write a pattern that tells them apart",
            )
        _add(apps, owners[0] if owners else Identity(claim.app, claim.before, claim.after), pattern, path)
    for app in apps.values():
        app.values.sort(key=lambda path: (claims[path].position, path))
        _refuse_loose_names(app, claims, patterns)
    return dict(sorted(apps.items()))


def _add(apps: dict[Identity, Application], identity: Identity, pattern: PathPattern, path: str) -> None:
    apps.setdefault(identity, Application(pattern)).values.append(path)


class _Index:
    """Finds applications by what a narrower pattern shares with theirs; thousands of files are looked up in it."""

    def __init__(self, apps: Mapping[Identity, Application]) -> None:
        self._by_pattern: defaultdict[PathPattern, list[Identity]] = defaultdict(list)
        for identity, app in apps.items():
            if app.pattern.names_app:
                self._by_pattern[app.pattern].append(identity)
        self._known: dict[tuple[PathPattern, PathPattern], dict[tuple[str, ...], list[Identity]]] = {}

    def owners(self, claim: Claim, pattern: PathPattern) -> list[Identity]:
        found: list[Identity] = []
        for wider, identities in self._by_pattern.items():
            shared = shared_wildcards(pattern, wider)
            if (pattern, wider) not in self._known:
                index = self._known[pattern, wider] = {}
                for identity in identities:
                    index.setdefault(tuple(what_matched(identity, there) for _, there in shared), []).append(identity)
            key = tuple(what_matched(claim, here) for here, _ in shared)
            found += self._known[pattern, wider].get(key, ())
        return found


def shared_wildcards(narrow: PathPattern, wide: PathPattern) -> list[tuple[Wildcard, Wildcard]]:
    """The wildcards of two patterns that stand for the same: ``{app}``, and those of folders.

    Equally many are taken in their order; otherwise those before which both patterns are alike.
    """
    shared: list[tuple[Wildcard, Wildcard]] = []
    if narrow.names_app:  # a base of named applications is none of the repository's own
        shared.append((("app", 0), ("app", 0)))
    for side, here, there in zip(("before", "after"), narrow.wildcards, wide.wildcards, strict=True):
        if len(here) == len(there):
            shared += [((side, number), (side, number)) for number in range(len(here))]
        else:
            shared += [((side, number), (side, there.index(text))) for number, text in enumerate(here) if text in there]
    return shared


def what_matched(claim: Claim | Identity, wildcard: Wildcard) -> str:
    """What ``wildcard`` matched in a path."""
    side, number = wildcard
    if side == "app":
        return claim.app
    return claim.before[number] if side == "before" else claim.after[number]


def _refuse_loose_names(app: Application, claims: Mapping[str, Claim], patterns: Sequence[PathPattern]) -> None:
    """Two files that only a wildcard in the file's name tells apart may be two applications or one's layers."""
    seen: dict[int, str] = {}
    for path in app.values:
        position = claims[path].position
        other = seen.setdefault(position, path)
        if other != path and patterns[position].has_loose_file_name:
            raise Refused(
                f"{other} and {path} cannot be told apart: both match {patterns[position].text}, and no {{app}} in it "
                "says whether they are one application's",
                "put {app} into the pattern in bumper.yaml, or list the files in Helm's order",
            )
