"""Mistakes in bumper.yaml, told with their line and in the words of somebody who writes YAML."""

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from bumper.environments.config_checks import suggest
from bumper.environments.config_keys import ArgoCdKeys, ConfigKeys, EnvironmentKeys, PinnedImageKeys, RegistryKeys
from bumper.errors import Refused
from bumper.values.pin_path import format_path
from bumper.values.yaml_tree import Alias, MappingNode, Node, Scalar, SequenceNode

FILE_NAME = "bumper.yaml"

Place: TypeAlias = tuple[int | str, ...]

_WANTED = {"bool_type": "true or false is wanted", "tuple_type": "a list is wanted", "string_type": "text is wanted"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at a place, and what is allowed there."""

    place: Place
    text: str
    is_absence: bool = False


def refuse(root: Node, mistakes: SequenceOf[Mistake]) -> Refused:
    """One sentence for the first mistake in the file; an absent key last, as a misspelt one explains it."""
    # A list with a wrong entry is called too short as well.
    parents = {mistake.place[:-1] for mistake in mistakes if mistake.place}
    found = [(mistake, *_find(root, mistake.place)) for mistake in mistakes if mistake.place not in parents]
    mistake, line, place = min(found, key=lambda entry: (entry[0].is_absence, entry[1]))
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    where = f"{format_path(place)}: " if place else ""
    return Refused(f"{FILE_NAME}:{line}: {where}{mistake.text}{more}.")


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
    place, kind = error["loc"], error["type"]
    return Mistake(place, _explain(error, place), is_absence=kind == "missing")


def _explain(error: ErrorDetails, place: Place) -> str:
    found, context = error["input"], error.get("ctx", {})
    match error["type"]:
        case "missing":
            text = f"needs the key {place[-1]}"
        case "extra_forbidden":
            text = _explain_unknown_key(place)
        case "value_error":
            text = str(context["error"])
        case "too_short" if context["actual_length"]:
            text = f"has one entry only; write at least {context['min_length']}"
        case "too_short":
            text = "is empty; give it an entry or take the key away"
        case "literal_error":
            text = f"{_describe(found)}, but {context['expected']} is wanted"
        case kind:  # of a wrong type; without a word for it, a mapping is wanted
            text = f"{_describe(found)}, but {_WANTED.get(kind, 'keys with values are wanted')}{_mend(kind, found)}"
    return text


def _mend(kind: str, found: object) -> str:
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


def _explain_unknown_key(place: Place) -> str:
    key = str(place[-1])
    if len(place) == 1 and key in EnvironmentKeys.model_fields:
        return "is a key of an environment; move it below environments and the environment's name"
    return f"is not a key here; {suggest(key, tuple(_model_at(place).model_fields))}"


def _model_at(place: Place) -> type[BaseModel]:
    """The model whose key ``place`` ends with."""
    match place:
        case ("environments", _, _):
            return EnvironmentKeys
        case ("environments", _, "argocd", _):
            return ArgoCdKeys
        case ("images", _, _):
            return PinnedImageKeys
        case ("registries", _, _):
            return RegistryKeys
        case _:
            return ConfigKeys
