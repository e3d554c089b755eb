"""Each room's ``__init__.py`` introduces it; what a front door names is really there."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name

FRONT_DOORS = sorted((ROOT / "bumper").glob("*/**/__init__.py"))
_NAMED = re.compile(r"``([a-z_]+)\.(\w+)``")


@pytest.mark.parametrize("door", FRONT_DOORS, ids=name)
def test_a_front_door_names_only_what_is_there(door: Path) -> None:
    introduction = ast.get_docstring(ast.parse(door.read_text(encoding="utf-8")))
    room = ".".join(door.parent.relative_to(ROOT).parts)

    assert introduction
    for module, offered in _NAMED.findall(introduction):
        if module != "bumper":
            assert hasattr(importlib.import_module(f"{room}.{module}"), offered), f"{module}.{offered}"
