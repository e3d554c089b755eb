"""Read bumper.yaml; every mistake is reported with its line and what would be right."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bumper.environments.config_mistakes import Mistake, refuse, translate
from bumper.environments.config_models import CONFIG_FILE, Config
from bumper.environments.config_references import find_unknown_environments, find_wrong_references
from bumper.errors import Refused
from bumper.values.yaml_data import to_data
from bumper.values.yaml_tree import Node, YamlError, parse_documents

SCHEMA_FILE = "bumper.schema.json"  # in this package, and beside the bumper.yaml that init writes

# YAML takes the braces of an unquoted {app} for a mapping at a value's start and for a mistake in a list in brackets,
# where the contract itself writes it. Signs of private use stand for them while YAML is read.
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")
_HIDDEN_PLACEHOLDER = re.compile("\ue000([A-Za-z_]+)\ue001")


def parse_config(source: bytes) -> Config:
    """The settings in the bytes of bumper.yaml; an empty file gives the defaults.

    Raises:
        Refused: it is not UTF-8 or not YAML, or it breaks the rules for bumper.yaml; every mistake is named.

    """
    try:
        root, data = _read_yaml(source)
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise Refused(f"{CONFIG_FILE}:{line}: the file is not UTF-8", "save it as UTF-8") from error
    except YamlError as error:
        raise Refused(f"{CONFIG_FILE}:{error.line}: {error.problem}", "correct the YAML there") from error
    if root is None or data is None:
        return Config()
    config, mistakes = _validate(data)
    mistakes += find_wrong_references(data)
    if config is None or mistakes:
        raise refuse(root, mistakes)
    return config


def check_environments(source: bytes, config: Config, found: Sequence[str]) -> None:
    """Refuse environments in bumper.yaml, of which ``source`` are the bytes, that are not ``found`` in the repository.

    Raises:
        Refused: with a sentence for each of them.

    """
    mistakes = find_unknown_environments(config, found)
    root, _ = _read_yaml(source)
    if mistakes and root is not None:
        raise refuse(root, mistakes)


def _validate(data: object) -> tuple[Config | None, list[Mistake]]:
    try:
        return Config.model_validate(data), []
    except ValidationError as error:
        return None, [translate(detail) for detail in error.errors(include_url=False)]


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
