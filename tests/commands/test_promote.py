"""What a promotion carries from one environment to another."""

import pytest

from tests.support.deployments import PROD, STAGING, Deployments, DeploymentsMaker, moves, two_environments
from tests.support.gitops import APP, values

APP_STAGING, APP_PROD = STAGING.format("app"), PROD.format("app")
OTHER_PROD = PROD.format("other")
JOB = "registry.example.com/team/job"
OLD, NEW = (f"sha256:{digit * 64}" for digit in "12")


def with_key(tag: str, digest: str) -> str:
    return values(tag) + f'  digest: "{digest}"\n'


def one_app(make: DeploymentsMaker, staging: str, prod: str) -> Deployments:
    return make({APP_STAGING: staging, APP_PROD: prod})


def promoted(made: Deployments, *arguments: str, path: str = APP_PROD) -> str:
    """The file as the promotion proposes it."""
    return made.gitops.read(path, made.run("promote", "staging", "prod", *arguments)["branch"])


def test_one_merge_request_for_all_that_differs(make_deployments: DeploymentsMaker) -> None:
    same = {STAGING.format("same"): values("5"), PROD.format("same"): values("5")}
    made = make_deployments(two_environments("1.0.1", "1.0.0", "app", "other") | same)

    result = made.run("promote", "staging", "prod")

    assert (result["command"], result["source"], result["environment"]) == ("promote", "staging", "prod")
    assert (result["status"], result["warnings"], result["held"]) == ("proposed", [], [])
    assert moves(result) == [("app", "1.0.0", "1.0.1"), ("other", "1.0.0", "1.0.1")]
    changed = made.gitops.git("diff", "--name-only", "main", result["branch"]).split()
    assert changed == [APP_PROD, OTHER_PROD]
    [request] = made.gitops.merge_requests()
    assert request["title"] == "app and other 1.0.0 -> 1.0.1 in prod (from staging)"
    for app in ("app", "other"):
        assert f"| `{app}` | `{APP}` | `1.0.0` | `1.0.1` |" in request["description"]
    assert "`same`" not in request["description"]


def test_a_rerun_touches_nothing_and_a_newer_tag_updates(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments())
    first = made.run("promote", "staging", "prod")
    again = made.run("promote", "staging", "prod")
    made.tag(APP_STAGING, "1.0.2")
    newer = made.run("promote", "staging", "prod")

    assert again == first | {"merge_request": first["merge_request"] | {"action": "unchanged"}}
    assert newer["merge_request"] == first["merge_request"] | {"action": "updated"}
    assert moves(newer) == [("app", "1.0.0", "1.0.2")]


def test_nothing_differs(make_deployments: DeploymentsMaker) -> None:
    result = make_deployments(two_environments("1.0.0", "1.0.0")).run("promote", "staging", "prod")

    assert (result["status"], result["changes"], result["merge_request"]) == ("unchanged", [], None)


def test_a_tag_that_both_leave_to_be_read_as_a_number_is_left_alone(make_deployments: DeploymentsMaker) -> None:
    assert one_app(make_deployments, values("5"), values("5")).run("promote", "staging", "prod")["changes"] == []


def test_a_tag_that_only_the_target_leaves_to_be_read_as_a_number(make_deployments: DeploymentsMaker) -> None:
    assert promoted(one_app(make_deployments, values('"1.10"'), values("1.10"))) == values('"1.10"')


def test_applications_of_one_environment_only_are_named(make_deployments: DeploymentsMaker) -> None:
    only = {STAGING.format("new"): values("1"), PROD.format("old"): values("1")}

    result = make_deployments(two_environments() | only).run("promote", "staging", "prod")

    assert moves(result) == [("app", "1.0.0", "1.0.1")]
    assert [warning.partition(",")[0] for warning in result["warnings"]] == [
        "new is in staging only",
        "old is in prod only",
    ]


