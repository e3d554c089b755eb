"""What a rollback takes back, and what it refuses."""

import pytest

from tests.support.deployments import PROD, Deployments, DeploymentsMaker, moves, two_environments
from tests.support.gitops import APP, values

APP_PROD, OTHER_PROD = PROD.format("app"), PROD.format("other")
ONE_APP = {APP_PROD: values("1.0.0")}
TWO_APPS: dict[str, str | bytes] = {APP_PROD: values("1.0.0"), OTHER_PROD: values("1.0.0")}


@pytest.fixture
def one(make_deployments: DeploymentsMaker) -> Deployments:
    """One application in prod, deployed twice."""
    made = make_deployments(ONE_APP)
    made.tag(APP_PROD, "1.0.1")
    made.tag(APP_PROD, "1.0.2")
    return made


def test_the_last_deployment_is_undone_by_a_merge_request(make_deployments: DeploymentsMaker) -> None:
    one = make_deployments(ONE_APP)
    one.merged("bump", "prod", f"{APP}:1.0.1")
    one.merged("bump", "prod", f"{APP}:1.0.2")

    result = one.run("rollback", "prod")

    assert (result["command"], result["environment"], result["status"]) == ("rollback", "prod", "proposed")
    assert moves(result) == [("app", "1.0.2", "1.0.1")]
    assert one.gitops.read(APP_PROD, result["branch"]) == values("1.0.1")
    [request] = one.gitops.merge_requests()
    assert request["title"] == "app 1.0.2 -> 1.0.1 in prod (rollback)"
    assert request["labels"] == ["rollback"]
    assert "- **Undoes** !2, " in request["description"]
    assert "`app 1.0.1 -> 1.0.2 in prod`" in request["description"]


def test_a_rerun_touches_nothing_and_a_later_one_updates(one: Deployments) -> None:
    first = one.run("rollback", "prod")
    again = one.run("rollback", "prod")
    one.tag(APP_PROD, "1.0.3")
    later = one.run("rollback", "prod")

    assert again == first | {"merge_request": first["merge_request"] | {"action": "unchanged"}}
    assert later["merge_request"] == first["merge_request"] | {"action": "updated"}
    assert moves(later) == [("app", "1.0.3", "1.0.2")]
    assert len(one.gitops.merge_requests("all")) == 1


def test_it_walks_back_past_rollbacks_and_what_they_undid(one: Deployments) -> None:
    assert moves(one.merged("rollback", "prod")) == [("app", "1.0.2", "1.0.1")]
    assert moves(one.merged("rollback", "prod")) == [("app", "1.0.1", "1.0.0")]

    assert "nothing left to undo: !2 already undid " in one.refused("rollback", "prod")


def test_after_a_new_deployment_it_undoes_that_one(one: Deployments) -> None:
    one.merged("rollback", "prod")
    one.merged("bump", "prod", f"{APP}:1.0.3")

    assert moves(one.merged("rollback", "prod")) == [("app", "1.0.3", "1.0.1")]
    assert moves(one.merged("rollback", "prod")) == [("app", "1.0.1", "1.0.0")]


def test_steps_go_further_back_at_once(one: Deployments) -> None:
    result = one.merged("rollback", "prod", "--steps", "2")

    assert moves(result) == [("app", "1.0.2", "1.0.0")]
    assert one.gitops.read(APP_PROD) == values("1.0.0")
    assert one.gitops.merge_requests("merged")[0]["description"].count("by `Dora`: `By hand`") == 2


def test_more_steps_than_deployments_are_refused(one: Deployments) -> None:
    message = one.refused("rollback", "prod", "--steps", "3")

    assert "fewer than 3 deployments of app in prod" in message
    assert one.gitops.branches() == []


def test_a_rollback_can_be_undone_and_its_deployment_counts_again(one: Deployments) -> None:
    rollback = one.merged("rollback", "prod")

    back = one.merged("rollback", "prod", "--mr", str(rollback["merge_request"]["iid"]))

    assert moves(back) == [("app", "1.0.1", "1.0.2")]
    assert moves(one.run("rollback", "prod")) == [("app", "1.0.2", "1.0.1")]


