"""docs/how-to/layouts.md: every layout is made as it stands there, its commands run, and init finds the same."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from bumper.environments.config import parse_config
from bumper.environments.discovery.manifests import read_manifests
from bumper.environments.discovery.survey import survey
from bumper.environments.discovery.tree import Tree
from bumper.environments.layout import read_layout
from tests.docs.pages import ROOT
from tests.support.command_line import CommandLine
from tests.support.gitops import GitopsMaker

PAGE = ROOT / "docs" / "how-to" / "layouts.md"
_SECTION = re.compile(
    r"^## (?P<title>.*?)$.*?^```text\n(?P<tree>.*?)^```$.*?^```yaml\n(?P<config>.*?)^```$"
    r".*?^```sh\n(?P<commands>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# What no path shows: that keys of a file are applications, and that a copy is none.
NOT_FOR_INIT = ("One file for each environment", "Values that hold a tag")


@dataclass(frozen=True)
class Layout:
    """A section of the page."""

    title: str
    files: Mapping[str, str]
    config: str
    commands: list[list[str]]

    @property
    def tree(self) -> Tree:
        return Tree(dict.fromkeys(self.files), {path: text.encode() for path, text in self.files.items()})


def _layout(found: re.Match[str]) -> Layout:
    files = dict(line.split(maxsplit=1) for line in found["tree"].splitlines())
    commands = [shlex.split(line)[1:] for line in found["commands"].splitlines()]
    return Layout(found["title"], {path: f"{text}\n" for path, text in files.items()}, found["config"], commands)


LAYOUTS = [_layout(found) for found in _SECTION.finditer(PAGE.read_text(encoding="utf-8"))]


def test_there_are_ten() -> None:
    assert len(LAYOUTS) == PAGE.read_text(encoding="utf-8").count("\n## ") == 10
    assert all(len(layout.config.splitlines()) <= 3 for layout in LAYOUTS)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.title)
def test_the_commands_of_a_layout_change_what_they_say(
    layout: Layout, bumper: CommandLine, make_gitops: GitopsMaker
) -> None:
    make_gitops({**layout.files, "bumper.yaml": layout.config})

    for command in layout.commands:
        done: Any = bumper(*command, "--no-verify", "--output", "json", code=0).json
        assert done["status"] == "dry-run"
        assert {change["app"] for change in done["changes"]} >= {
            arg for arg in command if "/api" in arg and ":" not in arg
        }
        assert done["changes"]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.title)
def test_init_finds_what_a_layout_s_bumper_yaml_says(layout: Layout) -> None:
    if layout.title.startswith(NOT_FOR_INIT):
        return
    known = read_layout(parse_config(layout.config.encode()), tuple(layout.files), "gitops")

    found = survey(layout.tree, read_manifests(layout.tree.sources), "gitops", {})

    assert {one.name for one in found.environments} == set(known.environments)
    for one in found.environments:
        files = {path for app in known.environment(one.name).apps for path in app.values}
        assert set(one.files) == files
