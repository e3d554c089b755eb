"""Mistakes in bumper.yaml: each with its line, in the words of somebody who writes YAML."""

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import BaseModel
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
from bumper.errors import Refused
from bumper.values.pin import format_path
from bumper.values.yaml_tree import Alias, MappingNode, Node, Scalar, SequenceNode

Place: TypeAlias = tuple[int | str, ...]

_EXPECTED = {
    "bool_type": "true or false is expected",
    "tuple_type": "a list is expected",
    "string_type": "text is expected",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at a place, and what is allowed there."""

    place: Place
    text: str
    meant: str | None = None  # the key that a misspelt one stands for


def refuse(root: Node, mistakes: SequenceOf[Mistake]) -> Refused:
    """One sentence for every mistake, in the order of the file's lines."""
    # A list with a wrong entry is called too short as well, and a misspelt key explains an absent one.
    explained = {mistake.place[:-1] for mistake in mistakes if mistake.place}
    spelt = {(*mistake.place[:-1], mistake.meant) for mistake in mistakes if mistake.meant}
    left = [mistake for mistake in mistakes if mistake.place not in explained and mistake.place not in spelt]
    lines = sorted((_find(root, mistake.place)[0], number) for number, mistake in enumerate(left))
    return Refused("\n".join(_sentence(root, left[number]) for _, number in lines))


def _sentence(root: Node, mistake: Mistake) -> str:
    line, place = _find(root, mistake.place)
    where = f"{format_path(place)}: " if place else ""
    return f"{CONFIG_FILE}:{line}: {where}{mistake.text}."


def _find(root: Node, place: Place) -> tuple[int, Place]:
    """The line of ``place``, and how much of it stands in the file."""
    node, line = root, root.line
    for depth, step in enumerate(place):
        tag_scalar = node.target if isinstance(node, Alias) else node
        if isinstance(tag_scalar, SequenceNode) and isinstance(step, int):
            node = tag_scalar.items[step]
            line = node.line
        elif isinstance(tag_scalar, MappingNode) and (pair := _find_pair(tag_scalar, str(step))) is not None:
            line, node = pair[0].line, pair[1]
        else:
            return line, place[:depth]
    return line, place


def _find_pair(mapping: MappingNode, key: str) -> tuple[Node, Node] | None:
    return next((pair for pair in mapping.pairs if isinstance(pair[0], Scalar) and pair[0].value == key), None)


def translate(error: ErrorDetails) -> Mistake:
    """The mistake behind one of pydantic's errors."""
    place = error["loc"]
    if error["type"] == "extra_forbidden":
        return _unknown_key(place)
    return Mistake(place, _explain(error, place))


def _explain(error: ErrorDetails, place: Place) -> str:
    found, context = error["input"], error.get("ctx", {})
    match error["type"]:
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
        case kind:  # of a wrong type; without a word for it, a mapping is expected
            text = (
                f"{_describe(found)}, but {_EXPECTED.get(kind, 'keys with values are expected')}{_remedy(kind, found)}"
            )
    return text


def _remedy(kind: str, found: object) -> str:
    match kind, found:
        case "tuple_type", str():
            return f"; write [{found}]"
        case "string_type", bool() | int() | float():
            return "; put it in quotes"
        case _:
            return ""


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
    key = str(place[-1])
    known = tuple(field.alias or name for name, field in _model_at(place).model_fields.items())
    if len(place) == 1 and key in EnvironmentConfig.model_fields:
        return Mistake(place, "is a key of an environment; move it below environments and the environment's name")
    meant = nearest(key, known)
    return Mistake(place, f"is not a key here; {suggest(key, known)}", meant)


def _model_at(place: Place) -> type[BaseModel]:
    """The model whose key ``place`` ends with."""
    match place:
        case ("environments", _, _):
            return EnvironmentConfig
        case ("environments", _, "argocd", _):
            return ArgoCd
        case ("environments", _, "freeze", _, _):
            return FreezePeriod
        case ("images", _, _):
            return PinnedImage
        case ("registries", _, _):
            return RegistryConfig
        case _:
            return Config
