"""Whether Argo CD's words mean that what was asked for runs. Pure.

"Synced" alone may be of an older commit, and "Healthy" of the pods from before. So an application counts as deployed
when it is Healthy, no sync is under way, and either its pods have the images, or it is Synced at a revision that holds
the commit (the images of a CronJob that has not run yet are in no pod).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bumper.image import ImageReference, Repository, read_reference
from bumper.values.change import Version

State: TypeAlias = Literal["done", "waiting", "degraded", "failed"]
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
class Verdict:
    """How far an application is, and in what words to say so."""

    state: State
    reason: str


def judge(application: Application, expected: Iterable[ExpectedImage], holds: Callable[[str], bool]) -> Verdict:
    """What Argo CD's answer means; ``holds`` says whether a revision holds the commit that is to be deployed."""
    is_there = runs(application, expected) or (
        application.sync == "Synced" and any(holds(revision) for revision in application.revisions)
    )
    under_way = application.phase in _UNDER_WAY
    if is_there and not under_way and application.health == "Healthy":
        return Verdict("done", "Healthy")
    broken = application.phase in {"Failed", "Error"}
    if broken and any(holds(revision) for revision in application.operation_revisions):
        return Verdict(
            "failed", f"its sync ended as {application.phase}: {application.operation_message or 'no reason'}"
        )
    if is_there and not under_way and application.health == "Degraded":
        return Verdict("degraded", _with(application, "Degraded"))
    shown = "another commit or image runs" if not is_there else "a sync is under way" if under_way else ""
    return Verdict("waiting", ", ".join(each for each in (_with(application, application.health), shown) if each))


def _with(application: Application, health: str) -> str:
    state = f"{health}, {application.sync}" if application.sync != "Synced" else health
    return f"{state}: {application.message}" if application.message else state


def runs(application: Application, expected: Iterable[ExpectedImage]) -> bool:
    """Whether the application's pods have every one of the images; False where they do not show it."""
    running = [reference for reference in map(read_reference, application.images) if reference is not None]
    asked = tuple(expected)
    return bool(asked) and all(any(_is(reference, one) for reference in running) for one in asked)


def _is(running: ImageReference, expected: ExpectedImage) -> bool:
    if running.repository != expected.image:
        return False
    if running.digest is not None and expected.version.digest is not None:
        return running.digest == expected.version.digest
    return expected.tag_moved and running.tag is not None and running.tag == expected.version.tag
