"""Waiting until Argo CD runs what was merged, and is healthy."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.argocd import Answer, ArgoCd, application
from tests.support.clock import skipping_clock
from tests.support.command_line import CommandLine
from tests.support.deployments import STAGING
from tests.support.gitops import APP, Gitops, GitopsMaker, values
from tests.support.tls import Tls

OLD, NEW = f"{APP}:1.0.0", f"{APP}:1.0.1"
FILE = STAGING.format("app")


@pytest.fixture
def bumper(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The pauses between two looks at Argo CD pass at once."""
    return CommandLine(capsys, monkeypatch, skipping_clock())


def config(url: str, names: str = '"{app}-staging"', more: str = "") -> str:
    return (
        f"environments:\n  staging:\n    values: apps/{{app}}/envs/staging/values.yaml\n    auto_merge: true\n"
        f"    argocd: {{server: '{url}', application: {names}}}\n{more}"
    )


@pytest.fixture
def gitops(make_gitops: GitopsMaker, argocd: ArgoCd) -> Gitops:
    return make_gitops({FILE: values("1.0.0"), "bumper.yaml": config(argocd.url)})


def bump(bumper: CommandLine, tag: str = "1.0.1", seconds: str = "3600", code: int = 0) -> Any:  # noqa: ANN401 - JSON
    """``bumper bump --wait-deployed``: its JSON, or the message of its failure."""
    told = bumper.bump("staging", f"{APP}:{tag}", "--wait-deployed", seconds, code=code)
    return told if code == 0 else {"message": told["error"]["message"]}


def test_it_ends_when_the_pods_have_the_image_and_are_healthy(
    gitops: Gitops, argocd: ArgoCd, bumper: CommandLine
) -> None:
    argocd.tell(
        "app-staging",
        application(OLD),
        application(OLD, sync="OutOfSync"),
        application(OLD, NEW, health="Progressing"),
        application(NEW),
    )

    done = bump(bumper)

    assert done["merge_request"]["state"] == "merged"
    assert gitops.read(FILE) == values("1.0.1")
    assert len(argocd.requests) == 4
    assert {path for path, _ in argocd.requests} == {"/api/v1/applications/app-staging"}
    assert argocd.refreshed == ["app-staging"]  # once, after the merge


def test_healthy_of_before_the_sync_is_not_it(gitops: Gitops, argocd: ArgoCd, bumper: CommandLine) -> None:
    """New pods are listed at once, their health is judged when Argo CD reconciles after the sync."""
    finished, before, after = (f"2026-11-28T03:00:{second}Z" for second in ("05", "02", "07"))
    fresh = application(OLD, NEW, sync="OutOfSync", finished=finished, reconciledAt=before)
    sick = application(NEW, health="Degraded", finished=finished, reconciledAt=after)
    argocd.tell("app-staging", application(OLD), fresh, sick)

    assert "app-staging is not healthy: Degraded" in bump(bumper, code=5)["message"]
    assert gitops.read(FILE) == values("1.0.1")


def test_progress_is_told_on_stderr(gitops: Gitops, argocd: ArgoCd, bumper: CommandLine) -> None:
    argocd.tell("app-staging", application(OLD), application(OLD, NEW, health="Progressing"), application(NEW))

    ran = bumper("bump", "staging", NEW, "--no-verify", "--wait-deployed", "3600", code=0)

    assert "waiting for Argo CD application app-staging: Progressing" in ran.err
    assert gitops.read(FILE) == values("1.0.1")


def test_synced_and_healthy_of_before_is_not_it(gitops: Gitops, argocd: ArgoCd, bumper: CommandLine) -> None:
    argocd.tell("app-staging", application(OLD, revision=gitops.tip()))

    message = bump(bumper, seconds="600", code=5)["message"]

    assert "app-staging did not run it within" in str(message)
    assert "another commit or image runs" in str(message)
    assert f"{argocd.url}/applications/app-staging" in str(message)


def test_a_revision_that_holds_the_merge_is_enough_where_no_pod_tells(
    gitops: Gitops, argocd: ArgoCd, bumper: CommandLine
) -> None:
    argocd.tell("app-staging", lambda: application(revision=gitops.tip()))

    assert bump(bumper)["status"] == "merged"


def test_a_later_revision_holds_the_merge_too(gitops: Gitops, argocd: ArgoCd, bumper: CommandLine) -> None:
    def later() -> Answer:
        if len(argocd.requests) < 3:
            return application(OLD)
        if len(argocd.requests) == 3:
            gitops.push("later: true\n", "docs/later.yaml")
        return application(revision=["9.9.9", gitops.tip()])  # a Helm chart's version, and the values' commit

    argocd.tell("app-staging", later)

    assert bump(bumper)["status"] == "merged"


