"""A deployment that Argo CD reports sick is rolled back by the job that made it; and everything that forbids it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.argocd import ArgoCd, application
from tests.support.argocd_scenes import DEADLINE, Scene, Stage, failed_sync
from tests.support.clock import counting_clock
from tests.support.command_line import CommandLine, Ran
from tests.support.deployments import PROD, STAGING
from tests.support.gitops import APP, Gitops, GitopsMaker, values

FILE = PROD.format("app")
OLD, NEW = f"{APP}:1.0.0", f"{APP}:1.0.1"
HISTORY = ("history", "prod", "--output", "json")
WATCHED = ("--no-verify", "--wait-deployed", "20m", "--steady", "15m", "--rollback-on-failure")
SICK_AFTER_FOUR_MINUTES: Sequence[Scene] = [(2, "Progressing"), (40, "Healthy"), (240, "Degraded")]


def config(url: str, rules: str = "auto_merge: true", names: str = '"{app}-prod"') -> str:
    return (
        f"environments:\n  prod:\n    values: apps/{{app}}/envs/prod/values.yaml\n    {rules}\n"
        f"    argocd: {{server: '{url}', application: {names}}}\n"
    )


@pytest.fixture
def bumper(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The pauses between two looks at Argo CD pass at once."""
    return CommandLine(capsys, monkeypatch, counting_clock())


@dataclass(frozen=True)
class Night:
    """A GitOps repository whose prod runs 1.0.0, and an Argo CD that plays what becomes of the next versions."""

    gitops: Gitops
    argocd: ArgoCd
    bumper: CommandLine

    def plays(self, scenes: Sequence[Scene], *, before: str = "Healthy") -> Stage:
        stage = Stage(self.gitops, self.bumper.clock, FILE, {"1.0.1": scenes}, before=before)
        self.argocd.tell("app-prod", stage)
        return stage

    def bump(self, *options: str, code: int = 5) -> Ran:
        return self.bumper("bump", "prod", NEW, *WATCHED, "--output", "json", *options, code=code)

    def rollbacks(self) -> list[Any]:
        return [one for one in self.gitops.merge_requests("all") if one["source_branch"].startswith("bumper/rollback-")]

    @property
    def notes(self) -> list[str]:
        return self.gitops.comments(1)


@pytest.fixture
def night(make_gitops: GitopsMaker, argocd: ArgoCd, bumper: CommandLine) -> Night:
    return Night(make_gitops({FILE: values("1.0.0"), "bumper.yaml": config(argocd.url)}), argocd, bumper)


def test_what_degrades_after_four_minutes_is_rolled_back_with_a_hold(night: Night, tmp_path: Path) -> None:
    night.plays(SICK_AFTER_FOUR_MINUTES)

    ran = night.bump("--dotenv", str(tmp_path / "bumper.env"))

    assert night.gitops.read(FILE) == values(f"1.0.0 # bumper: hold Argo CD: Degraded: Deployment app: {DEADLINE}")
    bumped, rolled_back = ran.json, ran.json["rollback"]
    assert (bumped["status"], bumped["merge_request"]["iid"], bumped["error"]["code"]) == ("merged", 1, 5)
    assert (rolled_back["command"], rolled_back["status"], rolled_back["merge_request"]["iid"]) == (
        "rollback", "merged", 2,
    )  # fmt: skip
    assert rolled_back["changes"][0]["to"]["tag"] == "1.0.0"
    for url in (bumped["merge_request"]["url"], rolled_back["merge_request"]["url"]):
        assert url in ran.err
    assert "prod runs app 1.0.0 again, healthy and held" in ran.err
    assert "bumper unhold prod --app app" in ran.err
    dotenv = (tmp_path / "bumper.env").read_text()
    assert f"BUMPER_STATUS=merged\nBUMPER_MR_IID=1\nBUMPER_MR_URL={bumped['merge_request']['url']}\n" in dotenv
    assert f"BUMPER_ROLLBACK_IID=2\nBUMPER_ROLLBACK_URL={rolled_back['merge_request']['url']}\n" in dotenv


