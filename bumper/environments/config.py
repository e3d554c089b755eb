"""Read bumper.yaml; every mistake is reported with its line and what would be right."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
from bumper.environments.config_references import Mistake, Place, find_unknown_environments, find_wrong_references
from bumper.environments.config_values import nearest, suggest
from bumper.errors import Refused
from bumper.values.pin import format_path
from bumper.values.yaml_data import to_data
from bumper.values.yaml_tree import Alias, MappingNode, Node, Scalar, SequenceNode, YamlError, parse_documents

_EXPECTED = {
    "bool_type": "true or false is expected",
    "tuple_type": "a list is expected",
    "string_type": "text is expected",
}
SCHEMA_FILE = "bumper.schema.json"  # in this package, and beside the bumper.yaml that init writes

# YAML takes the braces of an unquoted {app} for a mapping at a value's start and for a mistake in a list in brackets,
# where the contract itself writes it. Signs of private use stand for them while YAML is read.
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")
_HIDDEN_PLACEHOLDER = re.compile("\ue000([A-Za-z_]+)\ue001")


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
    config, mistakes = _validate(data)
    mistakes += find_wrong_references(data)
    if config is None or mistakes:
        raise _refuse(root, mistakes, name)
    return config


def check_environments(source: bytes, config: Config, found: Sequence[str]) -> None:
    """Refuse environments in bumper.yaml, of which ``source`` are the bytes, that are not ``found`` in the repository.

    Raises:
        Refused: with a sentence for each of them.

    """
    mistakes = find_unknown_environments(config, found)
    root, _ = _read_yaml(source)
    if mistakes and root is not None:
        raise _refuse(root, mistakes, CONFIG_FILE)


def _validate(data: object) -> tuple[Config | None, list[Mistake]]:
    try:
        return Config.model_validate(data), []
    except ValidationError as error:
        return None, [_translate(detail) for detail in error.errors(include_url=False)]


def config_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of bumper.yaml."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
    return {**schema, "title": CONFIG_FILE}


def schema_text() -> str:
    """The JSON Schema of bumper.yaml as text, as it ships with the package."""
    return Path(__file__).with_name(SCHEMA_FILE).read_text(encoding="utf-8")


def _read_yaml(source: bytes) -> tuple[Node | None, object]:
    documents = parse_documents(_PLACEHOLDER.sub("\ue000\\1\ue001", source.decode("utf-8-sig")))
    if len(documents) > 1:
        raise YamlError("a second document starts here, but one is allowed", documents[1].root.line)
    root = documents[0].root if documents else None
    return root, None if root is None else _with_placeholders(to_data(root))


def _with_placeholders(data: object) -> object:
    match data:
        case str():
            return _HIDDEN_PLACEHOLDER.sub(r"{\1}", data)
        case list():
            return [_with_placeholders(item) for item in data]
        case dict():
            return {_with_placeholders(key): _with_placeholders(value) for key, value in data.items()}
        case _:
            return data


def _refuse(root: Node, mistakes: Sequence[Mistake], name: str) -> Refused:
    """One sentence for every mistake, in the order of the file's lines."""
    # A list with a wrong entry is called too short as well, and a misspelt key explains an absent one.
    explained = {mistake.place[:-1] for mistake in mistakes if mistake.place}
    spelt = {(*mistake.place[:-1], mistake.meant) for mistake in mistakes if mistake.meant}
    left = [mistake for mistake in mistakes if mistake.place not in explained and mistake.place not in spelt]
    lines = sorted((_find(root, mistake.place)[0], number) for number, mistake in enumerate(left))
    return Refused("\n".join(_sentence(root, left[number], name) for _, number in lines))


def _sentence(root: Node, mistake: Mistake, name: str) -> str:
    line, place = _find(root, mistake.place)
    where = f"{format_path(place)}: " if place else ""
    return f"{name}:{line}: {where}{mistake.text}."


def _find(root: Node, place: Place) -> tuple[int, Place]:
    """The line of ``place``, and how much of it stands in the file."""
    node, line = root, root.line
    for depth, step in enumerate(place):
        found = node.target if isinstance(node, Alias) else node
        if isinstance(found, SequenceNode) and isinstance(step, int):
            node = found.items[step]
            line = node.line
        elif isinstance(found, MappingNode) and (pair := _find_pair(found, str(step))) is not None:
            line, node = pair[0].line, pair[1]
        else:
            return line, place[:depth]
    return line, place


def _find_pair(mapping: MappingNode, key: str) -> tuple[Node, Node] | None:
    return next((pair for pair in mapping.pairs if isinstance(pair[0], Scalar) and pair[0].value == key), None)


def _translate(error: ErrorDetails) -> Mistake:
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
