"""What may be promoted: what a source environment ran, and took not back, judged at the target branch's tip."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bumper.environments.repository import open_environment, read_repository_config
from bumper.gate.promotions import Judged, judge_promotions
from bumper.git.checkout import Checkout
from bumper.git.clone import clone
from bumper.image import read_repository
from bumper.records.line import Line
from bumper.settings import environment, read_settings
from bumper.values.change import Change
from bumper.values.pin import Version
from tests.support.deployments import PROD, STAGING
from tests.support.gitops import APP, Gitops, GitopsMaker, values
from tests.support.line import Written, write_line

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SOURCE = STAGING.format("app")


@contextmanager
def at_tip() -> Iterator[Checkout]:
    settings = read_settings(environment(), repo=os.environ["BUMPER_REPO"], branch=None, gitlab_url=None)
    with clone(settings, os.environ) as checkout:
        yield checkout


def judged(tag: str, since: datetime | None = None, now: datetime = NOW) -> Judged:
    """Whether prod may take ``tag`` from staging."""
    with at_tip() as checkout:
        setup = read_repository_config(checkout)
        source, target = (open_environment(checkout, setup, name) for name in ("staging", "prod"))
        repository = read_repository(APP)
        assert repository is not None
        change = Change("app", PROD.format("app"), "image.tag", 3, repository, Version("0", None), Version(tag, None))
        line = Line(checkout, now, since, None)
        (found,) = judge_promotions(target.environment, [change], [source], line)
        return found


def why_not(tag: str) -> str:
    found = judged(tag)
    assert found.ran == ()
    (broken,) = found.broken
    return f"{broken.message}; {broken.fix}"


@dataclass(frozen=True)
class Past:
    gitops: Gitops

    def __call__(self, *tags: str, minutes: int = 10, message: str = "By hand") -> list[str]:
        """Staging gets these tags one after the other, the last one ``minutes`` ago, ten minutes between two."""
        times = [NOW - timedelta(minutes=minutes + 10 * number) for number in range(len(tags))][::-1]
        return write_line(
            self.gitops, [Written(at, {SOURCE: values(tag)}, message) for at, tag in zip(times, tags, strict=True)]
        )


@pytest.fixture
def past(make_gitops: GitopsMaker) -> Past:
    files = {SOURCE: values("0"), PROD.format("app"): values("0")}
    return Past(make_gitops(files))


def test_what_runs_now_and_what_ran_before(past: Past) -> None:
    past("1", "2", "3")

    (now,) = judged("3", NOW - timedelta(hours=1)).ran
    (before,) = judged("2").ran

    assert (now.source, now.since, now.until) == ("staging", NOW - timedelta(minutes=10), None)
    assert (before.since, before.until) == (NOW - timedelta(minutes=20), NOW - timedelta(minutes=10))


def test_what_never_ran(past: Past) -> None:
    past("1")

    assert why_not("9") == (
        f"prod takes app from staging, which has not run {APP}:9 on main; run `bumper bump staging {APP}:9`, then "
        "`bumper promote staging prod --app app`"
    )


@pytest.mark.parametrize(
    ("tags", "taken_back"),
    [
        (("1", "2", "1"), {"2"}),
        (("1", "2", "3", "1"), {"2", "3"}),
        (("1", "2", "1", "3"), {"2"}),
        (("1", "2", "1", "2"), {"1"}),
        (("1", "2", "3", "4"), set()),
        (("1", "2", "3", "2", "4"), {"3"}),
    ],
)
def test_a_tag_that_the_environment_went_back_behind(past: Past, tags: tuple[str, ...], taken_back: set[str]) -> None:
    past(*tags)

    assert {tag for tag in set(tags) if not judged(tag).ran} == taken_back


def test_a_place_of_the_image_that_stays_is_no_way_back(past: Past) -> None:
    """The application runs the image at two places, one of which moves on."""

    def land(canary: str) -> None:
        both = values("1") + f"canary:\n  repository: {APP}\n  tag: {canary}\n"
        write_line(past.gitops, [Written(NOW, {SOURCE: both})])

    for tag in ("1", "2", "3"):
        land(tag)
    assert {tag for tag in "123" if judged(tag).ran} == {"1", "2", "3"}
    land("1")
    assert {tag for tag in "123" if judged(tag).ran} == {"1"}


def test_a_rollback_by_its_record(past: Past) -> None:
    (first, *_) = past("1", "2", minutes=30)
    past("3", message=f"Roll back\n\nBumper-Command: rollback\nBumper-Environment: staging\nBumper-Undoes: {first}\n")

    assert "of app was rolled back in staging (2026-11-27 11:50 UTC" in why_not("1")
    assert "was rolled back" in why_not("2")


def test_a_held_application(past: Past) -> None:
    past("1", "2")
    write_line(past.gitops, [Written(NOW, {SOURCE: values("2   # bumper: hold broken")})])

    assert why_not("2").startswith(f"{APP}:2 of app is held in staging: broken")
    assert "broken" in why_not("1")
    assert "bumper unhold staging --app app" in why_not("2")
