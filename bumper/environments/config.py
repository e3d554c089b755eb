"""Read bumper.yaml; every mistake is reported with its line and what would be right."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bumper.environments.config_models import (
    CONFIG_FILE,
    ArgoCd,
    Config,
    EnvironmentConfig,
    FreezePeriod,
    PinnedImage,
    RegistryConfig,
)
from bumper.environments.config_values import nearest, suggest
from bumper.environments.path_pattern import ENV
from bumper.errors import Refused
from bumper.values.pin import format_path
from bumper.values.yaml_data import to_data
from bumper.values.yaml_tree import Alias, MappingNode, Node, SequenceNode, YamlError, key_text, parse_documents

Place: TypeAlias = tuple[int | str, ...]
_Step: TypeAlias = int | str | type[dict[str, object]] | type[list[object]]  # a key, every key, every entry

_EXPECTED = {"bool_type": "true or false is", "tuple_type": "a list is", "string_type": "text is"}
SCHEMA_FILE = "bumper.schema.json"  # in this package, and beside the bumper.yaml that init writes
# YAML takes the braces of an unquoted {app} for a mapping at a value's start and for a mistake in a list in brackets,
# where the contract itself writes it. Signs of private use stand for them while YAML is read.
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")
_HIDDEN_PLACEHOLDER = re.compile("\ue000([A-Za-z_]+)\ue001")
# The models of keys by the first key on the way to them and the length of the way; all others are Config's.
_MODELS: Mapping[tuple[str | int, int], type[BaseModel]] = {
    ("environments", 3): EnvironmentConfig,
    ("environments", 4): ArgoCd,
    ("environments", 5): FreezePeriod,
    ("images", 3): PinnedImage,
    ("registries", 3): RegistryConfig,
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at a place, and what is allowed there."""

    place: Place
    text: str
    meant: str | None = None  # the key that a misspelt one stands for


def parse_config(source: bytes, name: str = CONFIG_FILE) -> Config:
    """The settings in the bytes of bumper.yaml, which refusals call ``name``; an empty file gives the defaults.

    Raises:
        Refused: it is not UTF-8 or not YAML, or it breaks the rules for bumper.yaml; every mistake is named.

    """
    try:
        root, data = _read_yaml(source)
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise Refused(f"{name}:{line}: the file is not UTF-8", "save it as UTF-8") from error
    except YamlError as error:
        raise Refused(f"{name}:{error.line}: {error.problem}", "correct the YAML there") from error
    if root is None or data is None:
        return Config()
    mistakes = list(_find_wrong_references(data))
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        mistakes[:0] = map(_translate, error.errors(include_url=False))
        raise _refuse(root, mistakes, name) from error
    if mistakes:
        raise _refuse(root, mistakes, name)
    return config


def check_environments(source: bytes, config: Config, found: Sequence[str]) -> None:
    """Refuse environments in bumper.yaml (``source`` are its bytes) that are not ``found`` in the repository."""
    where = ", ".join(config.values) or "the usual layouts"
    mistakes = [
        Mistake(("environments", name), f"no file is found for it by {where}; {suggest(name, found)}")
        for name in config.environments
        if name not in found
    ]
    data = config.model_dump(mode="json", include={"environments", "images"}, exclude_none=True)
    mistakes += [
        Mistake(place, f"there is no environment {name!r}; {suggest(name, found)}")
        for place, name in _named_environments(data)
        if name not in found and name not in config.environments
    ]
    root, _ = _read_yaml(source)
    if mistakes and root is not None:
        raise _refuse(root, mistakes, CONFIG_FILE)


