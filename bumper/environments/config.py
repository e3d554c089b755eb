"""Read bumper.yaml; every mistake is told with its line and what would be right."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bumper.environments.config_checks import suggest
from bumper.environments.config_keys import ConfigKeys
from bumper.environments.config_mistakes import FILE_NAME, Mistake, Place, refuse, translate
from bumper.environments.config_models import Config
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
        Refused: as ``parse_keys``.

    """
    config: Config = parse_keys(source).read()
    return config


def parse_keys(source: bytes) -> ConfigKeys:
    """The keys that the bytes of bumper.yaml set.

    Raises:
        Refused: it is not UTF-8 or not YAML, or it breaks the contract's rules for bumper.yaml.

    """
    try:
        root, data = _read_yaml(source)
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise Refused(f"{FILE_NAME}:{line}: the file is not UTF-8; save it as UTF-8.") from error
    except YamlError as error:
        raise Refused(f"{FILE_NAME}:{error.line}: {error.problem}; write it as YAML allows.") from error
    if root is None or data is None:
        return ConfigKeys()
    try:
        keys = ConfigKeys.model_validate(data)
    except ValidationError as error:
        mistakes = [translate(detail) for detail in error.errors(include_url=False)]
        raise refuse(root, mistakes) from error
    mistakes = list(_check_references(keys))
    if mistakes:
        raise refuse(root, mistakes)
    return keys


def config_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of bumper.yaml."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ConfigKeys.model_json_schema()}
    return {**schema, "title": FILE_NAME}


def schema_text() -> str:
    """The same as JSON text, as it ships with the package."""
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


def _check_references(config: ConfigKeys) -> Iterator[Mistake]:
    """What one key says about another: environments must exist, a registry stands in one list only."""
    known = tuple(config.environments)
    for place, name in _named_environments(config):
        if name not in known:
            yield Mistake(place, f"there is no environment {name!r}; {suggest(name, known)}")
        elif place[:2] == ("environments", name):
            yield Mistake(place, f"{name} cannot be promoted from itself; name another environment")
    seen: set[str] = set()
    for number, registries in enumerate(config.same_as):
        for index, registry in enumerate(registries):
            if registry in seen:
                yield Mistake(("same_as", number, index), f"{registry} stands here a second time; name it once")
            seen.add(registry)


def _named_environments(config: ConfigKeys) -> Iterator[tuple[Place, str]]:
    """Where environments are named; the usual layouts' ones are not known before the paths are."""
    for name, environment in config.environments.items():
        for index, source in enumerate(environment.promote_from or ()):
            yield ("environments", name, "promote_from", index), source
    for number, image in enumerate(config.images if config.environments else ()):
        for index, name in enumerate(image.environments or ()):
            yield ("images", number, "environments", index), name
