"""Whether Argo CD's words mean that what was asked for runs. Pure.

"Synced" alone may be of an older commit, and "Healthy" of the pods from before. So an application counts as deployed
when it is Healthy, no sync is under way, and either its pods have the images, or it is Synced at a revision that holds
the commit (the images of a CronJob that has not run yet are in no pod).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bumper.environments.config_models import ArgoCd
from bumper.environments.gather import FoundPin, Gathered
from bumper.environments.layout import Environment
from bumper.image import ImageReference, Repository, read_reference
from bumper.planning.bump import Plan
from bumper.values.change import Version
from bumper.values.pin_path import format_path

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
class Wanted:
    """An image that an application is to run; ``tag_moved``: the tag alone tells it from what ran before."""

    app: str
    image: Repository
    version: Version
    tag_moved: bool = True


@dataclass(frozen=True, slots=True)
class Rollout:
    """What a request has Argo CD do."""

    argocd: ArgoCd
    wanted: tuple[Wanted, ...]

    def applications(self) -> dict[str, tuple[Wanted, ...]]:
        """What each of Argo CD's applications is to run, by its name."""
        named: dict[str, list[Wanted]] = {}
        for one in self.wanted:
            for pattern in self.argocd.application:
                named.setdefault(pattern.replace("{app}", one.app), []).append(one)
        return {name: tuple(wanted) for name, wanted in named.items()}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far an application is, and in what words to say so."""

    state: State
    reason: str


def rollout_of(environment: Environment, gathered: Gathered, plan: Plan) -> Rollout | None:
    """What ``plan`` has Argo CD do; None where bumper.yaml names no Argo CD for the environment."""
    if environment.config.argocd is None:
        return None
    changed = {(change.file, change.path): change for change in plan.changes}
    wanted = []
    for found in gathered.pins:
        place = (found.file, format_path(found.pin.path))
        change = changed.get(place)
        if change is not None:
            moved = change.before.tag != change.after.tag
            wanted.append(Wanted(change.app, change.image, change.after, moved))
        elif place in plan.covers:
            wanted += want([found])
    return Rollout(environment.config.argocd, tuple(dict.fromkeys(wanted)))


def want(pins: Iterable[FoundPin]) -> list[Wanted]:
    """What the values say already."""
    return [
        Wanted(found.app, found.pin.repository, Version(found.pin.tag, found.pin.digest))
        for found in pins
        if found.pin.repository is not None and found.pin.tag is not None
    ]


def judge(application: Application, wanted: Iterable[Wanted], holds: Callable[[str], bool]) -> Verdict:
    """What Argo CD's answer means; ``holds`` says whether a revision holds the commit that is to be deployed."""
    is_there = runs(application, wanted) or (
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


def runs(application: Application, wanted: Iterable[Wanted]) -> bool:
    """Whether the application's pods have every one of the images; False where it cannot be told from them."""
    running = [reference for reference in map(read_reference, application.images) if reference is not None]
    asked = tuple(wanted)
    return bool(asked) and all(any(_is(reference, one) for reference in running) for one in asked)


def _is(running: ImageReference, wanted: Wanted) -> bool:
    if running.repository != wanted.image:
        return False
    if running.digest is not None and wanted.version.digest is not None:
        return running.digest == wanted.version.digest
    return wanted.tag_moved and running.tag is not None and running.tag == wanted.version.tag
