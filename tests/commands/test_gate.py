"""Promotion that waits for the right moment: soak, freeze, --when-ready, --as-of and --urgent."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bumper.clock import Clock
from tests.support.command_line import CommandLine
from tests.support.deployments import PROD, STAGING, Deployments, moves, two_environments
from tests.support.gitops import APP, GitopsMaker, values
from tests.support.line import Written, write_line

EVER = "{from: Mon 00:00, to: Sun 23:59, timezone: UTC}, {from: Sun 00:00, to: Tue 00:00, timezone: UTC}"


def rules(prod: str, **others: str) -> dict[str, str | bytes]:
    """bumper.yaml with prod's rules, one a line."""
    lines = [
        "environments:",
        f"  staging: {{values: '{STAGING.format('{app}')}'}}",
        *(f"  {name}: {{values: 'apps/{{app}}/envs/{name}/values.yaml', {text}}}" for name, text in others.items()),
        "  prod:",
        f"    values: {PROD.format('{app}')}",
        *(f"    {line}" for line in prod.splitlines()),
    ]
    return {"bumper.yaml": "\n".join(lines) + "\n"}


@dataclass(frozen=True)
class Gate:
    """A repository, and bumper as it runs some time later than now."""

    make_gitops: GitopsMaker
    bumper: CommandLine

    def __call__(self, files: dict[str, str | bytes]) -> Deployments:
        return Deployments(self.make_gitops(files), self.bumper)


@pytest.fixture
def gate(make_gitops: GitopsMaker, bumper: CommandLine) -> Gate:
    return Gate(make_gitops, bumper)


def since_an_hour() -> dict[str, str]:
    """When a freeze of GitLab's begins, in UTC."""
    began = datetime.now(UTC) - timedelta(hours=1)
    return {"freeze_start": f"{began.minute} {began.hour} {began.day} {began.month} *"}


def promoted_by_itself(gate: Gate, rule: str) -> tuple[Deployments, Any]:
    """An environment with this rule, and the merge request to it that GitLab merges when its pipeline has passed."""
    made = gate(
        rules(f"{rule}\nauto_merge: true")
        | two_environments("1.0.1", "1.0.0")
        | {".gitlab-ci.yml": "test: {script: [true]}\n"}
    )
    made.gitops.sandbox.choose(made.gitops.project, pipelines="running")
    opened = made.run("promote", "staging", "prod")["merge_request"]
    assert opened["auto_merge"]
    return made, opened


def later(made: Deployments, **passed: float) -> Deployments:
    """The same, for a bumper that runs when so much time has passed."""
    clock = Clock(now=lambda: datetime.now(UTC) + timedelta(**passed))
    return replace(made, bumper=replace(made.bumper, clock=clock))


def soaking(gate: Gate, soak: str = "2h", *apps: str) -> Deployments:
    """Staging got everything at first; prod takes what has been there for so long."""
    made = gate(rules(f"soak: {soak}\npromote_from: [staging]") | two_environments("1.0.0", "1.0.0", *apps))
    old = datetime.now(UTC) - timedelta(days=2)
    write_line(made.gitops, [Written(old, {"README": "old\n"})])
    return made


def test_what_has_not_soaked_is_refused_with_its_time(gate: Gate) -> None:
    made = soaking(gate, "2h", "app", "other")
    made.merged("bump", "staging", f"{APP}:1.0.1", "--app", "app")
    made.tag(STAGING.format("other"), "1.0.2")

    message = made.refused("promote", "staging", "prod")
    soon = later(made, hours=1, minutes=58).refused("promote", "staging", "prod", "--app", "app")
    done = later(made, hours=2, minutes=1).run("promote", "staging", "prod")

    assert "app 1.0.1 has been in staging since " in message
    assert "other 1.0.2 has been in staging since " in message
    assert " UTC, but prod asks for 2 h (soak); wait until " in message
    assert soon.endswith("UTC, or add --urgent REASON.")
    assert (done["status"], len(done["changes"])) == ("proposed", 2)


def test_what_a_base_holds_is_held_and_asked_about_nothing(gate: Gate) -> None:
    held = values("1.0.0").replace("tag: 1.0.0", "tag: 1.0.0 # bumper: hold OPS-7")
    files = rules(f"soak: 2h\nfreeze: [{EVER}]\nbase: 'apps/{{app}}/values.yaml'") | {"apps/app/values.yaml": held}
    made = gate(files | two_environments("1.0.1", "1.0.0"))

    done = made.run("promote", "staging", "prod")

    assert (done["status"], done["held"][0]["reason"]) == ("held", "OPS-7 (held in apps/app/values.yaml:3)")


