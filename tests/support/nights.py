"""Random nights: whatever Argo CD plays, a rollback is opened by the rule, once, and of nothing else."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from bumper.argocd.verdict import State
from tests.support.argocd import Answer, ArgoCd
from tests.support.argocd_scenes import Scene, Stage
from tests.support.clock import counting_clock
from tests.support.deployments import PROD
from tests.support.gitops import APP, Gitops, values
from tests.support.inside import run_inside
from tests.support.rollback_rule import Seen, is_rolled_back

APPS = ("api", "web", "worker")
SHOWN = ("Progressing", "Healthy", "Healthy", "Degraded", "Degraded", "Missing", "Unknown", 502)
STATES: dict[str, State] = {"Healthy": "done", "Degraded": "degraded"}
BEFORE: dict[str, State] = {"Healthy": "well-before", "Degraded": "ill-before"}


def files_of_a_night(argocd: str) -> dict[str, bytes]:
    """A repository whose applications all run 1.0.0; ``argocd`` is the address of Argo CD."""
    config = (
        "environments:\n  prod:\n    values: apps/{app}/envs/prod/values.yaml\n    auto_merge: true\n"
        f"    argocd: {{server: '{argocd}', application: '{{app}}-prod'}}\n"
    )
    return {**{PROD.format(app): values("1.0.0").encode() for app in APPS}, "bumper.yaml": config.encode()}


@dataclass
class Watched:
    """A stage that remembers what it showed, until its application goes back."""

    stage: Stage
    gitops: Gitops
    seen: list[Seen] = field(default_factory=list)

    def __call__(self) -> Answer | int:
        answer = self.stage()
        if "hold" not in self.gitops.read(self.stage.file):
            self.seen.append((self.stage.clock.monotonic(), self._state(answer)))
        return answer

    def _state(self, answer: Answer | int) -> State:
        if isinstance(answer, int):
            return "silent"
        health, [image] = answer["status"]["health"]["status"], answer["status"]["summary"]["images"]
        return (STATES if image.endswith(":1.0.1") else BEFORE).get(health, "waiting")


def play_night(gitops: Gitops, argocd: ArgoCd, seed: int, environ: Mapping[str, str]) -> None:
    """Bump all applications, and compare what is rolled back with the rule."""
    chance, clock = random.Random(f"night {seed}"), counting_clock()  # noqa: S311 - no secret
    watched = {}
    for app in APPS:
        stage = Stage(
            gitops, clock, PROD.format(app), {"1.0.1": _scenes(chance)},
            before=chance.choice(("Healthy", "Healthy", "Healthy", "Degraded")),
        )  # fmt: skip
        watched[app] = Watched(stage, gitops)
        argocd.tell(f"{app}-prod", watched[app])

    options = ("--no-verify", "--wait-deployed", "20m", "--steady", "10m", "--rollback-on-failure")
    ran = run_inside("bump", "prod", f"{APP}:1.0.1", *options, environ=environ, clock=clock)

    expected = {app for app, one in watched.items() if is_rolled_back(one.seen)}
    back = {app for app in APPS if "1.0.0 # bumper: hold" in gitops.read(PROD.format(app))}
    opened = [one for one in gitops.merge_requests("all") if one["source_branch"].startswith("bumper/rollback-")]
    assert (back, len(opened)) == (expected, 1 if expected else 0), ran.err
    assert ran.code in ((5,) if expected else (0, 4, 5)), ran
    assert all(gitops.read(PROD.format(app)) == values("1.0.1") for app in set(APPS) - back)


def _scenes(chance: random.Random) -> list[Scene]:
    at = 2.0
    scenes: list[Scene] = []
    for _ in range(chance.randrange(1, 9)):
        scenes.append((at, chance.choice(SHOWN)))
        at += chance.choice((5.0, 30.0, 90.0, 300.0))
    return scenes
