"""Which application is which: by everything that a path says of it, in one environment and between two. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from bumper.errors import Refused


class Identity(NamedTuple):
    """An application: what ``{app}`` matched, and what the wildcards in folders before and after it did.

    A tuple, because tens of thousands are made, sorted and looked up by each command.
    """

    app: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def width(self) -> tuple[int, int]:
        """How many wildcards tell it; two patterns are alike where they have equally many."""
        return len(self.before), len(self.after)

    @property
    def whole_name(self) -> str:
        """Its name with every folder before it."""
        return "/".join((*filter(None, self.before), self.app))

    def name(self, folders: int) -> str:
        """Its name with so many of the folders before it."""
        kept = [folder for folder in self.before if folder]
        return "/".join((*kept[max(0, len(kept) - folders) :], self.app))


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
    """Refuse an environment in which two applications bear one name.

    Raises:
        Refused: two of its ``identities`` differ by nothing that a name has.

    """
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
        for identity in {identity for pair in _clashes(rivals, folders) for identity in pair}:
            folders[identity] += 1
    return {identity: identity.name(count) for identity, count in folders.items()}


def _clashes(
    rivals: Iterable[tuple[Identity, Identity]], folders: Mapping[Identity, int]
) -> list[tuple[Identity, Identity]]:
    return [(one, other) for one, other in rivals if one.name(folders[one]) == other.name(folders[other])]


@dataclass(frozen=True, slots=True)
class Named:
    """An application by the name that people use for it, and what it is by its path."""

    name: str
    identity: Identity


def match_source(target: Named, sources: Sequence[Named], environments: tuple[str, str]) -> Named | None:
    """The application of the source environment that ``target`` is promoted from; None where there is none.

    Where the patterns of both environments have equally many wildcards, all of them must match; otherwise the name
    decides that ``{app}`` matched. ``sources`` are those whose ``{app}`` is the target's; ``environments`` are the
    names of both, for the message.

    Raises:
        Refused: several are meant.

    """
    for source in sources:
        if source.identity == target.identity:
            return source
    if all(source.identity.width == target.identity.width for source in sources):
        return None
    if len(sources) > 1:
        names = " and ".join(source.name for source in sources)
        raise Refused(
            f"{target.name} of {environments[1]} may be {names} of {environments[0]}",
            "write patterns with equally many wildcards for both in bumper.yaml, or leave it out with --app",
        )
    return sources[0]