def test_app_and_image_globs(make_deployments: DeploymentsMaker) -> None:
    def both(tag: str) -> str:
        return values(tag) + f"job:\n  image: {JOB}:{tag}\n"

    made = make_deployments(
        {path.format(app): both(tag) for path, tag in ((STAGING, "2"), (PROD, "1")) for app in ("app", "web", "api")}
    )

    result = made.run("promote", "staging", "prod", "--app", "a*", "--image", "*/job")

    assert [(change["app"], change["image"]) for change in result["changes"]] == [("api", JOB), ("app", JOB)]
    assert "no application is called 'nothing'" in made.refused("promote", "staging", "prod", "--app", "nothing")
    assert "no image matches 'nothing'" in made.refused("promote", "staging", "prod", "--image", "nothing")


def test_the_image_is_found_at_another_path(make_deployments: DeploymentsMaker) -> None:
    made = one_app(make_deployments, values("1.0.1"), f"web:\n  image: {APP}:1.0.0\n")

    assert promoted(made) == f"web:\n  image: {APP}:1.0.1\n"


def test_the_path_decides_where_an_image_stands_twice(make_deployments: DeploymentsMaker) -> None:
    twice = "web:\n  image: {app}:{}\njob:\n  image: {app}:{}\n".format
    made = one_app(make_deployments, twice("1.0.1", "1.0.2", app=APP), twice("1.0.0", "1.0.0", app=APP))

    assert promoted(made) == twice("1.0.1", "1.0.2", app=APP)