def test_what_stays_well_is_left_alone(night: Night) -> None:
    night.plays([(2, "Progressing"), (42, "Healthy"), (300, "Progressing"), (320, "Healthy")])

    ran = night.bump(code=0)

    assert ran.json["status"] == "merged"
    assert "rollback" not in ran.json
    assert night.rollbacks() == []
    assert "steady for 15 min" in ran.err
    assert any("steady for 15 min" in note and '"state":"well"' in note for note in night.notes)


@pytest.mark.parametrize("running", [OLD, NEW], ids=["before", "after"])
def test_a_failed_sync_is_rolled_back_with_the_hooks_words(night: Night, running: str) -> None:
    """Also where the hook comes after the sync: then the new pods run, and are healthy."""
    night.plays([])
    night.argocd.tell("app-prod", application(OLD), lambda: failed_sync(night.gitops, running))

    ran = night.bump("--wait-deployed", "60s")

    [rollback] = night.rollbacks()
    assert "Job app-migrate: Job has reached the specified backoff limit" in night.gitops.read(FILE)
    assert rollback["state"] == "merged"
    assert "its sync ended as Failed" in ran.err
    assert "(retried 5 times); rolling !1 back" in ran.err


@pytest.mark.parametrize(
    ("scenes", "code", "words"),
    [
        ([(2, "Progressing")], 5, "did not run it within 1200 s: Progressing"),
        ([(2, "Missing")], 5, "did not run it within 1200 s: Missing"),
        ([(2, "Unknown")], 5, "did not run it within 1200 s: Unknown"),
        ([(2, "Progressing"), (30, 502)], 4, "is not known"),
        ([(2, "Progressing"), (30, 401)], 4, "whether prod runs it is not known"),
        ([(2, "Healthy"), (60, 404)], 4, "has no application app-prod"),
        ([(2, "Healthy"), (60, 502)], 4, "is not known"),
        (
            [
                (2, "Healthy"),
                *(scene for at in range(60, 4000, 30) for scene in ((at, "Degraded"), (at + 5, "Healthy"))),
            ],
            5,
            "did not stay healthy for 15 min",
        ),
    ],
)
def test_without_degraded_nothing_is_rolled_back(night: Night, scenes: Sequence[Scene], code: int, words: str) -> None:
    night.plays(scenes)

    ran = night.bump(code=code)

    assert words in ran.err
    assert (ran.json["status"], ran.json["merge_request"]["state"]) == ("merged", "merged")
    assert night.rollbacks() == []
    assert night.gitops.read(FILE) == values("1.0.1")


def test_a_minute_without_an_answer_is_waited_out(night: Night) -> None:
    night.plays([(2, "Progressing"), (30, 502), (90, "Healthy"), (400, 502), (460, "Healthy")])

    assert night.bump(code=0).json["status"] == "merged"


def test_what_was_ill_before_the_merge_is_not_rolled_back(night: Night) -> None:
    night.plays([(2, "Degraded")], before="Degraded")

    ran = night.bump()

    assert "nothing was rolled back, because it was not healthy before this merge" in ran.err
    assert night.rollbacks() == []


def test_without_a_look_before_nobody_knows_that_it_was_well(night: Night) -> None:
    stage = night.plays([(0, "Degraded")])
    stage()
    night.argocd.tell("app-prod", *[503] * 8, lambda: application(NEW, health="Degraded"))

    night.bump()

    assert night.rollbacks() == []


def test_a_rollback_that_needs_a_person_stays_open(night: Night) -> None:
    night.gitops.push(config(night.argocd.url, "reviewers: [alice]"), "bumper.yaml")
    night.plays(SICK_AFTER_FOUR_MINUTES)

    ran = night.bump("--auto-merge")

    [rollback] = night.rollbacks()
    assert (rollback["state"], [one["username"] for one in rollback["reviewers"]]) == ("opened", ["alice"])
    assert ran.json["rollback"]["merge_request"]["state"] == "opened"
    assert "so prod still runs app 1.0.1; alice has to approve and merge it" in ran.err
    assert night.gitops.read(FILE) == values("1.0.1")