def test_a_tag_that_a_person_pushed_is_a_deployment(one: Deployments) -> None:
    commit = one.tag(APP_PROD, "1.0.3")

    result = one.run("rollback", "prod")

    assert moves(result) == [("app", "1.0.3", "1.0.2")]
    assert f"- **Undoes** {commit[:12]}, " in one.gitops.merge_requests()[0]["description"]


def test_what_a_person_reverted_does_not_come_back(one: Deployments) -> None:
    clone = one.gitops.person()
    clone.git("revert", "--no-edit", "--mainline", "1", "HEAD")
    clone.git("push", "--quiet", "origin", "HEAD:main")

    assert moves(one.run("rollback", "prod")) == [("app", "1.0.1", "1.0.0")]


def test_a_commit_that_changed_no_tag_is_none(one: Deployments) -> None:
    one.commit({APP_PROD: values("1.0.2") + "replicas: 3\n"})

    result = one.run("rollback", "prod")

    assert one.gitops.read(APP_PROD, result["branch"]) == values("1.0.1") + "replicas: 3\n"


def test_with_several_applications_it_has_to_be_said_which(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(TWO_APPS)
    made.tag(APP_PROD, "1.0.1")

    message = made.refused("rollback", "prod")

    assert message.startswith("prod has several applications (app, other)")
    assert "--app" in message
    assert "--all-apps" in message


def test_a_promotion_is_undone_for_one_application_then_for_the_other(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments("1.0.1", "1.0.0", "app", "other"))
    made.merged("promote", "staging", "prod")

    assert moves(made.merged("rollback", "prod", "--app", "app")) == [("app", "1.0.1", "1.0.0")]
    assert made.gitops.read(OTHER_PROD) == values("1.0.1")
    assert "nothing left to undo: !2 already undid !1; use --to TAG or --mr IID" in made.refused(
        "rollback", "prod", "--app", "app"
    )
    assert moves(made.merged("rollback", "prod", "--app", "other")) == [("other", "1.0.1", "1.0.0")]


def test_all_apps_undoes_the_last_deployment_whatever_it_touched(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(TWO_APPS)
    made.commit({APP_PROD: values("1.0.1"), OTHER_PROD: values("1.0.1")})
    made.tag(APP_PROD, "1.0.2")

    assert moves(made.merged("rollback", "prod", "--all-apps")) == [("app", "1.0.2", "1.0.1")]
    both = made.merged("rollback", "prod", "--all-apps")
    assert moves(both) == [("app", "1.0.1", "1.0.0"), ("other", "1.0.1", "1.0.0")]


def test_all_apps_leaves_out_what_one_of_them_has_taken_back(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(TWO_APPS)
    made.commit({APP_PROD: values("1.0.1"), OTHER_PROD: values("1.0.1")})
    made.merged("rollback", "prod", "--app", "app")

    assert moves(made.run("rollback", "prod", "--all-apps")) == [("other", "1.0.1", "1.0.0")]


def test_each_of_several_apps_goes_back_by_its_own_last_deployment(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(TWO_APPS)
    made.tag(APP_PROD, "1.0.1")
    made.tag(OTHER_PROD, "1.0.2")

    result = made.run("rollback", "prod", "--app", "app", "--app", "other")

    assert sorted(moves(result)) == [("app", "1.0.1", "1.0.0"), ("other", "1.0.2", "1.0.0")]


def test_an_application_of_several_files(make_deployments: DeploymentsMaker) -> None:
    job_file = "apps/app/envs/prod/values-job.yaml"
    job = "registry.example.com/team/job"
    made = make_deployments({APP_PROD: values("1.0.0"), job_file: f"job:\n  image: {job}:7\n"})
    made.merged("bump", "prod", f"{APP}:1.0.1", f"{job}:8")
    made.merged("bump", "prod", f"{job}:9")

    assert moves(made.merged("rollback", "prod")) == [("app", "9", "8")]
    assert sorted(moves(made.run("rollback", "prod"))) == [("app", "1.0.1", "1.0.0"), ("app", "8", "7")]


def test_an_overlay_that_holds_only_the_tag(make_deployments: DeploymentsMaker) -> None:
    before = "image:\n  tag: 1.0.0\n"
    made = make_deployments({"apps/app/values.yaml": f"image:\n  repository: {APP}\n", APP_PROD: before})
    made.commit({APP_PROD: before.replace("1.0.0", "1.0.1")})

    result = made.run("rollback", "prod")

    assert made.gitops.read(APP_PROD, result["branch"]) == before


def test_the_digest_goes_back_with_the_tag(make_deployments: DeploymentsMaker) -> None:
    old, new = (f"sha256:{digit * 64}" for digit in "12")
    in_tag, own_key = values(f"1.0.0@{old}"), values("1.0.0") + f'  digest: "{old}"\n'
    made = make_deployments({APP_PROD: in_tag, OTHER_PROD: own_key})
    made.commit({APP_PROD: values(f"1.0.1@{new}"), OTHER_PROD: values("1.0.1") + f'  digest: "{new}"\n'})

    result = made.run("rollback", "prod", "--all-apps")

    assert made.gitops.read(APP_PROD, result["branch"]) == in_tag
    assert made.gitops.read(OTHER_PROD, result["branch"]) == own_key
    assert result["changes"][0]["to"] == {"tag": "1.0.0", "digest": old}


def test_a_hold_does_not_stop_a_rollback(one: Deployments) -> None:
    one.tag(APP_PROD, "1.0.2 # bumper: hold wait")

    result = one.run("rollback", "prod")

    assert one.gitops.read(APP_PROD, result["branch"]) == values("1.0.1 # bumper: hold wait")


def test_hold_puts_a_hold_on_the_pins_in_the_same_merge_request(one: Deployments) -> None:
    result = one.merged("rollback", "prod", "--hold", "payment errors")

    assert one.gitops.read(APP_PROD) == values("1.0.1 # bumper: hold payment errors")
    assert "**Held**: `payment errors`" in one.gitops.merge_requests("merged")[0]["description"]
    assert "+  tag: 1.0.1 # bumper: hold payment errors\n" in result["diff"]
    assert one.run("bump", "prod", f"{APP}:1.0.2")["status"] == "held"


def test_a_dry_run_changes_nothing(one: Deployments) -> None:
    before = one.gitops.git("for-each-ref")

    ran = one.bumper("rollback", "prod", "--no-verify", "--dry-run", code=0)

    assert "-  tag: 1.0.2\n+  tag: 1.0.1\n" in ran.out
    assert "app 1.0.2 -> 1.0.1 in prod (rollback)" in ran.out
    assert one.gitops.git("for-each-ref") == before


@pytest.mark.parametrize(
    "selectors",
    [
        ("--to", "1.0.0", "--steps", "1"),
        ("--steps", "1", "--mr", "1"),
        ("--app", "app", "--all-apps"),
        ("--steps", "0"),
    ],
)
def test_selectors_that_exclude_each_other(one: Deployments, selectors: tuple[str, ...]) -> None:
    one.refused("rollback", "prod", *selectors, code=2)


def test_an_unknown_application_is_named(one: Deployments) -> None:
    assert "no application of prod is called 'ap'; it has app." in one.refused("rollback", "prod", "--app", "ap")


def test_an_unknown_environment_is_named(one: Deployments) -> None:
    assert "prod" in one.refused("rollback", "prodd")


def test_an_open_bump_is_closed_by_the_rollback(one: Deployments) -> None:
    bump = one.run("bump", "prod", f"{APP}:1.0.3")

    one.run("rollback", "prod")

    assert [each["iid"] for each in one.gitops.merge_requests("closed")] == [bump["merge_request"]["iid"]]


def test_a_bump_does_not_close_an_open_rollback(one: Deployments) -> None:
    rollback = one.run("rollback", "prod")

    one.run("bump", "prod", f"{APP}:1.0.3")

    assert rollback["merge_request"]["iid"] in [each["iid"] for each in one.gitops.merge_requests()]


def test_a_pin_that_is_gone_with_its_image_blocks_nothing(make_deployments: DeploymentsMaker) -> None:
    sidecar = "sidecar:\n  repository: registry.example.com/team/sidecar\n  tag: {}\n"
    made = make_deployments({PROD.format("app"): values("1.0.0") + sidecar.format("1")})
    made.commit({PROD.format("app"): values("1.0.1") + sidecar.format("1")})
    made.commit({PROD.format("app"): values("1.0.1") + sidecar.format("2")})
    made.commit({PROD.format("app"): values("1.0.1")})

    assert moves(made.run("rollback", "prod", "--app", "app")) == [("app", "1.0.1", "1.0.0")]
