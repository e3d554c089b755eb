"""Runs bumper doctor, and finds what it found."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.command_line import CommandLine, Ran


@dataclass(frozen=True)
class Found:
    """What a run of doctor found."""

    ran: Ran

    @property
    def checks(self) -> dict[str, dict[str, Any]]:
        """By name, of several with one name the last."""
        return {one["name"]: one for one in self.ran.json["checks"]}

    @property
    def bad(self) -> list[str]:
        return [one["name"] for one in self.ran.json["checks"] if not one["ok"]]

    def mend(self, name: str) -> str:
        told: str = self.checks[name]["mend"]
        return told


@dataclass(frozen=True)
class Doctor:
    """Runs it."""

    bumper: CommandLine
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, *arguments: str, code: int, verify: bool = False) -> Found:
        asked = [] if verify else ["--no-verify"]
        return Found(self.bumper("doctor", *arguments, *asked, "--output", "json", code=code))

    def with_token(self, token: str, *, code: int, name: str = "BUMPER_TOKEN") -> Found:
        for each in ("BUMPER_TOKEN", "CI_JOB_TOKEN"):
            self.monkeypatch.delenv(each, raising=False)
        self.monkeypatch.setenv(name, token)
        return self("-v", code=code)
