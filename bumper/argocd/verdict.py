"""Whether what was asked for runs: what one answer of Argo CD means, and what a sequence of looks comes to. Pure.

"Synced" alone may be of an older commit, and "Healthy" of the pods from before. So an application counts as deployed
when it is Healthy, no sync is under way, and either its pods have the images, or it is Synced at a revision that holds
the commit (the images of a CronJob that has not run yet are in no pod). A PostSync hook that failed leaves it Healthy
and Synced, so the commit's own sync must not have failed.

The rule by which bumper rolls back by itself is here and nowhere else: the new version was seen sick, and the version
before it was seen well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, TypeAlias

from bumper.argocd.application import Application
from bumper.image import ImageReference, Repository, read_reference
from bumper.values.pin import Version

# well-before and ill-before are of the version before, as long as nothing shows the new one; everything else is of the
# new one, as far as Argo CD says anything about it.
State: TypeAlias = Literal["well-before", "ill-before", "waiting", "done", "degraded", "failed", "silent", "missing"]


@dataclass(frozen=True, slots=True)
class ExpectedImage:
    """An image that an application should run; with ``tag_moved`` the tag alone distinguishes it from the last one."""

    app: str
    image: Repository
    version: Version
    tag_moved: bool = True


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an application should run: ``images``, and by ``holds`` a revision with the commit that asks for them.

    Where the images were ``running_before`` already, as some of a stuck rollout's are before its rollback, they tell
    only once no other version of them runs. A failed sync of the ``landed`` commit itself is always this request's.
    """

    images: tuple[ExpectedImage, ...]
    holds: Callable[[str], bool]
    landed: str = ""
    running_before: bool = False

    def is_met(self, application: Application) -> bool:
        """Whether the application runs the images, or is Synced at a revision that asks for them."""
        by_images = runs(application, self.images)
        if by_images and not (self.running_before and _runs_others(application, self.images)):
            return True
        return application.sync == "Synced" and any(self.holds(revision) for revision in application.revisions)

    def is_known(self, application: Application) -> bool:
        """Whether anything shows that Argo CD has seen the commit: then what it says is no longer of the one before."""
        return any(self.holds(one) for one in (*application.revisions, *application.operation_revisions))


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far an application is, and in what words to say so."""

    state: State
    reason: str


def judge_before(application: Application) -> Verdict:
    """What Argo CD says of an application before anything is changed; what is neither well nor ill tells nothing."""
    states: dict[str, State] = {"Healthy": "well-before", "Degraded": "ill-before"}
    return Verdict(states.get(application.health, "waiting"), _with(application, application.health))


def judge(application: Application, expected: Expectation) -> Verdict:
    """What Argo CD's answer means."""
    is_there, under_way = expected.is_met(application), application.is_under_way
    if application.has_failed and any(
        # its commit's sync, or that of a later commit before the request's images ever ran
        revision == expected.landed or (not is_there and expected.holds(revision))
        for revision in application.operation_revisions
    ):
        return Verdict(
            "failed", f"its sync ended as {application.phase}: {application.operation_message or 'no reason'}"
        )
    if is_there and not under_way and application.health == "Healthy":
        return Verdict("done", "Healthy")
    if is_there and not under_way and application.health == "Degraded":
        return Verdict("degraded", _with(application, "Degraded"))
    if not is_there and not expected.is_known(application):
        before = judge_before(application)
        return Verdict(before.state, f"{before.reason}, another commit or image runs")
    shown = "another commit or image runs" if not is_there else "a sync is under way" if under_way else ""
    return Verdict("waiting", ", ".join(each for each in (_with(application, application.health), shown) if each))


def _with(application: Application, health: str) -> str:
    state = f"{health}, {application.sync}" if application.sync != "Synced" else health
    return f"{state}: {application.message}" if application.message else state


def runs(application: Application, expected: Sequence[ExpectedImage]) -> bool:
    """Whether the application's pods have every one of the images; False where they do not show it."""
    running = _running(application)
    return bool(expected) and all(any(_is(reference, one) for reference in running) for one in expected)


