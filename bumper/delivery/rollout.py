"""Waiting for Argo CD to run what was merged, and the gate that lets only what is healthy be promoted."""

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from bumper.argocd.server import ArgoServer, NoSuchApplication, NotAnswering
from bumper.argocd.verdict import ExpectedImage, Verdict, judge
from bumper.delivery.session import Session
from bumper.errors import NotDeployed, Refused, Unavailable
from bumper.gitlab.commits import contains
from bumper.gitlab.connection import GitLab, NotShown
from bumper.planning.expected_images import Rollout
from bumper.progress import report_step

_FIRST_PAUSE, _MAX_PAUSE = 1.0, 10.0  # seconds between two looks
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # a Helm chart's version is a revision, too
_THREADS = 8
_MAX_NAMED = 5


def check_rollout(rollout: Rollout | None, environment: str, session: Session) -> None:
    """Before anything is pushed: Argo CD knows every application that is to be waited for.

    An Argo CD that does not answer at this moment may do so later, when there is something to wait for.

    Raises:
        Refused: bumper.yaml does not say which Argo CD deploys the environment.
        Unavailable: Argo CD refuses the token, or does not know an application.

    """
    rollout = _require(rollout, environment, "--wait-deployed")
    server = _server_of(rollout, session)
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda name: _read_if_answering(server, name), rollout.applications()))


def _read_if_answering(server: ArgoServer, name: str) -> None:
    try:
        server.read(name)
    except NotAnswering as error:
        report_step(f"going on without an answer from Argo CD for now ({error.what})")


def _server_of(rollout: Rollout, session: Session) -> ArgoServer:
    return session.argocd(rollout.argocd.server, rollout.argocd.project)


def _require(rollout: Rollout | None, environment: str, purpose: str) -> Rollout:
    if rollout is None:
        raise Refused(
            f"{purpose} asks Argo CD about {environment}, and bumper.yaml does not say which Argo CD that is",
            f"add argocd with server and application to environments.{environment}",
        )
    return rollout


def wait_until_deployed(
    rollout: Rollout | None, environment: str, landed: str, seconds: float, session: Session
) -> None:
    """Return once Argo CD runs the images of ``rollout`` and reports them healthy.

    ``landed`` is the target branch's commit that asks for them. The ``seconds`` count from the session's beginning on:
    waiting for the merge is a part of them.

    Raises:
        NotDeployed: it degraded, its sync failed, or it took longer than ``seconds``.
        Unavailable: Argo CD refuses the token, or does not know an application.

    """
    rollout = _require(rollout, environment, "--wait-deployed")
    server = _server_of(rollout, session)
    applications = rollout.applications()
    report_step(f"asking {server.url} (Argo CD) to look at the repository")
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(server.refresh, applications))
    holds = _contains_commit(session.gitlab, landed)
    waiting = _Waiting(server, session.began + seconds, seconds, session)
    for name, expected in applications.items():
        waiting.wait_for(name, expected, holds)


class _Waiting:
    """Looks at one application after the other, all within one deadline."""

    def __init__(self, server: ArgoServer, deadline: float, seconds: float, session: Session) -> None:
        self._server = server
        self._deadline = deadline
        self._seconds = seconds
        self._show, self._clock = session.show, session.clock

    def wait_for(self, name: str, expected: Iterable[ExpectedImage], holds: Callable[[str], bool]) -> None:
        """Return once the application runs the expected images."""
        pause, seen = _FIRST_PAUSE, Verdict("waiting", "")
        while True:
            verdict, page = self._look(name, expected, holds)
            # Argo CD may still report the health of the pods from before: only what stays Degraded is.
            if verdict.state == "failed" or (verdict.state == seen.state == "degraded"):
                raise NotDeployed(f"Argo CD application {name} is not well: {verdict.reason}", f"see {page}")
            if verdict.state == "done":
                return
            if verdict != seen:
                self._show(f"waiting for Argo CD application {name}: {verdict.reason}")
            left = self._deadline - self._clock.monotonic()
            if left <= 0:
                raise NotDeployed(
                    f"Argo CD application {name} did not run it within {self._seconds:g} s: {verdict.reason}",
                    f"see {page}",
                )
            self._clock.sleep(min(pause, left))
            pause, seen = min(pause * 1.5, _MAX_PAUSE), verdict

    def _look(self, name: str, expected: Iterable[ExpectedImage], holds: Callable[[str], bool]) -> tuple[Verdict, str]:
        try:
            application = self._server.read(name)
        except NotAnswering as error:
            return Verdict("waiting", error.what), self._server.url
        return judge(application, expected, holds), application.page


def check_health(rollout: Rollout | None, environment: str, tip: str, session: Session) -> None:
    """Let only what Argo CD reports healthy in ``environment``, running what its values say, be promoted from there.

    ``tip`` is the target branch's newest commit, whose values those are.

    Raises:
        Refused: something is not healthy, or runs another tag; every such application is named.

    """
    rollout = _require(rollout, environment, "The health check (require_healthy in bumper.yaml, or --require-healthy)")
    server, holds = _server_of(rollout, session), _contains_commit(session.gitlab, tip)
    report_step(f"asking {server.url} (Argo CD)")
    expected = rollout.applications()
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(lambda name: _ask(server, name, expected, holds), expected)
        verdicts = dict(zip(expected, found, strict=True))
    ill = [f"{name} ({verdict.reason})" for name, verdict in verdicts.items() if verdict.state != "done"]
    if ill:
        more = f" and {len(ill) - _MAX_NAMED} more" if len(ill) > _MAX_NAMED else ""
        raise Refused(
            f"Argo CD does not report as healthy in {environment}, running what the values say: "
            f"{', '.join(ill[:_MAX_NAMED])}{more}",
            "wait, fix it, or leave it out by --app",
        )


def _ask(
    server: ArgoServer, name: str, expected: Mapping[str, Iterable[ExpectedImage]], holds: Callable[[str], bool]
) -> Verdict:
    try:
        return judge(server.read(name), expected[name], holds)
    except NoSuchApplication as missing:
        return Verdict("waiting", missing.what)


def _contains_commit(gitlab: GitLab | None, commit: str | None) -> Callable[[str], bool]:
    """A function that tells whether a revision is ``commit`` or was made on top of it, as only GitLab's API knows."""
    known: dict[str, bool] = {}

    def holds(revision: str) -> bool:
        if commit is None or revision == commit:
            return commit is not None
        if gitlab is None or _COMMIT.fullmatch(revision) is None:
            return False
        if revision not in known:
            try:
                known[revision] = contains(gitlab, revision, commit)
            except NotShown:  # another repository's
                known[revision] = False
            except Unavailable:  # GitLab is away for a moment; the next look asks again
                return False
        return known[revision]

    return holds
