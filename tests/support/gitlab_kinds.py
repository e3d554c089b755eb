"""Kinds of GitLab, and how a request to deploy ends on each of them once everything in the background has run.

``ROWS`` is the product of the kinds, the ways of delivery and what is asked for. A row is one test: prepare the server
for its kind, run bumper, let the server run its jobs, and compare ``state_of`` and bumper's report with ``expected``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal

from tests.support.gitops import AT_ONCE, Gitops

Way = Literal["api", "job token", "deploy key", "commit"]
Asked = Literal["nothing", "wait", "auto-merge", "auto-merge and wait"]
State = Literal["opened", "auto-merge set", "merged", "committed", "refused"]

CI_FILE: Mapping[str, bytes] = {".gitlab-ci.yml": b"test: {script: ['true']}\n"}
_WAYS: tuple[Way, ...] = ("api", "job token", "deploy key", "commit")
_ASKED: tuple[Asked, ...] = ("nothing", "wait", "auto-merge", "auto-merge and wait")
# What every kind has unless it says otherwise: a project in which bumper was set up by somebody who read its docs.
_BASE: dict[str, object] = {"merge_access": "developers", "ci_push_repository_for_job_token_allowed": True}
_CI: dict[str, object] = {"pipeline_delay": 2, "pipeline_duration": 20}


class FakeClock:
    """A clock for the server and for whoever waits for it: it moves on only where somebody sleeps by it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class Kind:
    """A GitLab and a project on it; the states are those after a request for auto-merge, by the way of delivery.

    ``reason`` is a text that bumper's output holds wherever nothing was merged though auto-merge was asked for.
    """

    name: str
    api: State
    job_token: State
    deploy_key: State
    chosen: Mapping[str, object] = field(default_factory=dict)
    reason: str = ""
    has_ci: bool = False
    moved: bool = False

    @property
    def settings(self) -> dict[str, object]:
        """For ``Sandbox`` or its ``choose``."""
        return AT_ONCE | _BASE | (_CI if self.has_ci else {}) | dict(self.chosen)

    @property
    def files(self) -> Mapping[str, bytes]:
        """What the repository holds besides its values."""
        return CI_FILE if self.has_ci else {}

    def prepare(self, gitops: Gitops) -> Gitops:
        """Make the server and the project one of this kind; the project as it is called then."""
        gitops.sandbox.choose(**self.settings)
        if not self.moved:
            return gitops
        gitops.sandbox.move_project(gitops.project, f"moved/{gitops.project}")
        return replace(gitops, project=f"moved/{gitops.project}")


@dataclass(frozen=True)
class Row:
    """A request on one kind of GitLab."""

    kind: Kind
    way: Way
    asked: Asked

    @property
    def id(self) -> str:
        """For pytest."""
        return f"{self.kind.name}, by {self.way}, {self.asked}"

    @property
    def expected(self) -> State:
        """The server's state once its jobs have run; without auto-merge nothing merges, whatever was waited for."""
        states: dict[Way, State] = {
            "api": self.kind.api,
            "job token": self.kind.job_token,
            "deploy key": self.kind.deploy_key,
            "commit": self._after_commit,
        }
        wanted = states[self.way]
        unmerged = self.asked in {"nothing", "wait"} and wanted not in {"refused", "committed"}
        return "opened" if unmerged else wanted

    @property
    def _after_commit(self) -> State:
        may = self.kind.settings.get("push_access") == "developers"
        return "refused" if self.kind.api == "refused" or not may else "committed"


def state_of(gitops: Gitops, base: str) -> State:
    """What has come of a request that was made when ``base`` was the tip of main; all jobs are run first."""
    gitops.sandbox.run_jobs()
    found = gitops.merge_requests("all")
    if not found:
        return "refused" if gitops.tip() == base else "committed"
    newest = found[0]
    if newest["state"] == "opened":
        return "auto-merge set" if newest["merge_when_pipeline_succeeds"] else "opened"
    return "merged" if newest["state"] == "merged" else "refused"


