"""CI components as GitLab reads them: inputs are checked and put into the text, and only then it is YAML."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates"
EXAMPLES = ROOT / "examples" / "gitlab-ci"

_INPUT = re.compile(r"\$\[\[ *inputs\.(\w+) *\]\]")
_RE2_CHARACTER = re.compile(r"\\x\{(\w+)\}")  # GitLab's regular expressions are RE2's


class InvalidInputError(Exception):
    """GitLab would not make a pipeline of this include."""


@dataclass(frozen=True)
class Component:
    """A file of ``templates/``: the header with the inputs, and the text that they are put into."""

    name: str
    header: Any
    text: str

    def jobs(self, **given: str) -> Any:  # noqa: ANN401 - YAML
        """What is included when it is given these inputs."""
        specs: dict[str, dict[str, str]] = self.header["spec"]["inputs"]
        if set(given) - set(specs):
            raise InvalidInputError(f"unknown inputs: {set(given) - set(specs)}")
        values = {name: _checked(name, spec, given.get(name, spec.get("default"))) for name, spec in specs.items()}
        return yaml.safe_load(_INPUT.sub(lambda found: values[found[1]], self.text))


def component(name: str) -> Component:
    header, text = (TEMPLATES / f"{name}.yml").read_text(encoding="utf-8").split("\n---\n")
    return Component(name, yaml.safe_load(header), text)


def example(name: str) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load((EXAMPLES / f"{name}.yml").read_text(encoding="utf-8"))


def _checked(name: str, spec: dict[str, str], value: str | None) -> str:
    assert spec["type"] == "string"
    pattern = _RE2_CHARACTER.sub(lambda found: chr(int(found[1], 16)), spec["regex"])
    if value is None or not re.fullmatch(pattern, value):
        raise InvalidInputError(f"{name} may not be {value!r}")
    return value
