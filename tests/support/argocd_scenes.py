"""Argo CD over time: what it says of an application from the moment on at which a commit changes its tag.

The scenes are by the clock that bumper waits by, so that a test of half an hour takes a moment. How Argo CD shows each
of them was read in its sources (gitops-engine's health of resources, the controller's states of operations).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bumper.clock import Clock
from tests.support.argocd import Answer, application
from tests.support.gitops import APP, Gitops

Scene: TypeAlias = tuple[float, "Answer | int | str"]  # seconds since the commit; an answer, an HTTP status, a health
_NOTICED_AFTER = 2.0  # seconds until Argo CD has looked at the repository and synced
DEADLINE = 'Deployment "app" exceeded its progress deadline'


@dataclass
class Stage:
    """One application in an environment: the version that runs, and what becomes of each tag; by default it is well."""

    gitops: Gitops
    clock: Clock
    file: str
    plays: Mapping[str, Sequence[Scene]]
    image: str = APP
    before: str = "Healthy"  # the health of what runs at first
    _running: str = field(default="", init=False)
    _runs_before: str = field(default="", init=False)
    _since: float = field(default=0.0, init=False)

    def __call__(self) -> Answer | int:
        tag, now = self._tag(), self.clock.monotonic()
        if not self._running:
            self._running = self._runs_before = tag
        elif tag != self._running:
            self._running, self._runs_before, self._since = tag, self._running, now
        passed = now - self._since
        first = self._running == self._runs_before
        if first or passed < _NOTICED_AFTER:
            health = self.before if first else self._health_of(self._runs_before)
            old = f"{self.image}:{self._runs_before}"
            return application(old, revision="0" * 40, health=health, sync="Synced" if first else "OutOfSync")
        scenes = [scene for since, scene in self.plays.get(tag, ()) if since <= passed] or ["Healthy"]
        return self._shown(scenes[-1], tag)

    def _health_of(self, tag: str) -> str:
        last = [*self.plays.get(tag, ()), (0.0, self.before)][0 if self.plays.get(tag) else -1][1]
        return last if isinstance(last, str) else self.before

    def _shown(self, scene: Answer | int | str, tag: str) -> Answer | int:
        if not isinstance(scene, str):
            return scene
        more: dict[str, Any] = {}
        if scene == "Degraded":
            resource = {"kind": "Deployment", "name": "app", "health": {"status": "Degraded", "message": DEADLINE}}
            more = {"resources": [resource]}
        return application(f"{self.image}:{tag}", revision=self.gitops.tip(), health=scene, **more)

    def _tag(self) -> str:
        lines = self.gitops.read(self.file).splitlines()
        return next(line for line in lines if "tag:" in line).partition("tag: ")[2].partition(" #")[0].strip("'\"")


def failed_sync(gitops: Gitops, old: str) -> Answer:
    """A sync whose PreSync hook failed, after Argo CD's five retries: nothing of the new version runs."""
    hook = {
        "kind": "Job", "name": "app-migrate", "hookType": "PreSync", "hookPhase": "Failed",
        "message": "Job has reached the specified backoff limit",
    }  # fmt: skip
    answer = application(
        old, sync="OutOfSync", phase="Failed", revision=gitops.tip(), operation=gitops.tip(),
        said="one or more synchronization tasks completed unsuccessfully (retried 5 times).",
    )  # fmt: skip
    status: dict[str, Any] = dict(answer["status"])
    state = dict(status["operationState"])
    state["syncResult"] = {**state["syncResult"], "resources": [hook]}
    return {**answer, "status": {**status, "operationState": state}}
