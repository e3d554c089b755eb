"""Statuses as they might be, hostile ones too, and their pages in files."""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bumper.cli.status_page import status_page
from bumper.commands.status import Drift, Looked, Overview, Row, Status
from bumper.gitlab.merge_requests import MergeRequest, User
from bumper.image import Repository
from bumper.records.known_requests import RecordedRequest
from bumper.records.record import Command, Record
from bumper.records.runs import TagChange
from bumper.values.change import Change
from bumper.values.pin import Version

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>"
DIGEST = "sha256:" + "a" * 64
PROJECT = "https://gitlab.example.com/team/gitops"
URL = f"{PROJECT}/-/merge_requests/5"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def image(app: str) -> str:
    return f"registry.example.com/team/{app}"


def row(app: str, tag: str | None = "1.0.0", held: str | None = None, digest: str | None = None) -> Row:
    return Row(app, f"apps/{app}.yaml", "image.tag", image(app), tag, digest, held)


def proposal(environment: str = "prod", url: str = URL, title: str = "Bump zebra") -> RecordedRequest:
    repository = Repository("registry.example.com", "team/zebra")
    change = Change("zebra", "f", "image.tag", 1, repository, Version("1.0.0", None), Version("3.0.0", None))
    request = MergeRequest(
        iid=5, url=url, state="opened", title=title, description="", source_branch="branch", target_branch="main",
        sha="sha", merge_status="mergeable", has_conflict=False, auto_merge=False,
        author=User(1, "bumper", is_bot=True), comments=0,
    )  # fmt: skip
    return RecordedRequest(request, Record(Command.BUMP, environment, (), (change,)))


def make_status(
    environments: Mapping[str, tuple[Row, ...]], *requests: RecordedRequest, warnings: tuple[str, ...] = ()
) -> Status:
    """What differs is worked out as for a repository without promotion rules."""
    tags: dict[str, dict[str, str]] = {}
    for name, rows in environments.items():
        for one in rows:
            tags.setdefault(one.app, {})[name] = one.tag or ""
    drift = tuple(Drift(app, image(app), by) for app, by in sorted(tags.items()) if len(set(by.values())) > 1)
    overview = Overview(environments, drift, {image(app): image(app) for app in tags}, warnings)
    return Status(overview, requests, looked=Looked(PROJECT, "main", COMMIT))


def usual() -> Status:
    dev = (row("alike"), row("backend", "2.0.0"), row(HOSTILE), row("pinned", digest=DIGEST), row("zebra"))
    prod = (row("alike"), row("backend"), row(HOSTILE, held=f"until {HOSTILE}"), row("pinned"), row("zebra"))
    return make_status({"dev": dev, "prod": prod}, proposal(), warnings=(f"{HOSTILE} is no YAML",))


def long_names() -> Status:
    app, tag = "long" * 40, "1" * 128
    own = tuple(row(name, tag, held="because" * 40) for name in (app, HOSTILE))
    status = make_status({f"environment-{number}{'x' * 60}": own for number in range(6)}, proposal(title="T" * 250))
    return dataclasses.replace(status, overview=dataclasses.replace(status.overview, warnings=("w" * 300,)))


def write(folder: Path, status: Status, ages: Mapping[tuple[str, str, str], TagChange] | None = None) -> str:
    file = folder / "status.html"
    file.write_text(status_page(dataclasses.replace(status, ages=ages or {}), NOW), encoding="utf-8")
    return file.as_uri()