def test_pins_that_moved_on_are_left_alone(night: Night) -> None:
    def moved() -> None:
        night.gitops.push(values("1.0.2"), FILE)

    stage = night.plays(SICK_AFTER_FOUR_MINUTES)
    night.argocd.tell("app-prod", *[stage] * 3, _after(moved))

    ran = night.bump()

    assert f"nothing was rolled back, because {FILE}: image.tag has moved on: it is at 1.0.2, not at 1.0.1" in ran.err
    assert "--force" not in ran.err
    assert "by hand" not in ran.err
    assert night.rollbacks() == []
    assert night.gitops.read(FILE) == values("1.0.2")


def _after(act: Callable[[], None]) -> Callable[[], Any]:
    """The new version Degraded for good, once ``act`` was done."""
    done: list[bool] = []

    def answer() -> Any:  # noqa: ANN401 - JSON
        if not done:
            done.append(True)
            act()
        return application(NEW, health="Degraded")

    return answer


def test_several_applications_and_only_what_is_sick_goes_back(
    make_gitops: GitopsMaker, argocd: ArgoCd, bumper: CommandLine
) -> None:
    files = {PROD.format(app): values("1.0.0") for app in ("api", "web", "worker")}
    gitops = make_gitops({**files, "bumper.yaml": config(argocd.url)})
    plays: dict[str, Sequence[Scene]] = {"api": SICK_AFTER_FOUR_MINUTES, "web": [], "worker": [(2, "Degraded")]}
    for app, scenes in plays.items():
        before = "Degraded" if app == "worker" else "Healthy"
        argocd.tell(f"{app}-prod", Stage(gitops, bumper.clock, PROD.format(app), {"1.0.1": scenes}, before=before))

    ran = bumper("bump", "prod", NEW, *WATCHED, "--output", "json", code=5)

    assert "1.0.0 # bumper: hold" in gitops.read(PROD.format("api"))
    assert gitops.read(PROD.format("web")) == gitops.read(PROD.format("worker")) == values("1.0.1")
    assert [change["app"] for change in ran.json["rollback"]["changes"]] == ["api"]
    assert "worker-prod stays as it is, because it was not healthy before this merge" in ran.err
    assert "Argo CD application web-prod was Healthy when the watch ended, and stays" in ran.err


def test_one_argo_cd_application_of_several(make_gitops: GitopsMaker, argocd: ArgoCd, bumper: CommandLine) -> None:
    """Argo CD says only that the whole is sick: what goes back is what this request changed of it."""
    files = {PROD.format(app): values("1.0.0") for app in ("api", "web", "worker")}
    gitops = make_gitops({**files, "bumper.yaml": config(argocd.url, names="shop")})
    argocd.tell("shop", Stage(gitops, bumper.clock, PROD.format("api"), {"1.0.1": SICK_AFTER_FOUR_MINUTES}))

    ran = bumper("bump", "prod", NEW, "--app", "api", "--app", "web", *WATCHED, "--output", "json", code=5)

    assert [change["app"] for change in ran.json["rollback"]["changes"]] == ["api", "web"]
    assert gitops.read(PROD.format("worker")) == values("1.0.0")
    assert "prod runs api 1.0.0, web 1.0.0 again, healthy and held" in ran.err


@pytest.mark.parametrize(
    ("us", "before"), [((2, "Healthy"), "Healthy"), ((2, "Degraded"), "Degraded"), ((2, 502), "Healthy")]
)
def test_several_argo_cd_applications_of_one(night: Night, us: Scene, before: str) -> None:
    """They run the same values, so that none of them stays as it is."""
    night.gitops.push(config(night.argocd.url, names='["{app}-prod", "{app}-us"]'), "bumper.yaml")
    night.plays(SICK_AFTER_FOUR_MINUTES)
    stage = Stage(night.gitops, night.bumper.clock, FILE, {"1.0.1": [us]}, before=before)
    night.argocd.tell("app-us", stage)

    ran = night.bump()

    assert "1.0.0 # bumper: hold" in night.gitops.read(FILE)
    assert "stays" not in ran.err


