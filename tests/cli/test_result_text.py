"""What a person reads of a result: what was merged, what stays as it is, what becomes of a hold."""

import re
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.deployments import PROD, Deployments, DeploymentsMaker, two_environments
from tests.support.gitops import APP, GitopsMaker, values

APP_PROD = PROD.format("app")


@pytest.fixture
def made(make_deployments: DeploymentsMaker) -> Deployments:
    return make_deployments(two_environments("1.0.1", "1.0.0"))


def text(made: Deployments, *arguments: str) -> list[str]:
    """The lines of stdout."""
    return made.bumper(*arguments, code=0).out.splitlines()


def test_wait_that_merged_says_merged_and_after_how_long(made: Deployments) -> None:
    ran = made.bumper("bump", "prod", f"{APP}:1.0.1", "--no-verify", "--auto-merge", "--wait", "90s", code=0)
    lines, url = ran.out.splitlines(), made.gitops.merge_requests("merged")[0]["web_url"]
    once_more = text(made, "bump", "prod", f"{APP}:1.0.1", "--no-verify")

    assert lines[0] == "prod: merged"
    assert ran.said == f"asking GitLab to merge !1: {url}\n"
    assert re.fullmatch(rf"merged !1 after \d+ s: {re.escape(url)}", lines[-1])
    assert once_more == ["prod: unchanged", "  app  app  is at 1.0.1 already"]


def test_while_nobody_merges_it_says_who_must_do_what(made: Deployments) -> None:
    ran = made.bumper("bump", "prod", f"{APP}:1.0.1", "--no-verify", "--wait", "1", code=5)

    [request] = made.gitops.merge_requests()
    url, lines = request["web_url"], ran.said.splitlines()
    assert lines[:2] == [f"waiting up to 1 s for {url}", "waiting for !1: it waits for somebody to merge it"]
    assert lines[2].startswith(
        f"error: {url} was not merged within 1 s: nobody has merged it yet; add --auto-merge, or"
    )


def test_unchanged_names_the_tag(made: Deployments) -> None:
    made.tag(APP_PROD, "1.0.1")

    for command in (f"bump prod {APP}:1.0.1", "promote staging prod", "rollback prod --to 1.0.1"):
        assert text(made, *command.split(), "--no-verify") == ["prod: unchanged", "  app  app  is at 1.0.1 already"]


def test_hold_and_unhold_and_rollback_show_the_hold(made: Deployments) -> None:
    hold, unhold = ("hold", "prod", "--app", "app", "--reason"), ("unhold", "prod", "--app", "app")

    assert text(made, *hold, "OPS-7")[2] == "  held: OPS-7"
    made.gitops.merge(1)
    assert text(made, *hold, "OPS-7") == ["prod: unchanged", "  app: held already (OPS-7)"]
    assert text(made, *hold, "OPS-8", "--dry-run")[2] == "  held: OPS-8 (was: OPS-7)"
    assert text(made, *unhold)[2] == "  no longer held: OPS-7"
    made.gitops.merge(2)
    assert text(made, *unhold) == ["prod: unchanged", "  app: nothing is held"]
    made.tag(APP_PROD, "1.0.1")
    assert text(made, "rollback", "prod", "--no-verify", "--hold", "payment errors")[2] == "  held: payment errors"


def test_a_dry_run_with_delivery_by_commit_speaks_of_a_commit(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    config = "environments:\n  prod: {delivery: commit}\n"
    gitops = make_gitops({APP_PROD: values("1.0.0"), "bumper.yaml": config})
    gitops.push(values("1.0.1"), APP_PROD)

    out = bumper("rollback", "prod", "--no-verify", "--dry-run", code=0).out

    assert "The commit on main would be:" in out
    assert "merge request" not in out


def test_html_says_that_it_wrote(made: Deployments, tmp_path: Path) -> None:
    page = tmp_path / "status.html"

    ran = made.bumper("status", "--html", str(page), code=0)

    assert ran.said == f"wrote {page}\n"
    assert page.exists()


def test_a_rerun_with_other_words_updates_the_merge_request_and_names_who_was_not_added(made: Deployments) -> None:
    bump = ("bump", "prod", f"{APP}:1.0.1")
    made.run(*bump)

    updated = made.run(*bump, "--title", "Release 7", "--label", "night", "--reviewer", "alice", "--assignee", "carol")
    again = made.run(*bump, "--title", "Release 7", "--label", "night")

    [request] = made.gitops.merge_requests()
    assert (request["title"], request["labels"]) == ("Release 7", ["night"])
    assert updated["merge_request"]["action"] == "updated"
    assert updated["warnings"] == ["not added to !1, which was open already: alice, carol; ask them there."]
    assert (again["merge_request"]["action"], again["warnings"]) == ("unchanged", [])


def test_https_against_a_port_that_speaks_http(made: Deployments) -> None:
    url = made.gitops.url.replace("http://", "https://")

    for command in ("status", "doctor"):
        ran = made.bumper(command, "--repo", url, code=4)
        assert f"{url} does not speak HTTPS" in ran.err + ran.out
        assert "check the port" in ran.err + ran.out
        assert "gnutls" not in ran.err + ran.out