def test_versions_that_disagree_are_not_guessed(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(
        {
            APP_STAGING: f"web:\n  image: {APP}:1.0.1\njob:\n  image: {APP}:1.0.2\n",
            APP_PROD: values("1.0.0"),
            STAGING.format("other"): values("1.0.1"),
            OTHER_PROD: values("1.0.0"),
        }
    )

    result = made.run("promote", "staging", "prod")

    assert moves(result) == [("other", "1.0.0", "1.0.1")]
    [warning] = result["warnings"]
    assert warning.startswith(f"app: staging runs {APP} in several versions")
    assert f"{APP_PROD}: image.tag was left alone" in warning


def test_applications_of_the_same_name_are_not_mixed_up(make_deployments: DeploymentsMaker) -> None:
    path = "clusters/{}/{}/app/values.yaml".format
    made = make_deployments(
        {
            path("eu", "staging"): values("1.0.1"),
            path("us", "staging"): values("1.0.2"),
            path("eu", "prod"): values("1.0.0"),
        }
    )

    result = made.run("promote", "staging", "prod")

    assert [(change["app"], change["to"]["tag"]) for change in result["changes"]] == [("eu/app", "1.0.1")]
    assert result["warnings"] == ["us/app is in staging only, not in prod; it was left alone."]


def test_registries_that_hold_the_same_images(make_deployments: DeploymentsMaker) -> None:
    config = "same_as:\n  - [registry.example.com/dev, registry.example.com/prod]\n"
    dev, prod = (values("{}", f"registry.example.com/{name}/app").format for name in ("dev", "prod"))
    made = make_deployments({"bumper.yaml": config, APP_STAGING: dev("1.0.1"), APP_PROD: prod("1.0.0")})

    assert promoted(made) == prod("1.0.1")


def test_another_registry_is_another_image(make_deployments: DeploymentsMaker) -> None:
    made = one_app(make_deployments, values("1.0.1"), values("1.0.0", "other.example.com/team/app"))

    result = made.run("promote", "staging", "prod")

    assert result["status"] == "unchanged"
    [warning] = result["warnings"]
    assert "prod runs other.example.com/team/app and staging runs registry.example.com/team/app," in warning
    assert "same_as" in warning


# In staging, in prod, and in prod after the promotion.
DIGESTS = {
    "both": (values(f"1.0.1@{NEW}"), values(f"1.0.0@{OLD}"), values(f"1.0.1@{NEW}")),
    "both-of-one-tag": (values(f"1.0.1@{NEW}"), values(f"1.0.1@{OLD}"), values(f"1.0.1@{NEW}")),
    "new": (values(f"1.0.1@{NEW}"), values("1.0.0"), values(f"1.0.1@{NEW}")),
    "new-for-the-same-tag": (values(f"1.0.1@{NEW}"), values("1.0.1"), values(f"1.0.1@{NEW}")),
    "from-tag-to-key": (values(f"1.0.1@{NEW}"), with_key("1.0.0", ""), with_key("1.0.1", NEW)),
    "keys": (with_key("1.0.1", NEW), with_key("1.0.0", OLD), with_key("1.0.1", NEW)),
    "empty-key": (with_key("1.0.1", NEW), with_key("1.0.0", ""), with_key("1.0.1", NEW)),
    "from-key-to-tag": (with_key("1.0.1", NEW), values(f"1.0.0@{OLD}"), values(f"1.0.1@{NEW}")),
    "no-place": (with_key("1.0.1", NEW), values("1.0.0"), values("1.0.1")),
    "cleared": (values("1.0.1"), values(f"1.0.0@{OLD}"), values("1.0.1")),
    "cleared-key": (values("1.0.1"), with_key("1.0.0", OLD), with_key("1.0.1", "")),
}


def test_the_digest_goes_along_or_is_cleared(make_deployments: DeploymentsMaker) -> None:
    own_image = {app: [text.replace(APP, f"{APP}/{app}") for text in texts] for app, texts in DIGESTS.items()}
    staging = {STAGING.format(app): texts[0] for app, texts in own_image.items()}
    made = make_deployments(staging | {PROD.format(app): texts[1] for app, texts in own_image.items()})

    result = made.merged("promote", "staging", "prod")

    after = {app: made.gitops.read(PROD.format(app)) for app in DIGESTS}
    assert after == {app: texts[2] for app, texts in own_image.items()}
    assert {change["app"] for change in result["changes"]} == DIGESTS.keys()
    assert made.run("promote", "staging", "prod")["status"] == "unchanged"


def test_the_source_has_its_tag_in_a_base(make_deployments: DeploymentsMaker) -> None:
    files = {"apps/app/values.yaml": values("1.0.1"), APP_STAGING: "replicas: 1\n", APP_PROD: "image:\n  tag: 1.0.0\n"}

    assert promoted(make_deployments(files)) == "image:\n  tag: 1.0.1\n"


@pytest.mark.parametrize("base", [f"image:\n  repository: {APP}\n", "replicas: 1\n"], ids=["repository", "nothing"])
def test_what_a_broken_file_runs_is_not_known(make_deployments: DeploymentsMaker, base: str) -> None:
    broken = f"image:\n  repository: {APP}\n  tag: 1.0.1\n bad: [\n"
    files = {STAGING.format("app"): broken, PROD.format("app"): values("1.0.0"), "apps/app/values.yaml": base}
    one = make_deployments(files)

    for arguments in (("promote", "staging", "prod"), ("bump", "staging", f"{APP}:1.0.2")):
        message = one.refused(*arguments)
        assert "apps/app/envs/staging/values.yaml:" in message
        assert "the file is not valid YAML" in message


def test_the_target_has_its_tag_in_a_base(make_deployments: DeploymentsMaker) -> None:
    files = {"apps/app/values.yaml": values("1.0.0"), APP_STAGING: "image:\n  tag: 1.0.1\n", APP_PROD: "replicas: 1\n"}

    message = make_deployments(files).refused("promote", "staging", "prod")

    assert f'add to {APP_PROD}\n  image:\n    tag: "1.0.1"' in message


def test_the_target_has_no_tag_at_all(make_deployments: DeploymentsMaker) -> None:
    files = two_environments("1.0.1", "1.0.0", "app", "other") | {APP_PROD: f"image:\n  repository: {APP}\n"}

    result = make_deployments(files).run("promote", "staging", "prod")

    assert moves(result) == [("other", "1.0.0", "1.0.1")]
    assert '  image:\n    tag: "1.0.1"' in result["warnings"][0]


def test_a_dry_run_changes_nothing(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments())

    result = made.run("promote", "staging", "prod", "--dry-run")

    assert result["status"] == "dry-run"
    assert "-  tag: 1.0.0\n+  tag: 1.0.1\n" in result["diff"]
    assert made.gitops.branches() == []


@pytest.mark.parametrize(("names", "code"), [(("prod", "prod"), 2), (("stagin", "prod"), 1), (("staging", "prd"), 1)])
def test_environments_that_cannot_be(make_deployments: DeploymentsMaker, names: tuple[str, str], code: int) -> None:
    made = make_deployments(two_environments())

    made.refused("promote", *names, code=code)

    assert made.gitops.branches() == []