def test_when_ready_promotes_what_is_ready_and_lists_the_rest(gate: Gate) -> None:
    made = soaking(gate, "1d", "app", "other")
    day_ago = datetime.now(UTC) - timedelta(hours=25)
    write_line(made.gitops, [Written(day_ago, {STAGING.format("app"): values("1.0.1")})])
    made.tag(STAGING.format("other"), "1.0.2")

    first = made.run("promote", "staging", "prod", "--when-ready")
    again = made.run("promote", "staging", "prod", "--when-ready")

    assert moves(first) == [("app", "1.0.0", "1.0.1")]
    [waiting] = first["waiting"]
    assert waiting["app"] == "other"
    assert "other 1.0.2 has been in staging since " in waiting["reason"]
    until = datetime.fromisoformat(waiting["until"]) - datetime.now(UTC)
    assert timedelta(hours=23) < until <= timedelta(days=1)
    assert (again["merge_request"]["action"], again["commit"]) == ("unchanged", first["commit"])
    assert again["waiting"] == first["waiting"]


def test_nothing_is_ready(gate: Gate, tmp_path: Path) -> None:
    made = soaking(gate)
    made.tag(STAGING.format("app"), "1.0.1")
    dotenv = tmp_path / "deploy.env"

    result = made.run("promote", "staging", "prod", "--when-ready", "--dotenv", str(dotenv))
    text = made.bumper("promote", "staging", "prod", "--when-ready", "--no-verify", code=0)
    same = later(made, hours=3).run("promote", "staging", "prod", "--when-ready", "--dry-run")

    assert (result["status"], result["merge_request"], result["commit"]) == ("waiting", None, None)
    assert [one["app"] for one in result["waiting"]] == ["app"]
    assert made.gitops.merge_requests() == []
    assert "BUMPER_STATUS=waiting\n" in dotenv.read_text()
    assert "BUMPER_COMMIT" not in dotenv.read_text()
    assert "waiting: app: app 1.0.1 has been in staging since " in text.out
    assert (same["status"], same["waiting"]) == ("dry-run", [])


def test_a_rollback_in_between_starts_it_anew(gate: Gate) -> None:
    made = soaking(gate)
    ago = datetime.now(UTC)
    line = [(5, "1.0.1"), (1, "1.0.0"), (0.5, "1.0.1")]
    write_line(
        made.gitops,
        [Written(ago - timedelta(hours=hours), {STAGING.format("app"): values(tag)}) for hours, tag in line],
    )

    assert "app 1.0.1 has been in staging since " in made.refused("promote", "staging", "prod")


