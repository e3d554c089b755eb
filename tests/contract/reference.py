"""GitLab's API as GitLab describes it, and as real servers answer."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_BASE = "/api/v4"

Json = Any
Nested = Mapping[str, frozenset[str]]  # a field's own fields; none where it is no object, or where nobody says


@dataclass(frozen=True)
class Operation:
    """A method of an address: the parameters that it knows and the fields that it answers."""

    template: str
    parameters: frozenset[str]
    fields: Nested


class Reference:
    """What the folder says."""

    def __init__(self, folder: Path) -> None:
        text = (folder / "gitlab-openapi-subset.yaml").read_text(encoding="utf-8")
        self._description: Json = yaml.load(text, yaml.CSafeLoader)
        self._notes: Json = self._description["x-notes-endpoints-openapi3-from-terrateam"]
        self._examples = {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("gitlab-examples/*")}

    def find(self, method: str, path: str) -> Operation | None:
        """The operation that a request's path leads to."""
        for template, operations in (self._description["paths"] | self._notes).items():
            if method.lower() in operations and fits(template, _BASE + path):
                return self._operation(template, operations[method.lower()])
        return None

    def example(self, *names: str) -> Nested:
        """The fields of real answers, together."""
        return _merged(*(_fields(self._examples[name]) for name in names))

    def _operation(self, template: str, operation: Json) -> Operation:
        parameters = operation.get("parameters", [])
        names = {one["name"] for one in parameters if one["in"] == "query"}
        for schema in (one["schema"] for one in parameters if one["in"] == "body"):
            names |= set(self._described(schema))
        if "requestBody" in operation:
            names |= set(operation["requestBody"]["content"]["application/json"]["schema"]["properties"])
        good: Json = next((answer for code, answer in operation["responses"].items() if code.startswith("2")), {})
        return Operation(template.removeprefix(_BASE), frozenset(names), self._shape(good.get("schema", {})))

    def _shape(self, schema: Json) -> Nested:
        return {name: frozenset(self._described(one)) for name, one in self._described(schema).items()}

    def _described(self, schema: Json) -> dict[str, Json]:
        """The properties of a schema, of a list's entries where it is a list."""
        if "$ref" in schema:
            schema = self._description["definitions"][schema["$ref"].rsplit("/", 1)[1]]
        if "items" in schema:
            return self._described(schema["items"])
        properties: dict[str, Json] = schema.get("properties", {})
        return properties


def fits(template: str, path: str) -> bool:
    """Whether a path is one of a template's, such as ``/projects/{id}``."""
    return re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path) is not None


def reference() -> Reference:
    return Reference(Path(os.environ["BUMPER_REFERENCE"]))


def fields_of(answer: Json) -> Nested:
    """The fields of an answer and one level below, of all entries of a list together."""
    return _merged(*map(_fields, answer if isinstance(answer, list) else [answer]))


def _fields(answer: Json) -> Nested:
    return {name: _names(value) for name, value in answer.items()}


def _names(value: Json) -> frozenset[str]:
    entries = value if isinstance(value, list) else [value]
    return frozenset(name for entry in entries if isinstance(entry, dict) for name in entry)


def _merged(*fields: Nested) -> Nested:
    names = dict.fromkeys(name for one in fields for name in one)
    return {name: frozenset().union(*(one.get(name, frozenset()) for one in fields)) for name in names}
