"""Hold and unhold, as they stand in the files, and what they stop."""

import pytest

from tests.support.deployments import PROD, Deployments, DeploymentsMaker, moves, two_environments
from tests.support.gitops import APP, values

APP_PROD = PROD.format("app")
OTHER = "registry.example.com/team/other"
TWO_IMAGES = values("1.0.0  # set by CI") + f"sidecar:\n  image: {OTHER}:2\n"


@pytest.fixture
def one(make_deployments: DeploymentsMaker) -> Deployments:
    return make_deployments({APP_PROD: TWO_IMAGES})


def test_a_hold_is_a_comment_on_every_pin_by_merge_request(one: Deployments) -> None:
    result = one.run("hold", "prod", "--app", "app", "--reason", "until OPS-7 is mended")

    assert (result["command"], result["status"]) == ("hold", "proposed")
    assert moves(result) == [("app", "1.0.0", "1.0.0"), ("app", "2", "2")]
    comment = " # bumper: hold until OPS-7 is mended"
    held = TWO_IMAGES.replace("set by CI", f"set by CI{comment}").replace(":2", f":2{comment}")
    assert one.gitops.read(APP_PROD, result["branch"]) == held
    [request] = one.gitops.merge_requests()
    assert request["title"] == "app held in prod"
    assert "**Reason**: `until OPS-7 is mended`" in request["description"]


def test_held_pins_are_listed_and_left_alone(one: Deployments) -> None:
    one.merged("hold", "prod", "--app", "app", "--image", APP, "--reason", "wait")

    held = one.run("bump", "prod", f"{APP}:1.0.1")
    partly = one.run("bump", "prod", f"{APP}:1.0.1", f"{OTHER}:3")

    assert (held["status"], held["changes"], held["merge_request"]) == ("held", [], None)
    [stopped] = held["held"]
    assert stopped["reason"] == "wait"
    assert (stopped["from"]["tag"], stopped["to"]["tag"]) == ("1.0.0", "1.0.1")
    assert (partly["status"], moves(partly), len(partly["held"])) == ("proposed", [("app", "2", "3")], 1)


def test_an_open_merge_request_that_does_the_opposite_is_named(one: Deployments) -> None:
    one.run("hold", "prod", "--app", "app", "--image", APP, "--reason", "wait")
    nothing_held = one.run("unhold", "prod", "--app", "app")
    other_image = one.run("unhold", "prod", "--app", "app", "--image", OTHER)
    one.gitops.merge(1)
    one.run("unhold", "prod", "--app", "app")
    held_already = one.run("hold", "prod", "--app", "app", "--image", APP, "--reason", "wait")

    url = one.gitops.url.removesuffix(".git") + "/-/merge_requests"
    open_hold = f"!1 is open and would hold app, if it is merged: {url}/1; close it if that is not wanted."
    assert (nothing_held["status"], nothing_held["warnings"], other_image["warnings"]) == ("unchanged", [open_hold], [])
    open_unhold = f"!2 is open and would unhold app, if it is merged: {url}/2; close it if that is not wanted."
    assert (held_already["status"], held_already["warnings"]) == ("unchanged", [open_unhold])


def test_a_promotion_leaves_held_pins_alone(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments("1.0.1", "1.0.0", "app", "other"))
    made.tag(APP_PROD, "1.0.0 # bumper: hold")

    partly = made.run("promote", "staging", "prod")
    held = made.run("promote", "staging", "prod", "--app", "app")

    assert (partly["status"], moves(partly)) == ("proposed", [("other", "1.0.0", "1.0.1")])
    assert [one["reason"] for one in partly["held"]] == ["no reason given"]
    assert held["status"] == "held"