def test_a_newer_merge_request_stands_against_it(night: Night) -> None:
    def newer() -> None:
        night.bumper("bump", "prod", f"{APP}:1.0.2", "--no-verify", "--no-auto-merge", code=0)

    stage = night.plays(SICK_AFTER_FOUR_MINUTES)
    night.argocd.tell("app-prod", *[stage] * 3, _after(newer))

    ran = night.bump()

    assert "!2 proposes another version already" in ran.err
    assert night.rollbacks() == []


def test_a_rollback_that_fails_is_tried_once(night: Night) -> None:
    """Here GitLab takes no new branch any more."""
    night.plays(SICK_AFTER_FOUR_MINUTES)
    stage = night.plays(SICK_AFTER_FOUR_MINUTES)
    night.argocd.tell("app-prod", *[stage] * 3, _after(lambda: night.gitops.sandbox.choose(maintenance=True)))

    ran = night.bump()

    assert "nothing was rolled back, because the rollback failed" in ran.err
    assert night.gitops.read(FILE) == values("1.0.1")


@pytest.mark.parametrize("status", [401, 404, 502])
def test_a_rollback_that_argo_cd_says_nothing_about_is_one(night: Night, status: int, tmp_path: Path) -> None:
    stage = night.plays(SICK_AFTER_FOUR_MINUTES)
    night.argocd.tell("app-prod", lambda: status if "hold" in night.gitops.read(FILE) else stage())

    ran = night.bump("--dotenv", str(tmp_path / "bumper.env"))

    assert "is rolled back by !2" in ran.err
    assert "app 1.0.0 was not seen healthy" in ran.err
    assert ran.json["rollback"]["status"] == "merged"
    assert "BUMPER_ROLLBACK_IID=2" in (tmp_path / "bumper.env").read_text()


def test_without_gitlab_the_failure_is_still_the_deployments(night: Night) -> None:
    stage = night.plays(SICK_AFTER_FOUR_MINUTES)
    night.argocd.tell("app-prod", *[stage] * 3, _after(night.gitops.sandbox.stop))

    ran = night.bump()

    assert "app-prod is not healthy: Degraded; nothing was rolled back, because the rollback failed" in ran.err


def test_a_rollback_that_somebody_closes_is_reported_closed(night: Night) -> None:
    stage, choose = night.plays(SICK_AFTER_FOUR_MINUTES), night.gitops.sandbox.choose
    needs_one = _after(lambda: choose(None, tier="premium", approvals_before_merge=1))
    night.argocd.tell("app-prod", *[stage] * 3, needs_one)

    def close_and_sleep(seconds: float) -> None:
        for rollback in night.rollbacks():
            night.gitops.close(rollback["iid"])
        night.bumper.clock.sleep(seconds)

    closing = replace(night.bumper, clock=replace(night.bumper.clock, sleep=close_and_sleep))
    ran = closing("bump", "prod", NEW, *WATCHED, "--output", "json", code=5)

    assert ran.json["rollback"]["merge_request"]["state"] == "closed"
    assert "`bumper rollback prod --mr 1 --reopen` proposes it again" in ran.err


def test_a_time_for_the_merge_is_not_taken_from_the_rollouts(night: Night) -> None:
    night.plays([(2, "Progressing"), (600, "Healthy")])

    def merge_late(seconds: float) -> None:
        if night.bumper.clock.monotonic() > 1500 and night.gitops.read(FILE) == values("1.0.0"):
            night.gitops.merge(1)
        night.bumper.clock.sleep(seconds)

    patient = replace(night.bumper, clock=replace(night.bumper.clock, sleep=merge_late))
    ran = patient("bump", "prod", NEW, *WATCHED, "--wait", "1h", "--no-auto-merge", code=0)

    assert "steady for 15 min" in ran.err


