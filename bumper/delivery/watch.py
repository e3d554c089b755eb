"""What Argo CD makes of a merge, watched until every application is well, or the first has turned sick.

``look_before`` is asked before anything is pushed, ``watch`` after the merge, ``find_unhealthy`` before a promotion.
What the looks mean is decided in ``argocd.verdict``; here are the clock, the questions and the words.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bumper.argocd.server import ArgoServer, NoSuchApplication, NotAnswering
from bumper.argocd.verdict import (
    Course,
    Ending,
    Expectation,
    Limits,
    Look,
    Verdict,
    judge,
    judge_before,
    runs,
)
from bumper.clock import Clock
from bumper.delivery.attempt import Session
from bumper.errors import Refused, Unavailable
from bumper.gitlab.connection import GitLab, NotShown
from bumper.gitlab.project import contains
from bumper.log import report_step
from bumper.planning.proposal import Rollout

_FIRST_PAUSE, _MAX_PAUSE = 1.0, 10.0  # seconds between two looks
_PAUSE_OF_DOUBT = 10.0  # seconds from the first to the second look at what may be sick for a moment only
_THREADS = 8
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # a Helm chart's version is a revision, too


def require_rollout(rollout: Rollout | None, environment: str, purpose: str) -> Rollout:
    """``rollout``; ``Refused`` where bumper.yaml does not say which Argo CD deploys the environment."""
    if rollout is None:
        raise Refused(
            f"{purpose} asks Argo CD about {environment}, and bumper.yaml does not say which Argo CD that is",
            f"add argocd with server and application to environments.{environment}",
        )
    return rollout


def _server_of(rollout: Rollout, session: Session) -> ArgoServer:
    return session.argocd(rollout.argocd.server, rollout.argocd.project)


def _holds_commit(gitlab: GitLab | None, commit: str) -> Callable[[str], bool]:
    """A function that tells whether a revision is ``commit`` or was made on top of it, as only GitLab's API knows."""
    known = {commit: True}

    def holds(revision: str) -> bool:
        if revision not in known and gitlab is not None and _COMMIT.fullmatch(revision) is not None:
            try:
                known[revision] = contains(gitlab, revision, commit)
            except NotShown:  # another repository's
                known[revision] = False
            except Unavailable:  # GitLab is away for a moment; the next look asks again
                return False
        return known.get(revision, False)

    return holds


def find_unhealthy(rollout: Rollout | None, environment: str, tip: str, session: Session) -> dict[str, str]:
    """The Argo CD applications that are not healthy in ``environment``, or run something else than its values say.

    Each with the reason. ``tip`` is the target branch's newest commit, whose values those are. Raises ``Refused`` where
    bumper.yaml does not say which Argo CD deploys the environment.
    """
    purpose = "the health check (require_healthy in bumper.yaml, or --require-healthy)"
    rollout = require_rollout(rollout, environment, purpose)
    server, expected, holds = _server_of(rollout, session), rollout.applications(), _holds_commit(session.gitlab, tip)
    report_step(f"asking {server.url} (Argo CD)")

    def ask(name: str) -> Verdict:
        try:
            return judge(server.read(name), Expectation(expected[name], holds))
        except NoSuchApplication as missing:
            return Verdict("waiting", missing.what)

    with ThreadPoolExecutor(_THREADS) as pool:
        verdicts = zip(expected, pool.map(ask, expected), strict=True)
        return {name: verdict.reason for name, verdict in verdicts if verdict.state != "done"}


@dataclass(frozen=True, slots=True)
class Before:
    """What an application was before: the look at it, and whether it ran the expected images already."""

    look: Look
    ran_images: bool = False


def look_before(rollout: Rollout, session: Session) -> Mapping[str, Before]:
    """The applications before anything is pushed: Argo CD has to know every one of them, else ``Unavailable``.

    An Argo CD that does not answer at this moment may do so later, when there is something to wait for.
    """
    server, applications, clock = _server_of(rollout, session), rollout.applications(), session.clock

    def read(name: str) -> Before:
        try:
            application = server.read(name)
        except NotAnswering as error:
            report_step(f"going on without an answer from Argo CD for now ({error.what})")
            return Before(Look(clock.monotonic(), Verdict("silent", error.what)))
        return Before(Look(clock.monotonic(), judge_before(application)), runs(application, applications[name]))

    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(applications, pool.map(read, applications), strict=True))


@dataclass(slots=True)
class WatchedApplication:
    """An Argo CD application, what it is to run, its page, and what was seen of it so far."""

    name: str
    expected: Expectation
    course: Course
    page: str

    @property
    def is_sick(self) -> bool:
        """Whether it was seen sick."""
        return self.course.ending is Ending.SICK

    @property
    def turned_sick(self) -> bool:
        """Whether it was seen sick, and the version before it well."""
        return self.is_sick and self.course.was_well

    def look(self, server: ArgoServer, clock: Clock) -> None:
        """Take one more look at it."""
        try:
            application = server.read(self.name)
        except NotAnswering as error:
            verdict = Verdict("silent", error.what)
        except NoSuchApplication as error:
            verdict = Verdict("missing", error.what)
        else:
            verdict, self.page = judge(application, self.expected), server.page(self.name)
        self.course = self.course.after(Look(clock.monotonic(), verdict))


def watch(
    rollout: Rollout, landed: str, limits: Limits, before: Mapping[str, Before], session: Session
) -> tuple[WatchedApplication, ...]:
    """The applications, once the looks have decided about all of them, or one has turned sick.

    ``landed`` is the target branch's commit that asks for the images of ``rollout``. Raises ``Unavailable`` where
    Argo CD refuses the token.
    """
    server, holds = _server_of(rollout, session), _holds_commit(session.gitlab, landed)
    report_step(f"asking {server.url} (Argo CD) to refresh")
    watched = []
    for name, images in rollout.applications().items():
        known = before.get(name)
        expected = Expectation(images, holds, landed, known is not None and known.ran_images)
        course = Course(limits) if known is None else Course(limits).after(known.look)
        watched.append(WatchedApplication(name, expected, course, server.url))
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda one: server.refresh(one.name), watched))
        _look_until_decided(server, watched, session, pool)
    return tuple(watched)


def _look_until_decided(
    server: ArgoServer, watched: Sequence[WatchedApplication], session: Session, pool: ThreadPoolExecutor
) -> None:
    """Look at all in turns; once one of them turned sick, what is in doubt gets its second look, and that is the end.

    One that was ill before is no reason to leave the others unwatched.
    """
    clock, pause, undecided = session.clock, _FIRST_PAUSE, list(watched)
    while undecided:
        shown = {one.name: one.course.last for one in undecided}
        list(pool.map(lambda one: one.look(server, clock), undecided))
        undecided = [one for one in undecided if one.course.ending is None]
        for one in undecided:
            if one.course.last != shown[one.name]:
                doing = "watching" if one.course.last.state == "done" else "waiting for"
                session.show(f"{doing} Argo CD application {one.name}: {one.course.last.reason}")
        in_doubt = [one for one in undecided if one.course.is_in_doubt]
        if any(one.turned_sick for one in watched):
            undecided = in_doubt
        if undecided:
            left = min(one.course.until for one in undecided) - clock.monotonic()
            clock.sleep(_PAUSE_OF_DOUBT if in_doubt else min(pause, left) if left > 0 else pause)
            pause = min(pause * 1.5, _MAX_PAUSE)