def test_unhold_gives_the_lines_back(one: Deployments) -> None:
    one.merged("hold", "prod", "--app", "app", "--reason", "wait")

    result = one.merged("unhold", "prod", "--app", "app")

    assert one.gitops.read(APP_PROD) == TWO_IMAGES
    assert result["command"] == "unhold"
    assert one.run("bump", "prod", f"{APP}:1.0.1")["status"] == "proposed"


def test_unhold_takes_what_a_person_wrote(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments({APP_PROD: values("1.0.0 # bumper: hold")})

    result = made.run("unhold", "prod", "--app", "app")

    assert made.gitops.read(APP_PROD, result["branch"]) == values("1.0.0")


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (values("1.0.0").replace("\n", "\r\n"), values("1.0.0 # bumper: hold wait").replace("\n", "\r\n")),
        (f"image: {{repository: {APP}, tag: 1.0.0}}", f"image: {{repository: {APP}, tag: 1.0.0}} # bumper: hold wait"),
        (values("|-\n    1.0.0"), values("|- # bumper: hold wait\n    1.0.0")),
    ],
    ids=["CRLF", "flow mapping without a final line end", "block scalar"],
)
def test_any_form_of_a_pin(make_deployments: DeploymentsMaker, text: str, held: str) -> None:
    made = make_deployments({APP_PROD: text})

    one = made.merged("hold", "prod", "--app", "app", "--reason", "wait")
    stopped = made.run("bump", "prod", f"{APP}:1.0.1")
    made.merged("unhold", "prod", "--app", "app")

    assert made.content(APP_PROD, one["commit"]) == held.encode()
    assert stopped["status"] == "held"
    assert made.content(APP_PROD) == text.encode()


def test_nothing_to_hold_or_unhold_any_more(one: Deployments) -> None:
    assert one.run("unhold", "prod", "--app", "app")["status"] == "unchanged"
    one.merged("hold", "prod", "--app", "app")

    assert one.run("hold", "prod", "--app", "app")["status"] == "unchanged"
    assert one.gitops.branches() == []


def test_another_reason_takes_the_place_of_the_first(one: Deployments) -> None:
    one.merged("hold", "prod", "--app", "app", "--reason", "OPS-7")

    again = one.run("hold", "prod", "--app", "app", "--reason", "OPS-7")
    other = one.run("hold", "prod", "--app", "app", "--reason", "OPS-8,\nsays Dora")

    assert again["status"] == "unchanged"
    assert "-  tag: 1.0.0  # set by CI # bumper: hold OPS-7\n" in other["diff"]
    assert "+  tag: 1.0.0  # set by CI # bumper: hold OPS-8, says Dora\n" in other["diff"]
    assert other["merge_request"]["action"] == "opened"


def test_a_hold_that_is_proposed_survives_a_bump(one: Deployments) -> None:
    one.run("hold", "prod", "--app", "app")

    one.run("bump", "prod", f"{APP}:1.0.1")

    assert len(one.gitops.merge_requests()) == 2


def test_an_application_without_a_pin_of_its_own(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments({"apps/app/values.yaml": values("1.0.0"), APP_PROD: "replicas: 1\n"})

    assert "app in prod has no pin of its own to hold" in made.refused("hold", "prod", "--app", "app")


def test_an_image_glob_that_matches_nothing(one: Deployments) -> None:
    assert "no pin" in one.refused("hold", "prod", "--app", "app", "--image", "*/nothing")


def test_an_unknown_application(one: Deployments) -> None:
    assert "no application of prod is called 'ap'" in one.refused("unhold", "prod", "--app", "ap")


def test_the_application_has_to_be_named(one: Deployments) -> None:
    assert "--app" in one.refused("hold", "prod", code=2)


def test_a_dry_run_changes_nothing(one: Deployments) -> None:
    result = one.run("hold", "prod", "--app", "app", "--reason", "wait", "--dry-run")

    assert result["status"] == "dry-run"
    assert "+  tag: 1.0.0  # set by CI # bumper: hold wait\n" in result["diff"]
    assert one.gitops.branches() == []