def config_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of bumper.yaml."""
    draft = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": draft, **Config.model_json_schema(), "title": CONFIG_FILE}


def schema_text() -> str:
    """The JSON Schema of bumper.yaml as text, as it ships with the package."""
    return Path(__file__).with_name(SCHEMA_FILE).read_text(encoding="utf-8")


def _read_yaml(source: bytes) -> tuple[Node | None, object]:
    documents = parse_documents(_PLACEHOLDER.sub("\ue000\\1\ue001", source.decode("utf-8-sig")))
    if len(documents) > 1:
        raise YamlError("a second document starts here, but one is allowed", documents[1].root.line)
    if not documents:
        return None, None
    hidden = json.dumps(to_data(documents[0].root), ensure_ascii=False)
    return documents[0].root, json.loads(_HIDDEN_PLACEHOLDER.sub(r"{\1}", hidden))


def _refuse(root: Node, mistakes: Sequence[Mistake], name: str) -> Refused:
    """One sentence for every mistake, in the order of the file's lines."""
    # A list with a wrong entry is called too short as well, and a misspelt key explains an absent one.
    explained = {wrong.place[:-1] for wrong in mistakes if wrong.place}
    explained |= {(*wrong.place[:-1], wrong.meant) for wrong in mistakes if wrong.meant}
    found = [(*_find(root, wrong.place), wrong.text) for wrong in mistakes if wrong.place not in explained]
    ordered = sorted(found, key=itemgetter(0))
    sentences = (f"{name}:{line}: {format_path(place) + ': ' if place else ''}{text}." for line, place, text in ordered)
    return Refused("\n".join(sentences))


def _find(root: Node, place: Place) -> tuple[int, Place]:
    """The line of ``place``, and how much of it is in the file."""
    node, line = root, root.line
    for depth, step in enumerate(place):
        found = node.target if isinstance(node, Alias) else node
        pairs = found.pairs if isinstance(found, MappingNode) else ()
        pair = next((pair for pair in pairs if key_text(pair[0]) == step), None)
        if isinstance(found, SequenceNode) and isinstance(step, int):
            node = found.items[step]
            line = node.line
        elif pair is not None:
            line, node = pair[0].line, pair[1]
        else:
            return line, place[:depth]
    return line, place


def _translate(error: ErrorDetails) -> Mistake:
    """The mistake behind one of pydantic's errors."""
    place, found, context, kind = error["loc"], error["input"], error.get("ctx", {}), error["type"]
    match kind:
        case "extra_forbidden":
            return _unknown_key(place)
        case "missing":
            text = f"needs the key {place[-1]}"
        case "value_error":
            text = str(context["error"])
        case "too_short" if context["actual_length"]:
            text = f"has one entry only; write at least {context['min_length']}"
        case "too_short":
            text = "is empty; give it an entry or remove the key"
        case "literal_error":
            text = f"{_describe(found)}, but {context['expected']} is expected"
        case _:  # of a wrong type; without a word for it, a mapping is expected
            text = f"{_describe(found)}, but {_EXPECTED.get(kind, 'keys with values are')} expected"
            if kind == "tuple_type" and isinstance(found, str):
                text += f"; write [{found}]"
            elif kind == "string_type" and isinstance(found, bool | int | float):
                text += "; put it in quotes"
    return Mistake(place, text)


def _describe(found: object) -> str:
    match found:
        case None:
            return "is empty"
        case bool():
            return f"is {str(found).lower()}"
        case str():
            return f"is the text {found!r}"
        case list():
            return "is a list"
        case dict():
            return "is a mapping"
        case _:
            return f"is the number {found}"


def _unknown_key(place: Place) -> Mistake:
    key, model = str(place[-1]), _MODELS.get((place[0], len(place)), Config)
    known = tuple(field.alias or name for name, field in model.model_fields.items())
    if len(place) == 1 and key in EnvironmentConfig.model_fields:
        return Mistake(place, "is a key of an environment; move it below environments and the environment's name")
    return Mistake(place, f"is not a key here; {suggest(key, known)}", nearest(key, known))


def _find_wrong_references(data: object) -> Iterator[Mistake]:
    """What one key says wrongly of another, in data that need not be valid, so that every mistake is found at once."""
    yield from _wrong_patterns(data)
    known = [str(place[1]) for place, _ in _parts(data, "environments", dict)]
    patterns = _patterns(data, "values")
    own = [text for name in known for text in _patterns(data, "environments", name, "values")]
    are_found = any(ENV in pattern for pattern in patterns) or not (patterns or own)
    for place, name in _named_environments(data):
        if place[:2] == ("environments", name):
            yield Mistake(place, f"{name} cannot be promoted from itself; name another environment")
        elif name not in known and not are_found:
            yield Mistake(place, f"there is no environment {name!r}; {suggest(name, known)}")
    registries = list(_texts(data, "same_as", list, list))
    for number, (place, registry) in enumerate(registries):
        if any(registry == earlier for _, earlier in registries[:number]):
            yield Mistake(place, f"{registry} is listed twice; name it once")
    yield from _wrong_images(data)