@pytest.mark.parametrize("tag", ["1.0.0", "1.0.2"])
def test_what_is_replaced_while_it_is_watched_is_not_what_runs(night: Night, tag: str) -> None:
    """Argo CD runs a commit that holds this one, and is healthy: with another version."""
    stage = night.plays([(2, "Healthy")])

    def replaced() -> Any:  # noqa: ANN401 - JSON
        if night.gitops.read(FILE) == values("1.0.1") and night.bumper.clock.monotonic() > 200:
            night.gitops.push(values(tag), FILE)
        shown = night.bumper.clock.monotonic() > 200
        return application(f"{APP}:{tag}", revision=night.gitops.tip()) if shown else stage()

    night.argocd.tell("app-prod", replaced)

    ran = night.bump()

    assert f"prod was changed while this was watched: {FILE}: image.tag is not at 1.0.1" in ran.err
    assert "replaced while it was watched" in night.bumper("history", "prod", code=0).out


def test_a_rollback_is_not_rolled_back(night: Night) -> None:
    night.plays([])
    night.bumper("bump", "prod", NEW, "--no-verify", "--wait", "1m", code=0)
    night.argocd.tell("app-prod", application(NEW), application(OLD, health="Degraded"))
    night.gitops.push(config(night.argocd.url, "auto_merge: true\n    rollback_on_failure: true"), "bumper.yaml")

    ran = night.bumper("rollback", "prod", "--no-verify", "--wait-deployed", "20m", code=5)

    assert "Argo CD application app-prod is not healthy: Degraded" in ran.err
    [rollback] = night.rollbacks()
    assert "the job rolls it back" not in rollback["description"]

    again = night.bumper("rollback", "prod", "--to", "1.0.0", "--no-verify", "--wait-deployed", "20m", code=5)
    assert "Argo CD application app-prod is not healthy: Degraded" in again.err  # a retried job watches, too


def test_a_newer_bump_closes_a_rollback_that_nobody_merged(night: Night) -> None:
    night.gitops.push(config(night.argocd.url, "reviewers: [alice]"), "bumper.yaml")
    night.plays(SICK_AFTER_FOUR_MINUTES)
    night.bump("--auto-merge")

    again = night.bumper("bump", "prod", NEW, "--no-verify", code=0)
    assert [one["state"] for one in night.rollbacks()] == ["opened"]
    assert "unchanged" in again.out

    night.bumper("bump", "prod", f"{APP}:1.0.2", "--no-verify", code=0)
    assert [one["state"] for one in night.rollbacks()] == ["closed"]


def test_bumper_yaml_says_it_once_for_all(night: Night) -> None:
    rules = "auto_merge: true\n    steady: 15m\n    rollback_on_failure: true"
    night.gitops.push(config(night.argocd.url, rules), "bumper.yaml")
    night.plays(SICK_AFTER_FOUR_MINUTES)

    night.bumper("bump", "prod", NEW, "--no-verify", "--wait-deployed", "20m", code=5)

    assert len(night.rollbacks()) == 1
    [bump] = [one for one in night.gitops.merge_requests("all") if one["iid"] == 1]
    assert "healthy within 20 min, and that it stays so for 15 min" in bump["description"]


def test_history_and_status_show_what_became_of_it(night: Night, tmp_path: Path) -> None:
    night.plays(SICK_AFTER_FOUR_MINUTES)
    night.bump()

    deployments = night.bumper("history", "prod", "--output", "json", code=0).json["deployments"]

    assert [one["outcome"]["state"] for one in deployments] == ["well", "sick"]
    assert DEADLINE in deployments[1]["outcome"]["reason"]
    text = night.bumper("history", "prod", code=0).out
    assert "healthy after" in text
    assert "not healthy" in text
    assert "unwatched" not in night.bumper("status", "--html", str(tmp_path / "status.html"), code=0).err
    assert '<span class="who">healthy after' in (tmp_path / "status.html").read_text()


def test_somebody_elses_note_says_nothing(night: Night) -> None:
    night.plays([])
    night.bump(code=0)
    night.gitops.api.post("/merge_requests/1/notes", body='<!-- bumper: watch {"state":"sick"} -->')

    [deployment] = night.bumper("history", "prod", "--output", "json", code=0).json["deployments"]

    assert deployment["outcome"]["state"] == "well"


