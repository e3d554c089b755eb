"""CI components as GitLab reads them: inputs are checked and put into the text, and only then it is YAML."""

import json
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

    def jobs(self, **given: object) -> Any:  # noqa: ANN401 - YAML
        """The jobs that are included when it is given these inputs, each with what it extends."""
        found = self.all_jobs(**given)
        extended = {name: {**found[job.pop("extends")], **job} for name, job in found.items() if "extends" in job}
        return {name: extended.get(name, job) for name, job in found.items() if not name.startswith(".")}

    def all_jobs(self, **given: object) -> Any:  # noqa: ANN401 - YAML
        """What is included when it is given these inputs."""
        specs: dict[str, dict[str, Any]] = self.header["spec"]["inputs"]
        if set(given) - set(specs):
            raise InvalidInputError(f"unknown inputs: {set(given) - set(specs)}")
        values = {name: _checked(name, spec, given.get(name, spec.get("default"))) for name, spec in specs.items()}
        return yaml.safe_load(_INPUT.sub(lambda found: values[found[1]], self.text))


def component(name: str) -> Component:
    header, text = (TEMPLATES / f"{name}.yml").read_text(encoding="utf-8").split("\n---\n")
    return Component(name, yaml.safe_load(header), text)


def example(name: str) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load((EXAMPLES / f"{name}.yml").read_text(encoding="utf-8"))


def _checked(name: str, spec: dict[str, Any], value: object) -> str:
    """The text that GitLab puts in; what is not text is JSON, which YAML reads."""
    kinds: dict[str, type] = {"string": str, "array": list, "boolean": bool}
    if not isinstance(value, kinds[spec["type"]]):
        raise InvalidInputError(f"{name} may not be {value!r}")
    if not isinstance(value, str):
        return json.dumps(value)
    pattern = _RE2_CHARACTER.sub(lambda found: chr(int(found[1], 16)), spec["regex"])
    if not re.fullmatch(pattern, value):
        raise InvalidInputError(f"{name} may not be {value!r}")
    return value