def test_synced_at_the_merge_while_the_sync_runs_is_not_it_yet(
    gitops: Gitops, argocd: ArgoCd, bumper: CommandLine
) -> None:
    argocd.tell("app-staging", lambda: application(revision=gitops.tip(), phase="Running"))

    assert "a sync is under way" in str(bump(bumper, seconds="600", code=5)["message"])


def test_one_that_degrades_ends_the_wait_with_argocds_words(
    gitops: Gitops, argocd: ArgoCd, bumper: CommandLine
) -> None:
    pods = [{"kind": "Deployment", "name": "app", "health": {"status": "Degraded", "message": "no such secret"}}]
    argocd.tell("app-staging", application(OLD), application(OLD, NEW, health="Degraded", resources=pods))

    message = str(bump(bumper, code=5)["message"])

    assert "Degraded" in message
    assert "Deployment app: no such secret" in message
    assert gitops.read(FILE) == values("1.0.1")


def test_one_that_was_degraded_before_may_get_well(gitops: Gitops, argocd: ArgoCd, bumper: CommandLine) -> None:
    argocd.tell(
        "app-staging",
        *[application(OLD, health="Degraded")] * 5,
        application(NEW, health="Degraded"),
        application(NEW, health="Progressing"),
        application(NEW),
    )

    assert bump(bumper)["status"] == "merged"
    assert gitops.read(FILE) == values("1.0.1")


def test_a_failed_sync_of_this_commit_ends_the_wait(gitops: Gitops, argocd: ArgoCd, bumper: CommandLine) -> None:
    argocd.tell(
        "app-staging",
        application(OLD, phase="Failed", said="an older sync's trouble"),
        lambda: application(
            OLD, sync="OutOfSync", phase="Failed", operation=gitops.tip(), said="hook app-migrate failed"
        ),
    )

    message = str(bump(bumper, code=5)["message"])

    assert "its sync ended as Failed: hook app-migrate failed" in message


@pytest.mark.parametrize(
    ("project", "reason"),
    [("", "or the token in ARGOCD_AUTH_TOKEN may not see it"), (", project: other", "in its project other")],
)
def test_an_application_that_is_not_shown_stops_it_before_anything_is_pushed(
    gitops: Gitops, argocd: ArgoCd, bumper: CommandLine, project: str, reason: str
) -> None:
    gitops.push(config(argocd.url, f'"{{app}}-staging"{project}', "# pushed\n"), "bumper.yaml")

    message = str(bump(bumper, code=4)["message"])

    assert f"{argocd.url} has no application app-staging" in message
    assert reason in message
    assert gitops.branches() == []


def test_an_application_is_found_in_its_project(gitops: Gitops, argocd: ArgoCd, bumper: CommandLine) -> None:
    gitops.push(config(argocd.url, '"{app}-staging", project: default'), "bumper.yaml")
    argocd.tell("app-staging", application(OLD), application(NEW))

    assert bump(bumper)["merge_request"]["state"] == "merged"
    assert [query["project"] for _, query in argocd.requests] == [["default"]] * 2


def test_an_argo_cd_that_does_not_answer_before_the_push_is_not_the_end(
    gitops: Gitops, argocd: ArgoCd, bumper: CommandLine
) -> None:
    argocd.tell("app-staging", *[503] * 4, application(NEW))

    assert bump(bumper)["merge_request"]["state"] == "merged"
    assert gitops.read(FILE) == values("1.0.1")


