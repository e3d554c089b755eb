"""What one key of bumper.yaml says about another.

It looks at data that need not be valid, so that every mistake is found at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bumper.environments.config_models import Config
from bumper.environments.config_values import suggest
from bumper.environments.path_pattern import ENV

Place: TypeAlias = tuple[int | str, ...]

_SCOPE = ("apps", "environments")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at a place, and what is allowed there."""

    place: Place
    text: str
    meant: str | None = None  # the key that a misspelt one stands for


def find_wrong_references(data: object) -> Iterator[Mistake]:
    """Patterns that name no environment, environments that do not exist, and what is written twice."""
    config = _mapping(data)
    yield from _wrong_patterns(config)
    known = [str(name) for name in _mapping(config.get("environments"))]
    for place, name in _named_environments(config):
        if place[:2] == ("environments", name):
            yield Mistake(place, f"{name} cannot be promoted from itself; name another environment")
        elif name not in known and not _finds_environments(config):
            yield Mistake(place, f"there is no environment {name!r}; {suggest(name, known)}")
    seen: set[str] = set()
    for place, registry in _registries(config):
        if registry in seen:
            yield Mistake(place, f"{registry} is listed twice; name it once")
        seen.add(registry)
    yield from _images_given_twice(config)
    yield from _lists_with_digests(config)


def find_unknown_environments(config: Config, found: Sequence[str]) -> list[Mistake]:
    """The environments of bumper.yaml that are not among those that were ``found`` in the repository's paths."""
    where = ", ".join(config.values) or "the usual layouts"
    mistakes = [
        Mistake(("environments", name), f"no file is found for it by {where}; {suggest(name, found)}")
        for name in config.environments
        if name not in found
    ]
    data = config.model_dump(mode="json", include={"environments", "images"}, exclude_none=True)
    for place, name in _named_environments(_mapping(data)):
        if name not in found and name not in config.environments:
            mistakes.append(Mistake(place, f"there is no environment {name!r}; {suggest(name, found)}"))
    return mistakes


def _finds_environments(config: Mapping[object, object]) -> bool:
    """Whether the repository's paths say which environments there are."""
    patterns = _patterns(config)
    return any(ENV in pattern for pattern in patterns) or not (
        patterns or any(_patterns(_mapping(entry)) for entry in _mapping(config.get("environments")).values())
    )


def _patterns(data: Mapping[object, object], key: str = "values") -> list[str]:
    value = data.get(key)
    return [value] if isinstance(value, str) else [text for _, text in _texts(value)]


def _wrong_patterns(config: Mapping[object, object]) -> Iterator[Mistake]:
    """Values that are nobody's or everybody's, and bases without values."""
    patterns, entries = _patterns(config), _mapping(config.get("environments"))
    with_env = [ENV in pattern for pattern in patterns]
    if patterns and not any(with_env) and not entries:
        yield Mistake(("values",), f"names no environment; put {ENV} in the place of its name")
    for number, pattern in enumerate(patterns if any(with_env) else ()):
        if ENV not in pattern:
            remedy = f"put {ENV} in it, or name it as base"
            yield Mistake(("values", number), f"{pattern!r} would be every environment's; {remedy}")
    own = {str(name): _patterns(_mapping(entry)) for name, entry in entries.items()}
    for name, values in own.items():
        if not values and not patterns and any(own.values()):
            yield Mistake(("environments", name), "needs the key values")
    if not patterns and not any(own.values()):
        places = [("base",), *(("environments", str(name), "base") for name in entries)]
        for place, data in zip(places, (config, *entries.values()), strict=True):
            if _patterns(_mapping(data), "base"):
                yield Mistake(place, "has no values beside it; the usual layouts find their own bases, so write both")


def _images_given_twice(config: Mapping[object, object]) -> Iterator[Mistake]:
    """Two entries for one path, application and environment: which of them is meant nobody can tell."""
    seen: list[tuple[int, Mapping[object, object]]] = []
    for number, entry in enumerate(map(_mapping, _list(config.get("images")))):
        for other, earlier in seen:
            path = entry.get("path")
            if (
                path is not None
                and path == earlier.get("path")
                and all(_overlap(entry, earlier, key) for key in _SCOPE)
            ):
                remedy = "make `image` of the first a list, or say by apps or environments which is meant"
                yield Mistake(("images", number), f"images[{other}] has the path {path!r} too; {remedy}")
                break
        seen.append((number, entry))


def _lists_with_digests(config: Mapping[object, object]) -> Iterator[Mistake]:
    """Several images at one tag, where digests are to be written: there is room for one."""
    entries = _mapping(config.get("environments"))
    written = [str(name) for name, entry in entries.items() if _mapping(entry).get("digests") is True]
    for number, entry in enumerate(map(_mapping, _list(config.get("images")))):
        concerned = {text for _, text in _texts(entry.get("environments"))} or set(written)
        name = next((name for name in written if name in concerned), None)
        if len(_patterns(entry, "image")) > 1 and name is not None:
            remedy = f"name the environments without {name}"
            yield Mistake(("images", number), f"several images share a tag, but {name} writes digests; {remedy}")


def _overlap(one: Mapping[object, object], other: Mapping[object, object], key: str) -> bool:
    here, there = ({text for _, text in _texts(entry.get(key))} for entry in (one, other))
    return not here or not there or not here.isdisjoint(there)


def _named_environments(config: Mapping[object, object]) -> Iterator[tuple[Place, str]]:
    """Where environments are named."""
    for name, environment in _mapping(config.get("environments")).items():
        for index, source in _texts(_mapping(environment).get("promote_from")):
            yield ("environments", str(name), "promote_from", index), source
    for number, image in enumerate(_list(config.get("images"))):
        for index, name in _texts(_mapping(image).get("environments")):
            yield ("images", number, "environments", index), name


def _registries(config: Mapping[object, object]) -> Iterator[tuple[Place, str]]:
    for number, registries in enumerate(_list(config.get("same_as"))):
        for index, registry in _texts(registries):
            yield ("same_as", number, index), registry


def _texts(data: object) -> Iterator[tuple[int, str]]:
    return ((index, item) for index, item in enumerate(_list(data)) if isinstance(item, str))


def _list(data: object) -> Sequence[object]:
    return data if isinstance(data, list) else ()


def _mapping(data: object) -> Mapping[object, object]:
    return data if isinstance(data, dict) else {}