def test_a_job_that_is_cancelled_leaves_a_word_and_the_next_one_watches_again(night: Night) -> None:
    def cancelled() -> Any:  # noqa: ANN401 - never returns
        raise KeyboardInterrupt

    stage = night.plays([])
    sleep = night.bumper.clock.sleep
    looks: list[float] = []

    def sleep_twice(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) > 3:
            cancelled()
        sleep(seconds)

    interrupted = replace(night.bumper, clock=replace(night.bumper.clock, sleep=sleep_twice))
    interrupted("bump", "prod", NEW, *WATCHED, code=130)
    assert stage() == stage()
    status = night.bumper("status", code=0)
    assert "the deployment of app 1.0.1 to prod by !1 was left unwatched" in status.err

    again = night.bump(code=0)

    assert "was left unwatched" in again.err
    assert "left unwatched" not in night.bumper("status", code=0).err


@pytest.mark.parametrize("option", [("--steady", "15m"), ("--rollback-on-failure",)])
def test_without_waiting_there_is_nothing_to_watch(night: Night, option: tuple[str, ...]) -> None:
    refused = night.bumper("bump", "prod", NEW, *option, code=2)

    assert f"{option[0]} is about what Argo CD reports; add --wait-deployed, such as 20m." in refused.err


def test_commits_straight_to_the_branch_are_not_rolled_back(night: Night) -> None:
    night.gitops.push(config(night.argocd.url, "delivery: commit"), "bumper.yaml")
    night.plays(SICK_AFTER_FOUR_MINUTES)

    assert "--rollback-on-failure undoes a merge request" in night.bump(code=1).err
    assert night.gitops.read(FILE) == values("1.0.0")


def test_a_rollback_that_needs_an_approval_names_who_has_to_act(night: Night) -> None:
    rules = "auto_merge: true\n    reviewers: [alice]"
    night.gitops.push(config(night.argocd.url, rules), "bumper.yaml")
    stage = night.plays(SICK_AFTER_FOUR_MINUTES)
    needs_one = _after(lambda: night.gitops.sandbox.choose(None, tier="premium", approvals_before_merge=1))
    night.argocd.tell("app-prod", *[stage] * 3, needs_one)

    ran = night.bump()

    [rollback] = night.rollbacks()
    assert (rollback["state"], ran.json["rollback"]["status"]) == ("opened", "proposed")
    assert "it waits for an approval" in ran.err
    assert "so prod still runs app 1.0.1; alice has to approve and merge it" in ran.err


def test_a_promotion_is_rolled_back_alike(make_gitops: GitopsMaker, argocd: ArgoCd, bumper: CommandLine) -> None:
    staging = "  staging:\n    values: apps/{app}/envs/staging/values.yaml\n"
    files = {FILE: values("1.0.0"), STAGING.format("app"): values("1.0.1"), "bumper.yaml": config(argocd.url) + staging}
    gitops = make_gitops(files)
    argocd.tell("app-prod", Stage(gitops, bumper.clock, FILE, {"1.0.1": SICK_AFTER_FOUR_MINUTES}))

    ran = bumper("promote", "staging", "prod", *WATCHED, "--output", "json", code=5)

    assert (ran.json["source"], ran.json["rollback"]["status"]) == ("staging", "merged")
    assert "1.0.0 # bumper: hold" in gitops.read(FILE)


def test_an_image_that_nothing_uses_is_not_waited_for(night: Night) -> None:
    unused = ("registry.example.com/team/other:1.0.0", "--no-verify", "--allow-missing", "--wait-deployed", "20m")

    assert night.bumper("bump", "prod", *unused, "--output", "json", code=0).json["status"] == "unchanged"


@pytest.mark.parametrize(
    "kind", [{"merge_method": "ff"}, {"squash_option": "always"}, {"merge_method": "rebase_merge"}], ids=str
)
def test_however_the_project_merges(night: Night, kind: dict[str, object]) -> None:
    night.gitops.sandbox.choose(night.gitops.project, **kind)
    night.plays(SICK_AFTER_FOUR_MINUTES)

    ran = night.bump()

    assert ran.json["rollback"]["status"] == "merged"
    assert "1.0.0 # bumper: hold" in night.gitops.read(FILE)
    outcomes = [one.get("outcome", {}).get("state") for one in night.bumper(*HISTORY, code=0).json["deployments"]]
    assert outcomes == ["well", "sick"]
