"""What the history of an environment says, whoever deployed and however it was merged."""

import pytest

from bumper.environments import gather
from bumper.errors import LookedFarEnough
from bumper.git.clone import clone
from bumper.git.past_commits import read_log
from bumper.records import changes
from bumper.settings import read_settings
from bumper.values.values_file import ValuesFile, read_values
from tests.support.deployments import PROD, STAGING, Deployments, DeploymentsMaker, moves, two_environments
from tests.support.gitops import APP, values

APP_PROD, OTHER_PROD = PROD.format("app"), PROD.format("other")

METHODS = {
    "merge commit": {"merge_method": "merge"},
    "semi-linear": {"merge_method": "rebase_merge"},
    "fast-forward": {"merge_method": "ff"},
    "squash": {"merge_method": "merge", "squash_option": "always"},
    "squash and fast-forward": {"merge_method": "ff", "squash_option": "always"},
}


@pytest.fixture
def one(make_deployments: DeploymentsMaker) -> Deployments:
    return make_deployments({APP_PROD: values("1.0.0")})


def test_the_json_is_the_contracts(one: Deployments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_USER_LOGIN", "carol")
    one.merged("bump", "prod", f"{APP}:1.0.1")

    result = one.run("history", "prod")

    [deployment] = result["deployments"]
    assert result == {"environment": "prod", "deployments": [deployment], "complete": True}
    assert deployment == {
        "commit": one.gitops.tip(),
        "at": one.gitops.git("log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ").strip(),
        "author": "carol",
        "merge_request": 1,
        "changes": [
            {
                "app": "app",
                "file": APP_PROD,
                "path": "image.tag",
                "line": 3,
                "image": APP,
                "from": {"tag": "1.0.0", "digest": None},
                "to": {"tag": "1.0.1", "digest": None},
            }
        ],
    }


@pytest.mark.parametrize("settings", METHODS.values(), ids=METHODS.keys())
def test_every_merge_method(
    make_deployments: DeploymentsMaker, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]
) -> None:
    made = make_deployments(two_environments("1.0.1", "1.0.0", "app", "other"))
    made.gitops.api.put("", **settings)
    monkeypatch.setenv("GITLAB_USER_LOGIN", "carol")
    made.merged("bump", "prod", f"{APP}:1.0.1", "--app", "app")
    made.merged("promote", "staging", "prod")
    monkeypatch.setenv("GITLAB_USER_LOGIN", "dave")
    made.merged("rollback", "prod", "--app", "other")

    found = made.run("history", "prod")["deployments"]
    after = made.merged("rollback", "prod", "--all-apps")

    assert [(one["author"], one["merge_request"]) for one in found] == [("dave", 3), ("carol", 2), ("carol", 1)]
    assert [moves(one) for one in found] == [
        [("other", "1.0.1", "1.0.0")],
        [("other", "1.0.0", "1.0.1")],
        [("app", "1.0.0", "1.0.1")],
    ]
    assert moves(after) == [("app", "1.0.1", "1.0.0")]
    assert moves(made.run("rollback", "prod", "--mr", "2", "--force")) == []


@pytest.mark.parametrize("settings", [METHODS["semi-linear"], METHODS["fast-forward"]])
def test_a_merge_request_that_gitlab_rebased(make_deployments: DeploymentsMaker, settings: dict[str, str]) -> None:
    made = make_deployments(two_environments("1.0.1", "1.0.0", "app", "other"))
    made.gitops.api.put("", **settings)
    iid = made.run("promote", "staging", "prod", "--app", "app")["merge_request"]["iid"]
    by_hand = made.tag(OTHER_PROD, "2.0.0")
    made.gitops.api.put(f"/merge_requests/{iid}/rebase")
    made.gitops.merge(iid)

    assert made.gitops.git("rev-list", "--first-parent", "main").split()[1] == by_hand
    assert made.history("prod") == [("app", "1.0.0", "1.0.1"), ("other", "1.0.0", "2.0.0")]
    assert made.run("history", "prod", "--app", "app")["deployments"][0]["merge_request"] == iid
    assert moves(made.run("rollback", "prod", "--app", "app")) == [("app", "1.0.1", "1.0.0")]
    assert moves(made.run("rollback", "prod", "--mr", str(iid))) == [("app", "1.0.1", "1.0.0")]


