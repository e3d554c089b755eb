"""Whether Argo CD's words mean that what was asked for runs. Pure.

"Synced" alone may be of an older commit, and "Healthy" of the pods from before. So an application counts as deployed
when it is Healthy, no sync is under way, and either its pods have the images, or it is Synced at a revision that holds
the commit (the images of a CronJob that has not run yet are in no pod). A PostSync hook that failed leaves it Healthy
and Synced, so the commit's own sync must not have failed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bumper.image import ImageReference, Repository, read_reference
from bumper.values.pin import Version

# well-before and ill-before are of the version before, as long as nothing shows the new one; everything else is of the
# new one, as far as Argo CD says anything about it.
State: TypeAlias = Literal["well-before", "ill-before", "waiting", "done", "degraded", "failed", "silent", "missing"]
_UNDER_WAY = frozenset({"Running", "Terminating"})


@dataclass(frozen=True, slots=True)
class Application:
    """What Argo CD says of an application; ``revisions`` has one for each of its sources.

    ``images`` are those of its running pods. ``phase``, ``operation_message`` and ``operation_revisions`` are of the
    last sync; ``message`` says why it is not healthy, where Argo CD does.
    """

    name: str
    page: str
    sync: str
    health: str
    message: str
    revisions: tuple[str, ...]
    images: tuple[str, ...]
    phase: str
    operation_message: str
    operation_revisions: tuple[str, ...]


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
    is_there = expected.is_met(application)
    under_way = application.phase in _UNDER_WAY
    if application.phase in {"Failed", "Error"} and _is_of(application.operation_revisions, expected, is_there):
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


def _is_of(revisions: Iterable[str], expected: Expectation, is_there: bool) -> bool:  # noqa: FBT001
    """Whether a sync was the request's: of its commit, or of a later one before the request's images ever ran."""
    return any(one == expected.landed or (not is_there and expected.holds(one)) for one in revisions)


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
