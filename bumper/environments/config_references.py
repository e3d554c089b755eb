"""What one key of bumper.yaml says about another.

It looks at data that need not be valid, so that every mistake is found at once.
"""

from collections.abc import Iterator, Mapping, Sequence

from bumper.environments.config_checks import suggest
from bumper.environments.config_mistakes import Mistake, Place


def find_wrong_references(data: object) -> Iterator[Mistake]:
    """Environments that do not exist or are their own source, and registries that are listed twice."""
    config = _mapping(data)
    known = [str(name) for name in _mapping(config.get("environments"))]
    for place, name in _named_environments(config):
        if name not in known:
            yield Mistake(place, f"there is no environment {name!r}; {suggest(name, known)}")
        elif place[:2] == ("environments", name):
            yield Mistake(place, f"{name} cannot be promoted from itself; name another environment")
    seen: set[str] = set()
    for place, registry in _registries(config):
        if registry in seen:
            yield Mistake(place, f"{registry} is listed twice; name it once")
        seen.add(registry)


def _named_environments(config: Mapping[object, object]) -> Iterator[tuple[Place, str]]:
    """Where environments are named; the usual layouts' ones are not known before the paths are."""
    environments = _mapping(config.get("environments"))
    for name, environment in environments.items():
        for index, source in _texts(_mapping(environment).get("promote_from")):
            yield ("environments", str(name), "promote_from", index), source
    for number, image in enumerate(_list(config.get("images")) if environments else ()):
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
