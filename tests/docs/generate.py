"""Writes what follows from the code, in README.md, docs and the schema: ``python -m tests.docs.generate``."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from bumper.cli.main import app
from bumper.environments.config import SCHEMA_FILE, config_schema
from tests.docs.console import PLAYED, played
from tests.docs.pictures import PICTURES, badges
from tests.docs.shapes import shapes

_ROOT = Path(__file__).parents[2]
REFERENCE = _ROOT / "docs" / "reference"
SCHEMA = _ROOT / "bumper" / "environments" / SCHEMA_FILE
_WIDTH = 100  # characters of a help text's line
_COMMANDS = """\
# Commands

Generated from the code by `make docs`. An option wins over its environment variable, that over `bumper.yaml`,
and that over the default."""
_CONFIGURATION = """\
# bumper.yaml

Generated from the JSON Schema by `make docs`; `bumper schema` prints it. The file is at the root of the GitOps
repository. Every key may be left out; an unknown key is an error that names its line."""


def commands() -> str:
    """commands.md: every command's help, as the terminal shows it."""
    group = typer.main.get_command(app)
    parts = [_COMMANDS]
    for name, command in group.commands.items():  # type: ignore[attr-defined] # a group has them
        context = typer.Context(
            command, info_name=f"bumper {name}", terminal_width=_WIDTH, max_content_width=_WIDTH,
            help_option_names=command.context_settings["help_option_names"],
        )  # fmt: skip
        text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
        parts.append(f"## bumper {name}\n\n```text\n{text}\n```")
    return "\n\n".join(parts) + "\n"


def configuration() -> str:
    """configuration.md: every key of bumper.yaml, from its JSON Schema."""
    schema = config_schema()
    parts = [_CONFIGURATION, *_tables("", schema, schema["$defs"])]
    return "\n\n".join(parts) + "\n"


def _tables(place: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    """The keys of a mapping, then those of the mappings in it."""
    rows = [f"| `{name}` | {_kind(key)} | {_told(key)} |" for name, key in schema["properties"].items()]
    heading = f"## {place}\n\n" if place else ""
    yield "\n".join([f"{heading}| key | is | meaning |", "| --- | --- | --- |", *rows])
    for name, key in schema["properties"].items():
        inner, step = _inner(key)
        if inner is not None:
            yield from _tables(f"{place}.{name}{step}".lstrip("."), definitions[inner], definitions)


def _inner(key: Mapping[str, Any]) -> tuple[str | None, str]:
    """The definition of a mapping, or of the items of a list or a mapping of mappings; and how its place is written."""
    for part, step in ((key, ""), (key.get("items", {}), "[]"), (key.get("additionalProperties", {}), ".NAME")):
        if isinstance(part, Mapping) and "$ref" in part:
            return str(part["$ref"]).rpartition("/")[2], step
    return None, ""


def _kind(key: Mapping[str, Any]) -> str:
    if "$ref" in key:
        return "mapping"
    if "anyOf" in key:
        return " or ".join(_kind(choice) for choice in key["anyOf"])
    if "enum" in key:
        return " or ".join(f"`{value}`" for value in key["enum"])
    if key.get("type") == "array":
        inner = _kind(key["items"])
        return "list of lists of texts" if inner.startswith("list") else f"list of {inner}s"
    if key.get("type") == "object":
        return "mapping by name"
    return {"string": "text", "number": "seconds", "boolean": "true or false"}[key["type"]]


def _told(key: Mapping[str, Any]) -> str:
    default = key.get("default")
    shown = "" if default in (None, [], {}) else f" Default: `{_value(default)}`."
    example = f" Example: `{_value(key['examples'][0])}`." if key.get("examples") else ""
    return f"{key.get('description', '')}{shown}{example}".replace("|", "\\|")


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    (REFERENCE / "commands.md").write_text(commands(), encoding="utf-8")
    (REFERENCE / "configuration.md").write_text(configuration(), encoding="utf-8")
    (REFERENCE / "shapes.md").write_text(shapes(), encoding="utf-8")
    for file, picture in badges():
        (PICTURES / file).write_text(picture, encoding="utf-8")
    for page in PLAYED:
        page.write_text(played(page.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA.write_text(json.dumps(config_schema(), indent=2) + "\n", encoding="utf-8")
