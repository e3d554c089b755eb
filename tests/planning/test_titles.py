"""Titles: what a list of merge requests says at a glance."""

import pytest

from bumper.image import Repository
from bumper.planning.proposal import title_of
from bumper.records.record import Command
from bumper.values.change import Change
from bumper.values.pin import Version

APP, OTHER = (Repository("registry.example.com", f"team/{name}") for name in ("app", "other"))
DIGEST, NEW_DIGEST = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
EMPTY = Version(None, None)


def change(app: str, before: str | Version, after: str | Version, image: Repository = APP) -> Change:
    old, new = (Version(one, None) if isinstance(one, str) else one for one in (before, after))
    return Change(app, f"{app}.yaml", "image.tag", 3, image, old, new)


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ([change("backend", "1.0.3", "1.0.9")], "backend 1.0.3 -> 1.0.9 in staging"),
        ([change("backend", "1", "2"), change("backend", "1", "2", OTHER)], "backend 1 -> 2 in staging"),
        ([change("backend", "1", "2"), change("backend", "8", "9", OTHER)], "backend (2 images) in staging"),
        ([change("backend", "1", "2"), change("web", "1", "2")], "backend and web 1 -> 2 in staging"),
        ([change("backend", "1", "3"), change("web", "2", "3")], "backend and web to 3 in staging"),
        ([change("backend", "1", "2"), change("web", "8", "9")], "backend 1 -> 2, web 8 -> 9 in staging"),
        ([change(f"app{n}", "1", "2") for n in range(103)], "103 applications 1 -> 2 in staging"),
        ([change(f"app{n}", "1", f"2.{n}") for n in range(103)], "103 applications in staging"),
        ([change("backend", EMPTY, "1.0.9")], "backend to 1.0.9 in staging"),
        (
            [change("backend", Version("1.0", DIGEST), Version("1.0", NEW_DIGEST))],
            "backend 1.0 with another digest in staging",
        ),
        (
            [change("backend", Version(None, DIGEST), Version(None, NEW_DIGEST))],
            "backend @sha256:aaaaaaaaaaaa -> @sha256:bbbbbbbbbbbb in staging",
        ),
    ],
)
def test_a_title_names_the_applications_and_the_step(changes: list[Change], title: str) -> None:
    assert title_of(Command.BUMP, "staging", changes) == title


def test_a_promotion_and_a_rollback_say_so_in_parentheses() -> None:
    title = title_of(Command.PROMOTE, "prod", [change("backend", "1.0.3", "1.0.9")], "from staging")

    assert title == "backend 1.0.3 -> 1.0.9 in prod (from staging)"


@pytest.mark.parametrize(
    ("command", "title"),
    [(Command.HOLD, "backend held at 1.0.3 in prod"), (Command.UNHOLD, "backend no longer held in prod")],
)
def test_a_hold_leaves_the_tag_and_says_so(command: Command, title: str) -> None:
    assert title_of(command, "prod", [change("backend", "1.0.3", "1.0.3")]) == title