def test_a_persons_merge_request(one: Deployments) -> None:
    one.gitops.person().push_branch("by-hand", values("1.0.1"), path=APP_PROD)
    iid = one.gitops.api.open("by-hand")["iid"]
    one.gitops.merge(iid)

    [deployment] = one.run("history", "prod")["deployments"]

    assert (deployment["author"], deployment["merge_request"]) == ("Dora", iid)


def test_a_push_without_a_merge_request(one: Deployments) -> None:
    commit = one.tag(APP_PROD, "1.0.1")

    [deployment] = one.run("history", "prod")["deployments"]

    assert (deployment["commit"], deployment["author"], deployment["merge_request"]) == (commit, "Dora", None)


def test_what_is_merged_counts_where_it_reached_the_branch(one: Deployments) -> None:
    """Commits of a branch, one of which takes the other back, are no deployments of their own."""
    clone = one.gitops.person()
    clone.push_branch("by-hand", values("1.0.1"), path=APP_PROD)
    clone.commit(values("1.0.2"), APP_PROD)
    clone.git("push", "--quiet", "origin", "by-hand")
    one.gitops.merge(one.gitops.api.open("by-hand")["iid"])

    assert one.history("prod") == [("app", "1.0.0", "1.0.2")]


def test_other_environments_and_other_changes_are_left_out(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments("1.0.0", "1.0.0"))
    made.tag(STAGING.format("app"), "1.0.1")
    made.commit({APP_PROD: values("1.0.0") + "replicas: 2\n"})
    made.commit({APP_PROD: values("1.0.0 # bumper: hold") + "replicas: 2\n"})
    made.commit({"README.md": "text\n"})

    assert made.history("prod") == []
    assert made.bumper("history", "prod", code=0).out == "prod: no deployment in the history\n"