def test_a_wrong_token_stops_it_before_anything_is_pushed(
    gitops: Gitops, argocd: ArgoCd, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGOCD_AUTH_TOKEN", "wrong-s3cr3t")

    message = str(bump(bumper, code=4)["message"])

    assert "refused the token in ARGOCD_AUTH_TOKEN" in message
    assert "wrong-s3cr3t" not in message
    assert len(argocd.requests) == 1
    assert gitops.branches() == []


def test_without_a_token_or_a_server_nothing_is_pushed(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARGOCD_AUTH_TOKEN")
    assert "set ARGOCD_AUTH_TOKEN" in str(bump(bumper, code=4)["message"])

    gitops.push(config("http://127.0.0.1:9").partition("    argocd")[0], "bumper.yaml")
    assert "add argocd with server and application" in str(bump(bumper, code=1)["message"])
    assert gitops.branches() == []


def test_what_is_deployed_already_is_looked_at_too(gitops: Gitops, argocd: ArgoCd, bumper: CommandLine) -> None:
    argocd.tell("app-staging", application(OLD, health="Progressing"), application(OLD))
    assert bump(bumper, "1.0.0")["status"] == "unchanged"
    assert len(argocd.requests) == 2

    argocd.tell("app-staging", application(f"{APP}:0.9.9", sync="OutOfSync"))
    assert "did not run it" in str(bump(bumper, "1.0.0", seconds="0.1", code=5)["message"])
    assert gitops.branches() == []


def test_a_moment_without_argocd_is_waited_out(gitops: Gitops, argocd: ArgoCd, bumper: CommandLine) -> None:
    argocd.tell("app-staging", application(OLD), 503, 503, 503, 503, 503, application(NEW))

    assert bump(bumper)["status"] == "merged"
    assert gitops.read(FILE) == values("1.0.1")


def test_several_applications_in_namespaces_of_their_own(
    make_gitops: GitopsMaker, argocd: ArgoCd, bumper: CommandLine
) -> None:
    names = '["team-a/{app}-eu", "{app}-us"]'
    made = make_gitops({FILE: values("1.0.0"), "bumper.yaml": config(argocd.url, names)})
    argocd.tell("app-eu", application(OLD), application(NEW))
    argocd.tell("app-us", application(OLD), application(NEW, health="Progressing"), application(NEW))

    bump(bumper)

    queries = {path.rpartition("/")[2]: query.get("appNamespace") for path, query in argocd.requests}
    assert queries == {"app-eu": ["team-a"], "app-us": None}
    assert made.read(FILE) == values("1.0.1")


def test_straight_to_the_branch_and_rolled_back(make_gitops: GitopsMaker, argocd: ArgoCd, bumper: CommandLine) -> None:
    straight = config(argocd.url).replace("auto_merge: true", "delivery: commit")
    made = make_gitops({FILE: values("1.0.0"), "bumper.yaml": straight})
    argocd.tell("app-staging", application(NEW))
    assert bump(bumper)["status"] == "committed"
    argocd.tell("app-staging", application(NEW), application(OLD))

    ran = bumper("rollback", "staging", "--no-verify", "--wait-deployed", "3600", "--output", "json", code=0)

    assert ran.json["status"] == "committed"
    assert made.read(FILE) == values("1.0.0")


def test_a_digest_tells_what_a_moving_tag_does_not(
    make_gitops: GitopsMaker, argocd: ArgoCd, bumper: CommandLine
) -> None:
    old, new = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
    made = make_gitops({FILE: values(f"main@{old}"), "bumper.yaml": config(argocd.url)})
    argocd.tell("app-staging", application(f"{APP}:main@{old}"))
    refused = bumper.bump("staging", f"{APP}:main@{new}", "--wait-deployed", "1", code=5)
    assert "another commit or image runs" in refused["error"]["message"]

    argocd.tell("app-staging", application(f"{APP}@{new}"))
    assert bumper.bump("staging", f"{APP}:main@{new}", "--wait-deployed", "3600")["status"] == "unchanged"
    assert made.read(FILE) == values(f"main@{new}")


def test_a_private_ca_is_trusted(
    make_gitops: GitopsMaker, bumper: CommandLine, tls: Tls, monkeypatch: pytest.MonkeyPatch, argocd: ArgoCd
) -> None:
    with ArgoCd(tls.server()) as secure:
        make_gitops({FILE: values("1.0.0"), "bumper.yaml": config(secure.url)})
        secure.tell("app-staging", application(OLD))
        assert "the TLS certificate of https://127.0.0.1" in str(bump(bumper, "1.0.0", code=4)["message"])

        monkeypatch.setenv("SSL_CERT_FILE", str(tls.ca_file))

        assert bump(bumper, "1.0.0")["status"] == "unchanged"
    assert argocd.requests == []


def test_a_dry_run_asks_nobody(gitops: Gitops, argocd: ArgoCd, bumper: CommandLine) -> None:
    assert bumper.bump("staging", NEW, "--dry-run", "--wait-deployed", "3600")["status"] == "dry-run"
    assert (argocd.requests, gitops.branches()) == ([], [])


@pytest.mark.parametrize("body", [{}, {"status": None}, {"status": {"health": None, "sync": {}, "summary": None}}])
def test_an_application_that_has_no_status_yet_is_waited_for(
    gitops: Gitops, argocd: ArgoCd, bumper: CommandLine, body: Answer, tmp_path: Path
) -> None:
    argocd.tell("app-staging", body, body, application(NEW))

    assert bump(bumper)["status"] == "merged"
    assert (gitops.read(FILE), list(tmp_path.glob("*.env"))) == (values("1.0.1"), [])
