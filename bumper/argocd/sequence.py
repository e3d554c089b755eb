"""What a sequence of looks at one application comes to: well, or sick, or not known. Pure.

The rule by which bumper rolls back by itself is here and nowhere else: the new version was seen sick, and the version
before it was seen well.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from bumper.argocd.verdict import State, Verdict


class Ending(StrEnum):
    """How the watch of an application ended; as records name it."""

    WELL = "well"  # healthy, and for as long as was asked
    SICK = "sick"  # seen Degraded twice in a row, or its sync failed
    LATE = "late"  # not well in time, and not sick either
    SILENT = "silent"  # Argo CD did not answer
    MISSING = "missing"  # Argo CD has no such application any more


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
class Outcome:
    """What the looks came to: ``reason`` in Argo CD's words, ``healthy_after`` in seconds, None where it never was.

    ``was_well`` says that the version before was healthy when it was last seen.
    """

    ending: Ending
    reason: str
    was_well: bool
    healthy_after: float | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """What the looks at an application came to so far; ``after`` gives the course with one more.

    Degraded counts once it is seen twice in a row: Argo CD may show it for a moment, or still show the health of the
    pods from before. A moment without an answer decides nothing. A failed sync counts at once, because Argo CD has made
    its retries by then.
    """

    limits: Limits
    last: Verdict = field(default=Verdict("waiting", ""))
    answered: State = "waiting"  # the last look that Argo CD answered
    was_well: bool = False
    healthy_at: float | None = None
    steady_since: float | None = None
    outcome: Outcome | None = None

    def after(self, look: Look) -> "Course":
        """The course after ``look``, which came later than all before."""
        seen = replace(self, last=look.verdict)
        if look.verdict.state != "silent":
            seen = _with_answer(seen, look)
        ending = _ending(seen, self.answered, look)
        if ending is None:
            return seen
        after = seen.healthy_at - self.limits.landed if seen.healthy_at is not None else None
        return replace(seen, outcome=Outcome(ending, look.verdict.reason, seen.was_well, after))

    @property
    def is_in_doubt(self) -> bool:
        """Whether something bad was seen once, so that the next look decides."""
        return self.outcome is None and self.last.state in {"degraded", "missing"}

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