def _wrong_patterns(data: object) -> Iterator[Mistake]:
    """Values that are nobody's or everybody's, and bases without values."""
    patterns = _patterns(data, "values")
    own = {place: _patterns(entry, "values") for place, entry in _parts(data, "environments", dict)}
    with_env = [ENV in pattern for pattern in patterns]
    if patterns and not any(with_env) and not own:
        yield Mistake(("values",), f"names no environment; put {ENV} in the place of its name")
    for number, pattern in enumerate(patterns if any(with_env) else ()):
        if ENV not in pattern:
            remedy = f"put {ENV} in it, or name it as base"
            yield Mistake(("values", number), f"{pattern!r} would be every environment's; {remedy}")
    for place, values in own.items():
        if not values and not patterns and any(own.values()):
            yield Mistake(place, "needs the key values")
    if not patterns and not any(own.values()):
        for place in ((), *own):
            if _patterns(data, *place, "base"):
                remedy = "the usual layouts find their own bases, so write both"
                yield Mistake((*place, "base"), f"has no values beside it; {remedy}")


def _wrong_images(data: object) -> Iterator[Mistake]:
    """Two entries for one path, application and environment, and several images where there is room for one digest."""
    with_digests = [str(place[1]) for place, value in _parts(data, "environments", dict, "digests") if value is True]
    entries = [entry for _, entry in _parts(data, "images", list)]
    paths = [next((path for _, path in _parts(entry, "path")), None) for entry in entries]
    for number, entry in enumerate(entries):
        path = paths[number]
        twins = [other for other in range(number) if paths[other] == path and _overlap(entries[other], entry)]
        if twins and path is not None:
            remedy = "make `image` of the first a list, or say by apps or environments which is meant"
            yield Mistake(("images", number), f"images[{twins[0]}] has the path {path!r} too; {remedy}")
        concerned = {text for _, text in _texts(entry, "environments", list)} or set(with_digests)
        name = next((name for name in with_digests if name in concerned), None)
        if len(_patterns(entry, "image")) > 1 and name is not None:
            remedy = f"name the environments without {name}"
            yield Mistake(("images", number), f"several images share a tag, but {name} writes digests; {remedy}")


def _overlap(one: object, other: object) -> bool:
    """Whether two entries of ``images`` are about one application of one environment."""
    for key in ("apps", "environments"):
        here, there = ({text for _, text in _texts(entry, key, list)} for entry in (one, other))
        if here and there and here.isdisjoint(there):
            return False
    return True


def _named_environments(data: object) -> Iterator[tuple[Place, str]]:
    """Where environments are named."""
    yield from _texts(data, "environments", dict, "promote_from", list)
    yield from _texts(data, "images", list, "environments", list)


def _patterns(data: object, *steps: _Step) -> list[str]:
    """The texts of a key that may be a text or a list of them."""
    return [text for _, text in (*_texts(data, *steps), *_texts(data, *steps, list))]


def _texts(data: object, *steps: _Step) -> Iterator[tuple[Place, str]]:
    return ((place, value) for place, value in _parts(data, *steps) if isinstance(value, str))


def _parts(data: object, *steps: _Step) -> Iterator[tuple[Place, object]]:
    """What is at ``steps`` of the data, each with its place; ``dict`` stands for all keys, ``list`` for all entries."""
    if not steps:
        yield (), data
        return
    step, below = steps[0], dict[int | str, object]()
    if isinstance(data, list) and step is list:
        below = dict(enumerate(data))
    elif isinstance(data, dict):
        below = {key: value for key, value in data.items() if step in (dict, key)}
    for key, value in below.items():
        yield from (((key, *place), found) for place, found in _parts(value, *steps[1:]))
