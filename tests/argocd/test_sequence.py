"""The rule by which bumper rolls back by itself, over every order in which Argo CD may say things."""

from collections.abc import Sequence
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bumper.argocd.application import Application
from bumper.argocd.verdict import (
    Course,
    Ending,
    Expectation,
    ExpectedImage,
    Limits,
    Look,
    State,
    Verdict,
    judge,
    judge_before,
)
from bumper.image import read_repository
from bumper.values.pin import Version
from tests.support.argocd import application
from tests.support.gitops import APP
from tests.support.rollback_rule import Seen, is_rolled_back

LIMITS = Limits(landed=0, deadline=600, steady=300)
STATES: tuple[State, ...] = get_args(State)


def course_of(seen: Sequence[Seen]) -> Course:
    """The course after as many of the looks as decide it."""
    course = Course(LIMITS)
    for at, state in seen:
        if course.ending is not None:
            break
        course = course.after(Look(at, Verdict(state, f"{state} at {at:g}")))
    return course


def sequences() -> st.SearchStrategy[list[Seen]]:
    steps = st.tuples(st.floats(0.5, 120), st.sampled_from(STATES))

    def timed(found: list[tuple[float, State]]) -> list[Seen]:
        at, seen = 0.0, []
        for pause, state in found:
            at += pause
            seen.append((at, state))
        return seen

    return st.lists(steps, max_size=40).map(timed)


@settings(max_examples=500)
@given(sequences())
def test_a_rollback_is_for_what_was_seen_sick_and_was_well_before(seen: list[Seen]) -> None:
    course = course_of(seen)

    watched = [look for look in seen if f"{look[1]} at {look[0]:g}" == course.last.reason]
    until = seen[: seen.index(watched[-1]) + 1] if watched else []
    rolled_back = course.ending is Ending.SICK and course.was_well
    assert rolled_back == is_rolled_back(until if course.ending is not None else seen)


@settings(max_examples=200)
@given(sequences())
def test_well_is_only_what_stayed_so(seen: list[Seen]) -> None:
    course = course_of(seen)

    if course.ending is Ending.WELL:
        at = next(at for at, state in reversed(seen) if f"{state} at {at:g}" == course.last.reason)
        window = [state for moment, state in seen if at - LIMITS.steady <= moment <= at]
        assert set(window) <= {"done", "waiting", "silent"}
        assert window[-1] == "done"


def test_every_watch_ends() -> None:
    """Whatever Argo CD says, soon after the last moment there is an outcome."""
    for state in STATES:
        course = course_of([(60.0 * number, state) for number in range(20)])
        assert course.ending is not None, state


@pytest.mark.parametrize(
    ("states", "ending", "was_well"),
    [
        ("well-before done degraded degraded", Ending.SICK, True),
        ("well-before done degraded silent degraded", Ending.SICK, True),
        ("well-before degraded done", None, True),
        ("well-before done degraded waiting degraded", None, True),
        ("well-before waiting failed", Ending.SICK, True),
        ("ill-before degraded degraded", Ending.SICK, False),
        ("ill-before well-before degraded degraded", Ending.SICK, True),
        ("silent degraded degraded", Ending.SICK, False),
        ("waiting degraded degraded", Ending.SICK, False),
        ("well-before done missing missing", Ending.MISSING, True),
        ("well-before done missing done", None, True),
    ],
)
def test_what_the_looks_come_to(states: str, ending: Ending | None, was_well: bool) -> None:  # noqa: FBT001
    named: dict[str, State] = {str(state): state for state in STATES}
    course = course_of([(10.0 * number, named[state]) for number, state in enumerate(states.split())])

    assert (course.ending, course.was_well) == (ending, was_well)


OLD, NEW, COMMIT = f"{APP}:1.0.0", f"{APP}:1.0.1", "c" * 40


FINISHED, EARLIER, LATER = "2026-11-28T03:00:05Z", "2026-11-28T03:00:02Z", "2026-11-28T03:00:07Z"


def app(*images: str, revision: str = "0" * 40, **more: Any) -> Application:  # noqa: ANN401 - as application has it
    return Application.model_validate(application(*images, revision=revision, **more))


def expectation(tag: str = "1.0.1", *, running_before: bool = False) -> Expectation:
    repository = read_repository(APP)
    assert repository is not None
    image = ExpectedImage("app", repository, Version(tag, None))
    return Expectation((image,), lambda revision: revision in {COMMIT, "d" * 40}, COMMIT, running_before)


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (app(OLD), "well-before"),
        (app(OLD, health="Degraded"), "ill-before"),
        (app(OLD, health="Degraded", revision=COMMIT, sync="OutOfSync"), "waiting"),  # a wave of the sync, perhaps
        (app(OLD, health="Missing"), "waiting"),
        (app(NEW), "done"),
        (app(OLD, revision=COMMIT), "done"),
        (app(OLD, NEW, health="Degraded"), "degraded"),
        (app(NEW, health="Degraded", phase="Running"), "waiting"),
        (app(OLD, phase="Failed", operation=COMMIT), "failed"),
        (app(NEW, revision=COMMIT, phase="Failed", operation=COMMIT), "failed"),  # a PostSync hook, with healthy pods
        (app(NEW, revision=COMMIT, phase="Running", operation=COMMIT), "waiting"),
        (app(OLD, phase="Failed", operation="d" * 40), "failed"),  # a later commit's sync, the first with this one
        (app(NEW, phase="Failed", operation="d" * 40), "done"),  # a later commit's trouble is not this one's
        (app(OLD, phase="Failed", operation="e" * 40), "well-before"),
        # Health is of before the sync, until Argo CD has reconciled after it.
        (app(OLD, NEW, finished=FINISHED, reconciledAt=EARLIER), "waiting"),
        (app(OLD, NEW, health="Degraded", finished=FINISHED, reconciledAt=EARLIER), "waiting"),
        (app(NEW, finished=FINISHED), "waiting"),
        (app(NEW, finished=FINISHED, reconciledAt=FINISHED), "done"),
        (app(NEW, finished=FINISHED, reconciledAt=LATER), "done"),
        # A person's dry run is no sync, and Argo CD does not reconcile after it.
        (app(NEW, phase="Failed", operation=COMMIT, finished=FINISHED, reconciledAt=EARLIER, dry_run=True), "done"),
        (app(NEW, phase="Running", operation=COMMIT, dry_run=True), "done"),
    ],
)
def test_what_one_answer_means(seen: Application, state: State) -> None:
    assert judge(seen, expectation()).state == state


def test_pods_of_before_do_not_tell_a_rollback_from_what_it_undoes() -> None:
    """In a rollout that is stuck both versions run: the old one is no sign that the rollback has arrived."""
    rollback = expectation("1.0.0", running_before=True)

    assert judge(app(OLD, NEW, health="Degraded"), rollback).state == "ill-before"
    assert judge(app(OLD), rollback).state == "done"
    assert judge(app(OLD, NEW, revision=COMMIT, health="Degraded"), rollback).state == "degraded"


def test_before_anything_is_pushed_only_health_counts() -> None:
    states = [
        judge_before(app(OLD, health=health)).state for health in ("Healthy", "Degraded", "Progressing", "Unknown")
    ]

    assert states == ["well-before", "ill-before", "waiting", "waiting"]
