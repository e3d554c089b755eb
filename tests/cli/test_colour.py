"""What a repository or a server writes cannot steer a terminal or a log."""

import json

import pytest

from bumper.cli.screen import visible
from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, GitopsMaker, values

HOSTILE = "\x1b[2J\x9b31m\u202egpj\u2066\r\x7f"


def test_invisible_characters_are_shown() -> None:
    assert visible(f"a{HOSTILE}\n\tb") == "a\\u001b[2J\\u009b31m\\u202egpj\\u2066\\u000d\\u007f\n\tb"


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_diff_of_a_hostile_file(make_gitops: GitopsMaker, bumper: CommandLine, output: str) -> None:
    made = make_gitops({STAGING_FILE: f"{values('1.0.0')}# \u202egpj\n".encode()})

    ran = bumper("bump", "staging", f"{APP}:1.0.1", "--no-verify", "--dry-run", "--output", output, code=0)

    assert "\u202e" not in ran.out
    assert "\\u202e" in ran.out
    if output == "json":
        assert "\u202e" in json.loads(ran.out)["diff"]
    assert made.merge_requests() == []