_SET: State = "auto-merge set"
_NO_JOB_TOKENS = {"ci_push_repository_for_job_token_allowed": False}
_DEMANDED = {"only_allow_merge_if_pipeline_succeeds": True}
KINDS = (
    # Without a pipeline nothing ever looks again at what was set to merge by a push option.
    Kind("without CI", "merged", _SET, _SET),
    Kind("with the flag of 2026", "merged", _SET, _SET, {"auto_merge_without_pipeline": True}),
    Kind("GitLab 16.0", "merged", _SET, _SET, {"gitlab_version": "16.0.8"}),
    Kind("GitLab 17.6", "merged", _SET, _SET, {"gitlab_version": "17.6.5"}),
    Kind("GitLab 19.1", "merged", _SET, _SET, {"gitlab_version": "19.1.0"}),
    # A job token's push starts no pipeline.
    Kind("with CI", "merged", _SET, "merged", has_ci=True),
    Kind("with CI that must succeed", "merged", _SET, "merged", _DEMANDED, has_ci=True),
    Kind("with late pipelines", "merged", _SET, "merged", {"pipeline_delay": 20}, has_ci=True),
    Kind("with CI that never ends", _SET, _SET, _SET, {"pipelines": "running"}, "pipeline", has_ci=True),
    Kind("with CI that fails", _SET, _SET, _SET, {"pipelines": "failed"}, "pipeline", has_ci=True),
    Kind("with CI that fails its duty", _SET, _SET, _SET, _DEMANDED | {"pipelines": "failed"}, "ci_", has_ci=True),
    Kind("without the CI that must succeed", _SET, _SET, _SET, _DEMANDED, "ci_must_pass"),
    # An option that GitLab may not obey is ignored in silence.
    Kind("that Maintainers merge", "opened", "opened", "opened", {"merge_access": "maintainers"}, "Maintainer"),
    Kind("that nobody merges", "opened", "opened", "opened", {"merge_access": "nobody"}, "may not merge"),
    Kind("with an approval missing", _SET, _SET, _SET, {"approvals_before_merge": 1}, "not_approved"),
    Kind("that always squashes", "merged", _SET, _SET, {"squash_option": "always"}),
    Kind("that never squashes", "merged", _SET, _SET, {"squash_option": "never"}),
    Kind("that squashes by default", "merged", _SET, _SET, {"squash_option": "default_on"}),
    Kind("with fast-forward merges", "merged", _SET, _SET, {"merge_method": "ff"}),
    Kind("with semi-linear history", "merged", _SET, _SET, {"merge_method": "rebase_merge"}),
    Kind("with automatic rebase", "merged", _SET, _SET, {"merge_method": "ff", "automatic_rebase": True}),
    Kind("with merge trains", "merged", _SET, "merged", {"merge_trains_enabled": True, "tier": "premium"}, has_ci=True),
    Kind("with slow jobs", "merged", _SET, _SET, {"mergeability_delay": 5, "head_delay": 20, "rebase_delay": 5}),
    Kind("open to Developers' pushes", "merged", _SET, _SET, {"push_access": "developers"}),
    # A push follows the old path, and whoever has no API token cannot know that the project was moved.
    Kind("that was moved", "refused", _SET, _SET, reason="moved/", moved=True),
    Kind("that job tokens cannot push to", "merged", "refused", _SET, _NO_JOB_TOKENS),
    Kind("in maintenance", "refused", "refused", "refused", {"maintenance": True}, "read-only"),
    Kind("on the move to another disk", "refused", "refused", "refused", {"repository_read_only": True}, "read-only"),
    Kind("that is archived", "refused", "refused", "refused", {"archived": True}, "archived"),
)
ROWS = tuple(Row(kind, way, asked) for kind, way, asked in product(KINDS, _WAYS, _ASKED))
