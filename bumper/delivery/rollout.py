"""Which Argo CD deploys an environment, and the gate that lets only what is healthy there be promoted."""

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from bumper.argocd.server import ArgoServer, NoSuchApplication
from bumper.argocd.verdict import Expectation, ExpectedImage, Verdict, judge
from bumper.delivery.session import Session
from bumper.errors import Refused, Unavailable
from bumper.gitlab.commits import contains
from bumper.gitlab.connection import GitLab, NotShown
from bumper.planning.rollout import Rollout
from bumper.progress import report_step

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # a Helm chart's version is a revision, too
_THREADS = 8


def require_rollout(rollout: Rollout | None, environment: str, purpose: str) -> Rollout:
    """``rollout``, where bumper.yaml says which Argo CD deploys the environment.

    Raises:
        Refused: it does not.

    """
    if rollout is None:
        raise Refused(
            f"{purpose} asks Argo CD about {environment}, and bumper.yaml does not say which Argo CD that is",
            f"add argocd with server and application to environments.{environment}",
        )
    return rollout


def server_of(rollout: Rollout, session: Session) -> ArgoServer:
    """The Argo CD that deploys the environment."""
    return session.argocd(rollout.argocd.server, rollout.argocd.project)


def find_unhealthy(rollout: Rollout | None, environment: str, tip: str, session: Session) -> dict[str, str]:
    """The Argo CD applications that are not healthy in ``environment``, or run something else than its values say.

    Each with the reason. ``tip`` is the target branch's newest commit, whose values those are.

    Raises:
        Refused: bumper.yaml does not say which Argo CD that is.

    """
    rollout = require_rollout(
        rollout, environment, "The health check (require_healthy in bumper.yaml, or --require-healthy)"
    )
    server, holds = server_of(rollout, session), holds_commit(session.gitlab, tip)
    report_step(f"asking {server.url} (Argo CD)")
    expected = rollout.applications()
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(lambda name: _ask(server, name, expected, holds), expected)
        verdicts = dict(zip(expected, found, strict=True))
    return {name: verdict.reason for name, verdict in verdicts.items() if verdict.state != "done"}


def _ask(
    server: ArgoServer, name: str, expected: Mapping[str, Iterable[ExpectedImage]], holds: Callable[[str], bool]
) -> Verdict:
    try:
        return judge(server.read(name), Expectation(tuple(expected[name]), holds))
    except NoSuchApplication as missing:
        return Verdict("waiting", missing.what)


def holds_commit(gitlab: GitLab | None, commit: str | None) -> Callable[[str], bool]:
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