def test_app_globs(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments({APP_PROD: values("1.0.0"), OTHER_PROD: values("1.0.0")})
    made.tag(APP_PROD, "1.0.1")
    made.tag(OTHER_PROD, "1.0.2")

    assert made.history("prod", "--app", "oth*") == [("other", "1.0.0", "1.0.2")]
    assert "no application of prod is called 'x'" in made.refused("history", "prod", "--app", "x")


def test_the_table_for_people(one: Deployments) -> None:
    one.merged("bump", "prod", f"{APP}:1.0.1")

    heading, line = one.bumper("history", "prod", code=0).out.splitlines()
    verbose = one.bumper("history", "prod", "-v", code=0).out

    assert heading.split() == ["WHEN", "APP", "IMAGE", "FROM", "TO", "WHO", "MR"]
    assert line.endswith("  app  app    1.0.0  1.0.1  bumper  !1")
    assert f"app  {APP}  1.0.0  1.0.1  bumper  !1  {one.gitops.tip()[:12]}\n" in verbose


def test_a_file_that_begins_is_no_deployment(one: Deployments) -> None:
    one.tag(OTHER_PROD, "1.0.0")
    one.tag(OTHER_PROD, "1.0.1")

    assert one.history("prod") == [("other", "1.0.0", "1.0.1")]


def test_a_version_that_is_not_yaml_is_passed_over(one: Deployments) -> None:
    one.tag(APP_PROD, "1.0.1")
    one.commit({APP_PROD: "image: [\n"})
    one.tag(APP_PROD, "1.0.2")

    assert one.history("prod") == [("app", "1.0.0", "1.0.1")]


MOVED = "other.example.com/team/app"


def test_an_image_that_moved_to_another_repository_is_a_deployment(one: Deployments) -> None:
    one.commit({APP_PROD: values("1.0.1", MOVED)})

    [deployment] = one.run("history", "prod")["deployments"]

    assert deployment["changes"][0]["image"] == MOVED
    assert deployment["changes"][0]["from"] == {"tag": "1.0.0", "digest": None, "image": APP}
    assert deployment["changes"][0]["to"] == {"tag": "1.0.1", "digest": None}
    assert f"{MOVED}  {APP}:1.0.0  1.0.1" in one.bumper("history", "prod", code=0).out


@pytest.mark.parametrize("more", [(), ("--force",), ("--to", "1.0.0"), ("--to", "1.0.0", "--force")])
def test_no_rollback_sets_an_old_tag_on_another_image(one: Deployments, more: tuple[str, ...]) -> None:
    one.tag(APP_PROD, "1.0.1")
    one.commit({APP_PROD: values("1.0.2", MOVED)})

    message = one.refused("rollback", "prod", "--app", "app", *more)

    assert APP in message
    assert MOVED in message


def test_the_same_image_in_another_registry_is_no_other_image(one: Deployments) -> None:
    one.commit({"bumper.yaml": f"same_as:\n- [{APP.partition('/')[0]}, {MOVED.partition('/')[0]}]\n"})
    one.commit({APP_PROD: values("1.0.0", MOVED)})
    one.commit({APP_PROD: values("1.0.1", MOVED)})

    assert one.history("prod") == [("app", "1.0.0", "1.0.1")]


@pytest.mark.parametrize("more", [(), ("--app", "app")])
@pytest.mark.parametrize("together", [True, False])
def test_the_image_is_the_one_that_the_shared_values_named_then(
    make_deployments: DeploymentsMaker,
    more: tuple[str, ...],
    together: bool,  # noqa: FBT001 - a parameter
) -> None:
    base, overlay = "apps/app/values.yaml", "image:\n  tag: {}\n"
    made = make_deployments({base: values("0"), APP_PROD: overlay.format("1.0.0")})
    made.commit({APP_PROD: overlay.format("1.0.1")})
    made.commit({base: values("0", MOVED), **({APP_PROD: overlay.format("1.0.2")} if together else {})})

    found = made.run("history", "prod", *more)["deployments"]

    images = [(one["changes"][0]["image"], one["changes"][0]["from"].get("image")) for one in found]
    assert images == [*([(MOVED, APP)] if together else []), (APP, None)]
    for back in ([], ["--to", "1.0.0"], ["--force", "--steps", "2"] if together else ["--force"]):
        assert f"belonged to {APP}" in made.refused("rollback", "prod", *more, *back)


def test_how_far_back(one: Deployments) -> None:
    for number in range(1, 4):
        one.tag(APP_PROD, f"1.0.{number}")

    cut = one.run("history", "prod", "--limit", "2")
    whole = one.run("history", "prod", "--limit", "3")
    young = one.run("history", "prod", "--since", whole["deployments"][1]["at"])
    shown = one.bumper("history", "prod", "--limit", "2", code=0).out

    assert [(len(found["deployments"]), found["complete"]) for found in (cut, whole)] == [(2, False), (3, True)]
    assert young["complete"]
    assert whole["deployments"][1] in young["deployments"]
    assert one.run("history", "prod", "--since", "2100-01-01")["deployments"] == []
    assert shown.splitlines()[-1].startswith("older ones are left out; ")


@pytest.mark.parametrize("options", [("--since", "yesterday"), ("--since", "2026-01-01", "--limit", "1")])
def test_how_far_back_cannot_be(one: Deployments, options: tuple[str, ...]) -> None:
    assert "--since" in one.refused("history", "prod", *options, code=2)


def test_a_whole_environment_takes_few_requests(make_deployments: DeploymentsMaker) -> None:
    apps = [f"app{number}" for number in range(30)]
    made = make_deployments({PROD.format(app): values("1.0.0") for app in apps})
    for app in apps:
        made.tag(PROD.format(app), "1.0.1")
    sandbox = made.gitops.sandbox
    before = len(sandbox.requests)

    found = made.history("prod")

    asked = [path.partition("?")[0].rpartition("/")[2] for _, path in sandbox.requests[before:]]
    assert len(found) == len(apps)
    assert asked.count("refs") <= 5  # one for the clone, one for each fetch
    assert len([name for name in asked if name in {"commits", "merge_requests"}]) <= 10


def test_without_the_api_no_commit_is_lost(one: Deployments, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one stretch of the log ends, the next one begins."""
    for number in range(1, 9):
        one.tag(APP_PROD, f"1.0.{number}")
    monkeypatch.setenv("CI_JOB_TOKEN", one.gitops.api.token)
    monkeypatch.delenv("BUMPER_TOKEN")
    environ = {"CI_JOB_TOKEN": one.gitops.api.token}
    settings = read_settings(environ, repo=one.gitops.url, branch=None, gitlab_url=None)

    with clone(settings, environ) as checkout:
        with pytest.raises(LookedFarEnough):
            list(read_log(checkout, (2, 4)))
        messages = [past.commit.id for commits in read_log(checkout, (5, 7, 20)) for past in commits]

    assert messages == one.gitops.git("rev-list", "--first-parent", "main").split()
    assert len(one.history("prod")) == 8


class TestAnotherApplicationsFile:
    """A file that goes away in the commit that adds another one is that one's past only if it held the same images."""

    def test_of_another_image(self, one: Deployments) -> None:
        more = "\n".join(f"key{number}: {number}" for number in range(20))
        one.commit({APP_PROD: f"{values('1.0.0')}{more}\n"})
        one.commit({APP_PROD: f"{values('1.0.1')}{more}\n"})
        one.commit({APP_PROD: None, OTHER_PROD: f"{values('7.0.0', 'registry.example.com/team/other')}{more}\n"})

        assert one.history("prod") == []
        assert "no deployment of other" in one.refused("rollback", "prod", "--app", "other")

    def test_that_only_its_shared_values_name(self, make_deployments: DeploymentsMaker) -> None:
        base, overlay = "apps/{}/values.yaml", "image:\n  tag: {}\n"
        made = make_deployments(
            {
                base.format("app"): values("0"),
                APP_PROD: overlay.format("1.0.0"),
                base.format("other"): values("0", "registry.example.com/team/other"),
            }
        )
        made.commit({APP_PROD: overlay.format("1.0.1")})
        made.commit({APP_PROD: None, OTHER_PROD: overlay.format("1.0.1")})
        made.commit({OTHER_PROD: overlay.format("2.0.0")})

        assert made.history("prod", "--app", "other") == [("other", "1.0.1", "2.0.0")]

    def test_of_another_environment(self, one: Deployments) -> None:
        """What ran in staging is nothing that prod could be rolled back to, past its rules."""
        staging = STAGING.format("app")
        one.commit({staging: values("1.0.1-rc"), APP_PROD: None})
        one.commit({staging: values("1.0.2-rc")})
        one.commit({staging: None, APP_PROD: values("1.0.2")})

        assert one.history("prod") == []
        assert "no deployment of app" in one.refused("rollback", "prod", "--app", "app")


def test_a_list_that_was_rearranged_is_no_deployment(make_deployments: DeploymentsMaker) -> None:
    """The place of a component in a list says nothing of it: undone, each would get another's tag."""
    old, new, more = (f"- {{name: {name}, image: '{APP}:1.0.{tag}'}}\n" for name, tag in ("a1", "b5", "c7"))
    made = make_deployments({APP_PROD: f"jobs:\n{old}{new}"})
    made.commit({APP_PROD: f"jobs:\n{new}{old}"})
    assert made.history("prod") == []

    made.commit({APP_PROD: f"jobs:\n{more.replace('app', 'other')}{new}{old}"})
    made.commit({APP_PROD: f"jobs:\n{more.replace('app', 'other')}{new.replace('.5', '.6')}{old}"})
    assert made.history("prod") == [("app", "1.0.5", "1.0.6")]


def test_a_pin_that_moved_within_its_file_is_the_same(one: Deployments) -> None:
    nested = "web:\n  image: {{repository: {}, tag: {}}}\n"
    one.commit({APP_PROD: nested.format(APP, "1.0.1")})
    one.commit({APP_PROD: nested.format(APP, "1.0.1").replace("web", "api")})

    assert one.history("prod") == [("app", "1.0.0", "1.0.1")]


class TestRenamed:
    """The past of a file goes on under its old name."""

    def test_with_the_shared_values_that_name_its_image(self, make_deployments: DeploymentsMaker) -> None:
        base, overlay = "apps/{}/values.yaml", "image:\n  tag: {}\n"
        made = make_deployments({base.format("app"): values("0"), APP_PROD: overlay.format("1.0.0")})
        made.commit({APP_PROD: overlay.format("1.0.1")})
        gone = {base.format("app"): None, APP_PROD: None}
        made.commit({**gone, base.format("other"): values("0"), OTHER_PROD: overlay.format("1.0.1")})

        assert made.history("prod") == [("other", "1.0.0", "1.0.1")]

    def test_without_an_edit(self, one: Deployments) -> None:
        one.tag(APP_PROD, "1.0.1")
        one.commit({APP_PROD: None, OTHER_PROD: values("1.0.1")})
        one.tag(OTHER_PROD, "1.0.2")

        assert one.history("prod") == [("other", "1.0.1", "1.0.2"), ("other", "1.0.0", "1.0.1")]
        assert moves(one.run("rollback", "prod", "--steps", "2")) == [("other", "1.0.2", "1.0.0")]

    def test_with_an_edit(self, one: Deployments) -> None:
        one.tag(APP_PROD, "1.0.1")
        one.commit({APP_PROD: None, OTHER_PROD: values("1.0.2")})

        assert one.history("prod") == [("other", "1.0.1", "1.0.2"), ("other", "1.0.0", "1.0.1")]

    def test_twice(self, one: Deployments) -> None:
        one.tag(APP_PROD, "1.0.1")
        one.commit({APP_PROD: None, PROD.format("second"): values("1.0.1")})
        one.tag(PROD.format("second"), "1.0.2")
        one.commit({PROD.format("second"): None, OTHER_PROD: values("1.0.2")})
        one.tag(OTHER_PROD, "1.0.3")

        assert [after for _, _, after in one.history("prod", "--app", "other")] == ["1.0.3", "1.0.2", "1.0.1"]

    @pytest.mark.parametrize("below", ["apps/{}/values.yaml", "apps/{}/envs/prod/common.yaml"])
    def test_twice_with_the_values_that_name_the_image(self, make_deployments: DeploymentsMaker, below: str) -> None:
        """A base, or another of the environment's own files."""
        named, files = f"image:\n  repository: {APP}\n", [below.format("{app}"), PROD.format("{app}")]
        key = f"values: {files}" if "prod" in below else f"base: '{files[0]}', values: '{files[1]}'"
        made = make_deployments({
            "bumper.yaml": f"environments: {{prod: {{{key}}}}}\n", below.format("app"): named,
            APP_PROD: "image:\n  tag: 1.0.0\n",
        })  # fmt: skip
        made.commit({APP_PROD: "image:\n  tag: 1.0.1\n"})
        for old, new in (("app", "second"), ("second", "other")):
            moved = {below: named, PROD: "image:\n  tag: 1.0.1\n"}
            gone: dict[str, str | None] = {path.format(old): None for path in moved}
            made.commit(gone | {path.format(new): text for path, text in moved.items()})

        assert made.history("prod") == [("other", "1.0.0", "1.0.1")]

    def test_a_merged_rename(self, one: Deployments) -> None:
        one.tag(APP_PROD, "1.0.1")
        clone = one.gitops.person()
        clone.git("checkout", "--quiet", "-b", "rename")
        (clone.folder / OTHER_PROD).parent.mkdir(parents=True)
        clone.git("mv", APP_PROD, OTHER_PROD)
        clone.git("commit", "--quiet", "-m", "Rename")
        clone.git("push", "--quiet", "origin", "rename")
        one.gitops.merge(one.gitops.api.open("rename")["iid"])

        assert one.history("prod") == [("other", "1.0.0", "1.0.1")]

    @pytest.mark.parametrize("new_tag", ["1.0.1", "1.0.2"])
    def test_a_folder_whose_environments_are_alike(self, make_deployments: DeploymentsMaker, new_tag: str) -> None:
        """Git pairs files by their content alone, and staging's is prod's after a promotion."""
        made = make_deployments(two_environments("0.9.0", "1.0.0"))
        made.tag(STAGING.format("app"), "1.0.1")
        made.tag(APP_PROD, "1.0.1")
        gone = dict.fromkeys([STAGING.format("app"), APP_PROD])
        made.commit({**gone, STAGING.format("other"): values("1.0.1"), OTHER_PROD: values(new_tag)})

        now = [] if new_tag == "1.0.1" else [("other", "1.0.1", "1.0.2")]
        assert made.history("prod") == [*now, ("other", "1.0.0", "1.0.1")]
        assert made.history("staging") == [("other", "0.9.0", "1.0.1")]


def test_each_version_of_a_file_is_read_once(
    make_deployments: DeploymentsMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_deployments({APP_PROD: "image:\n  tag: 1.0.0\n", "apps/app/values.yaml": values("0")})
    for number in range(1, 5):
        made.gitops.commit({APP_PROD: f"image:\n  tag: 1.0.{number}\n"})
    read: list[tuple[str, bytes]] = []

    def noted(name: str, source: bytes) -> ValuesFile:
        read.append((name, source))
        return read_values(name, source)

    for module in (changes, gather):
        monkeypatch.setattr(module, "read_values", noted)

    result = made.run("history", "prod")

    assert [one["changes"][0]["to"]["tag"] for one in result["deployments"]] == ["1.0.4", "1.0.3", "1.0.2", "1.0.1"]
    assert len(read) == len(set(read)) == 6