def test_a_merge_request_counts_from_its_merge(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fast-forward brings a commit that was made days before."""
    made = soaking(gate)
    made.gitops.api.put("", merge_method="ff")
    clone = made.gitops.person()
    monkeypatch.setenv("GIT_COMMITTER_DATE", (datetime.now(UTC) - timedelta(days=1)).isoformat())
    clone.commit(values("1.0.1"), STAGING.format("app"), "By hand")
    clone.commit("more\n", "NOTES", "And another")
    monkeypatch.delenv("GIT_COMMITTER_DATE")
    clone.git("push", "--quiet", "origin", "HEAD:by-hand")
    opened = made.gitops.api.post("/merge_requests", source_branch="by-hand", target_branch="main", title="By hand")
    made.gitops.merge(opened["iid"])

    message = later(made, hours=1).refused("promote", "staging", "prod")

    assert "app 1.0.1 has been in staging since " in message
    assert later(made, hours=3).run("promote", "staging", "prod")["status"] == "proposed"


@pytest.mark.parametrize(
    "commands",
    [
        [("bump", "prod", f"{APP}:1.0.1"), ("promote", "staging", "prod")],
    ],
)
def test_in_a_freeze_nothing_is_bumped_or_promoted(gate: Gate, commands: list[tuple[str, ...]]) -> None:
    made = gate(rules(f"freeze: [{EVER}]") | two_environments("1.0.2", "1.0.1"))
    made.tag(PROD.format("app"), "1.0.2")
    made.tag(PROD.format("app"), "1.0.0")

    for command in commands:
        assert made.refused(*command).startswith("prod is frozen (freeze in bumper.yaml); run this again")
    waits = made.run("promote", "staging", "prod", "--when-ready")
    assert (waits["status"], waits["waiting"][0]["until"]) == ("waiting", None)
    assert made.run("rollback", "prod", "--steps", "1")["status"] == "proposed"
    assert f"{APP}:9 never ran there; run `bumper bump prod {APP}:9 --urgent" in made.refused(
        "rollback", "prod", "--to", "9"
    )
    assert made.run("hold", "prod", "--app", "app")["status"] == "proposed"
    assert made.run("bump", "prod", f"{APP}:1.0.0")["status"] == "unchanged"
    assert made.run("bump", "staging", f"{APP}:1.0.3")["status"] == "proposed"


def test_gitlabs_own_freeze_says_until_when(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    made = gate(rules("freeze: gitlab") | two_environments("1.0.1", "1.0.0"))
    assert made.run("promote", "staging", "prod", "--dry-run")["status"] == "dry-run"
    hour = (datetime.now(UTC) + timedelta(hours=2)).replace(minute=0)
    made.gitops.api.post(
        "/freeze_periods", **since_an_hour(), freeze_end=f"0 {hour.hour} * * *", cron_timezone="Monrovia"
    )

    assert made.refused("promote", "staging", "prod").startswith(f"prod is frozen until {hour:%Y-%m-%d %H:%M} UTC ")
    waiting = made.run("promote", "staging", "prod", "--when-ready")["waiting"]
    assert waiting == [
        {
            "app": "app",
            "reason": f"prod is frozen until {hour:%Y-%m-%d %H:%M} UTC (freeze in bumper.yaml)",
            "until": f"{hour:%Y-%m-%dT%H:%M:00Z}",
        }
    ]
    monkeypatch.setenv("CI_JOB_TOKEN", made.gitops.sandbox.create_token("job", kind="job", project="team/gitops"))
    monkeypatch.delenv("BUMPER_TOKEN")
    monkeypatch.setenv("CI_DEPLOY_FREEZE", "true")
    assert "whether prod is frozen is not known (freeze: gitlab in bumper.yaml)" in made.refused(
        "bump", "prod", f"{APP}:1.0.1"
    )


def test_a_merge_request_that_was_opened_before_a_freeze_says_so_once(gate: Gate) -> None:
    made, opened = promoted_by_itself(gate, "freeze: gitlab")
    made.gitops.api.post("/freeze_periods", **since_an_hour(), freeze_end="0 0 1 1 *")

    for _ in range(2):
        assert made.run("promote", "staging", "prod", "--when-ready")["status"] == "waiting"

    assert not made.gitops.api.get(f"/merge_requests/{opened['iid']}")["merge_when_pipeline_succeeds"]
    [comment] = made.gitops.comments(opened["iid"])
    assert comment.startswith("prod is frozen until ")


def test_what_may_no_longer_be_promoted_is_not_merged_by_itself(gate: Gate) -> None:
    """Staging holds the version by now. GitLab merges again by itself once that is over."""
    made, opened = promoted_by_itself(gate, "promote_from: [staging]")
    made.commit({STAGING.format("app"): values("1.0.1 # bumper: hold flaky")})

    for _ in range(2):
        assert made.run("promote", "staging", "prod", "--when-ready")["status"] == "waiting"
    assert not made.gitops.api.get(f"/merge_requests/{opened['iid']}")["merge_when_pipeline_succeeds"]
    [comment] = made.gitops.comments(opened["iid"])
    assert "app is held in staging: flaky. bumper has taken auto-merge off." in comment

    made.commit({STAGING.format("app"): values("1.0.1")})
    again = made.run("promote", "staging", "prod", "--when-ready")["merge_request"]
    assert (again["iid"], again["action"], again["auto_merge"]) == (opened["iid"], "unchanged", True)


def test_urgent_passes_and_is_recorded(gate: Gate) -> None:
    made = gate(rules(f"freeze: [{EVER}]\nsoak: 2h\npromote_from: [staging]") | two_environments("1.0.1", "1.0.0"))

    refused = made.refused("promote", "staging", "prod", "--urgent", " ", code=2)
    result = made.run("promote", "staging", "prod", "--urgent", "payments are down\nfor all")
    listed = made.run("status")["merge_requests"]
    shown = made.bumper("status", code=0).out
    iid = result["merge_request"]["iid"]
    made.gitops.merge(iid)

    assert "a reason is needed" in refused
    assert "Bumper-Urgent: payments are down for all\n" in made.gitops.git("log", "-1", "--format=%B", result["commit"])
    assert "**Urgent**, past soak and freeze: `payments are down for all`" in json.dumps(
        made.gitops.api.get(f"/merge_requests/{iid}")["description"]
    )
    assert [one["urgent"] for one in listed] == ["payments are down for all"]
    assert "urgent: payments are down for all" in shown
    assert [one["urgent"] for one in made.run("history", "prod")["deployments"]] == ["payments are down for all"]
    assert "urgent: payments are down for all" in made.bumper("history", "prod", code=0).out


def test_urgent_passes_no_other_rule(gate: Gate) -> None:
    made = gate(
        rules(f"freeze: [{EVER}]\ntags: '1\\..*'\npromote_from: [staging]", test="auto_merge: false")
        | two_environments("2.0.1", "1.0.0")
        | {"apps/app/envs/test/values.yaml": values("1.0.1")}
    )

    assert "does not match" in made.refused("promote", "staging", "prod", "--urgent", "now")
    assert "promote_from" in made.refused("promote", "test", "prod", "--urgent", "now")


def test_a_merge_request_becomes_urgent(gate: Gate) -> None:
    made = gate(rules("freeze: gitlab") | two_environments("1.0.1", "1.0.0"))
    opened = made.run("promote", "staging", "prod")
    made.gitops.api.post("/freeze_periods", **since_an_hour(), freeze_end="0 0 1 1 *")

    urgent = made.run("promote", "staging", "prod", "--urgent", "now")
    again = made.run("promote", "staging", "prod", "--urgent", "now")

    assert urgent["merge_request"]["iid"] == opened["merge_request"]["iid"]
    assert (urgent["merge_request"]["action"], again["merge_request"]["action"]) == ("updated", "unchanged")
    assert "Bumper-Urgent: now" in made.gitops.git("log", "-1", "--format=%B", urgent["commit"])


def test_waves_over_regions(gate: Gate) -> None:
    made = gate(
        rules("promote_from: [prod-eu]\nsoak: 1h", **{"prod-eu": "promote_from: [staging]"})
        | two_environments("1.0.1", "1.0.0")
        | {"apps/app/envs/prod-eu/values.yaml": values("1.0.0")}
    )

    assert "not from staging" in made.refused("promote", "staging", "prod", "--when-ready")
    made.merged("promote", "staging", "prod-eu", "--when-ready")
    waits = made.run("promote", "prod-eu", "prod", "--when-ready")
    done = later(made, minutes=61).run("promote", "prod-eu", "prod", "--when-ready")

    assert waits["status"] == "waiting"
    assert moves(done) == [("app", "1.0.0", "1.0.1")]


def test_status_shows_what_waits_and_why(gate: Gate, tmp_path: Path) -> None:
    made = soaking(gate, "2h", "app", "other")
    made.tag(STAGING.format("app"), "1.0.1")
    made.commit({STAGING.format("other"): values("1.0.2 # bumper: hold flaky")})
    page = tmp_path / "status.html"

    out = made.bumper("status", "--html", str(page), code=0).out
    ready = later(made, hours=3).bumper("status", code=0).out

    assert "waiting for prod: app: app 1.0.1 has been in staging since " in out
    assert f"waiting for prod: other: {APP}:1.0.2 of other is held in staging: flaky\n" in out
    assert "2 not yet for prod" in page.read_text()
    assert "waiting for prod: app" not in ready


def test_status_shows_a_freeze_where_nothing_says_what_is_promoted(gate: Gate) -> None:
    made = gate(rules(f"freeze: [{EVER}]") | two_environments("1.0.1", "1.0.0"))

    assert "waiting for prod: app: prod is frozen (freeze in bumper.yaml)\n" in made.bumper("status", code=0).out


def test_doctor_asks_the_same_rules(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    made = gate(rules("freeze: gitlab\nsoak: 2h\npromote_from: [staging]") | two_environments())
    made.gitops.api.post("/freeze_periods", **since_an_hour(), freeze_end="0 0 1 1 *")

    checks = {one["name"]: one for one in made.bumper("doctor", "--no-verify", "--output", "json").json["checks"]}
    monkeypatch.setenv(
        "BUMPER_TOKEN", made.gitops.sandbox.create_token("reader", role="reporter", project="team/gitops")
    )
    reader = made.bumper("doctor", "--no-verify", "--output", "json").json["checks"]

    assert "one of GitLab's periods can be read; frozen now, until " in checks["freeze of prod"]["found"]
    assert checks["soak of prod"]["ok"]
    assert any(one["name"] == "freeze of prod" and one["ok"] for one in reader)


@pytest.fixture
def tested(gate: Gate) -> tuple[Deployments, str]:
    """Staging has moved on since the commit that was tested."""
    made = gate(rules("promote_from: [staging]") | two_environments("1.0.0", "1.0.0", "app", "other"))
    made.tag(STAGING.format("app"), "1.0.1")
    commit = made.tag(STAGING.format("other"), "1.0.2")
    made.tag(STAGING.format("app"), "1.0.9")
    return made, commit


def test_as_of_a_commit_is_what_ran_then(tested: tuple[Deployments, str]) -> None:
    made, commit = tested

    result = made.run("promote", "staging", "prod", "--as-of", commit)

    assert moves(result) == [("app", "1.0.0", "1.0.1"), ("other", "1.0.0", "1.0.2")]
    assert made.run("promote", "staging", "prod", "--as-of", commit[:8])["merge_request"]["action"] == "unchanged"
    assert f"as of {commit[:12]}" in made.gitops.merge_requests()[0]["title"]
    assert moves(made.run("promote", "staging", "prod"))[0] == ("app", "1.0.0", "1.0.9")


def test_as_of_a_time(gate: Gate) -> None:
    made = gate(two_environments("1.0.0", "1.0.0"))
    now = datetime.now(UTC)
    ago = {"1.0.1": 3.0, "1.0.2": 2.0, "1.0.3": 1.0}
    write_line(
        made.gitops,
        [Written(now - timedelta(days=3), {"README": "x\n"})]
        + [Written(now - timedelta(hours=h), {STAGING.format("app"): values(tag)}) for tag, h in ago.items()],
    )
    moment = now - timedelta(hours=1, minutes=30)

    result = made.run("promote", "staging", "prod", "--dry-run", "--as-of", moment.isoformat())

    assert moves(result) == [("app", "1.0.0", "1.0.2")]
    assert "has no time zone" in made.refused(
        "promote", "staging", "prod", "--as-of", f"{moment:%Y-%m-%dT%H:%M}", code=2
    )
    assert "is in the future" in made.refused("promote", "staging", "prod", "--as-of", "2999-01-01T00:00Z", code=2)
    assert "neither a commit nor a time" in made.refused("promote", "staging", "prod", "--as-of", "yesterday", code=2)


def test_what_was_taken_back_or_held_since_is_refused_by_name(tested: tuple[Deployments, str]) -> None:
    made, commit = tested
    made.merged("rollback", "staging", "--app", "app", "--to", "1.0.0")
    made.merged("hold", "staging", "--app", "other", "--reason", "flaky")

    message = made.refused("promote", "staging", "prod", "--as-of", commit)

    assert f"{APP}:1.0.1 of app was rolled back in staging" in message
    assert f"{APP}:1.0.2 of other is held in staging: flaky" in message
    waiting = made.run("promote", "staging", "prod", "--as-of", commit, "--when-ready")["waiting"]
    assert [one["app"] for one in waiting] == ["app", "other"]


def test_what_was_tested_has_soaked_when_it_ran_for_long_enough(gate: Gate) -> None:
    """Whatever was read of the past before, to find the commit."""
    made = soaking(gate)
    commit = made.tag(STAGING.format("app"), "1.0.1")

    assert "app 1.0.1 has been in staging since " in made.refused("promote", "staging", "prod", "--as-of", commit)
    assert later(made, hours=3).run("promote", "staging", "prod", "--as-of", commit)["status"] == "proposed"


@pytest.mark.parametrize("method", ["merge", "squash", "ff", "rebased"])
def test_as_of_a_merge_requests_head_is_what_landed(gate: Gate, method: str) -> None:
    made = gate(two_environments("1.0.0", "1.0.0"))
    settings = {"merge_method": "merge"} if method in {"merge", "squash"} else {"merge_method": "ff"}
    made.gitops.api.put("", **settings, squash_option="always" if method == "squash" else "never")
    if method == "rebased":
        made.gitops.sandbox.choose(made.gitops.project, automatic_rebase=True)
    proposed = made.run("bump", "staging", f"{APP}:1.0.1")
    if method == "rebased":
        made.commit({"README": "moved on\n"})
    made.gitops.merge(proposed["merge_request"]["iid"])
    made.tag(STAGING.format("app"), "1.0.2")

    result = made.run("promote", "staging", "prod", "--as-of", proposed["commit"])

    assert moves(result) == [("app", "1.0.0", "1.0.1")]


def test_a_commit_that_is_not_on_the_branch_is_refused(tested: tuple[Deployments, str]) -> None:
    made, _ = tested
    elsewhere = made.run("bump", "staging", f"{APP}:1.0.7", "--app", "app")["commit"]

    assert f"there is no commit {elsewhere[:12]} on main" in made.refused(
        "promote", "staging", "prod", "--as-of", elsewhere
    )
    assert "there is no commit abcdef0123" in made.refused("promote", "staging", "prod", "--as-of", "abcdef0123")