def _runs_others(application: Application, expected: Sequence[ExpectedImage]) -> bool:
    """Whether other versions of the expected images run, too: pods from before, or of a rollout that is stuck."""
    names = {one.image for one in expected}
    running = (reference for reference in _running(application) if reference.repository in names)
    return not all(any(_is(reference, one) for one in expected) for reference in running)


def _running(application: Application) -> list[ImageReference]:
    return [reference for reference in map(read_reference, application.images) if reference is not None]


def _is(running: ImageReference, expected: ExpectedImage) -> bool:
    if running.repository != expected.image:
        return False
    if running.digest is not None and expected.version.digest is not None:
        return running.digest == expected.version.digest
    return expected.tag_moved and running.tag is not None and running.tag == expected.version.tag


class Ending(StrEnum):
    """How the watch of an application ended, the worst first; as records name it."""

    SICK = "sick"  # seen Degraded twice in a row, or its sync failed
    MISSING = "missing"  # Argo CD has no such application any more
    SILENT = "silent"  # Argo CD did not answer
    LATE = "late"  # not well in time, and not sick either
    WELL = "well"  # healthy, and for as long as was asked


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at a moment, by the clock's count of seconds."""

    at: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """Until when the application has to be well, how long it has to stay so, and since when it is counted."""

    landed: float
    deadline: float
    steady: float = 0.0


@dataclass(frozen=True, slots=True)
class Course:
    """What the looks at an application came to so far, and how they ended; ``after`` gives the course with one more.

    Degraded counts once it is seen twice in a row: Argo CD may show it for a moment, or still show the health of the
    pods from before. A moment without an answer decides nothing. A failed sync counts at once, because Argo CD has made
    its retries by then.
    """

    limits: Limits
    last: Verdict = field(default=Verdict("waiting", ""))
    answered: State = "waiting"  # the last look that Argo CD answered
    was_well: bool = False  # whether the version before was healthy when it was last seen
    healthy_at: float | None = None
    steady_since: float | None = None
    ending: Ending | None = None

    def after(self, look: Look) -> "Course":
        """The course after ``look``, which came later than all before."""
        seen = replace(self, last=look.verdict)
        if look.verdict.state != "silent":
            seen = _with_answer(seen, look)
        return replace(seen, ending=_ending(seen, self.answered, look))

    @property
    def healthy_after(self) -> float | None:
        """After how many seconds it was healthy; None where it never was."""
        return self.healthy_at - self.limits.landed if self.healthy_at is not None else None

    @property
    def is_in_doubt(self) -> bool:
        """Whether something bad was seen once, so that the next look decides."""
        return self.ending is None and self.last.state in {"degraded", "missing"}

    @property
    def until(self) -> float:
        """When there is something to decide at the latest."""
        if self.steady_since is None:
            return self.last_moment
        return min(self.steady_since + self.limits.steady, self.last_moment)

    @property
    def last_moment(self) -> float:
        """When there is to be an end, well or not."""
        return self.limits.deadline + (self.limits.steady if self.healthy_at is not None else 0.0)


def _with_answer(seen: Course, look: Look) -> Course:
    state, was_well, healthy_at, steady_since = look.verdict.state, seen.was_well, seen.healthy_at, seen.steady_since
    if state in {"well-before", "ill-before"} and healthy_at is None:
        was_well = state == "well-before"
    if state == "done":
        healthy_at = look.at if healthy_at is None else healthy_at
        steady_since = look.at if steady_since is None else steady_since
    elif state != "waiting":  # a pod that is replaced shows Progressing for a while, and that is no trouble
        steady_since = None
    return replace(seen, answered=state, was_well=was_well, healthy_at=healthy_at, steady_since=steady_since)


def _ending(seen: Course, before: State, look: Look) -> Ending | None:
    state = look.verdict.state
    if state == "failed" or (state == before == "degraded"):
        return Ending.SICK
    if state == before == "missing":
        return Ending.MISSING
    if state == "done" and seen.steady_since is not None and look.at - seen.steady_since >= seen.limits.steady:
        return Ending.WELL
    if look.at < seen.last_moment or seen.is_in_doubt:
        return None
    return Ending.SILENT if state == "silent" else Ending.LATE
