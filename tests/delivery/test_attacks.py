"""What somebody with the role Developer can write, and what bumper does not believe of it."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

import pytest

from tests.faults.proxy import Proxy
from tests.sandbox.client import Api, Clone, run_git, with_token
from tests.support import forgeries
from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values
from tests.support.people import person
from tests.support.pipelines import pipeline

PROD_FILE = "apps/app/envs/prod/values.yaml"
CONFIG = """\
environments:
  staging: {values: "apps/{app}/envs/staging/values.yaml"}
  prod: {values: "apps/{app}/envs/prod/values.yaml", promote_from: [staging]}
"""


class Job(Protocol):
    """A bump of staging in a pipeline, by its number."""

    def __call__(self, number: int, tag: str, *more: str) -> Any: ...  # noqa: ANN401 - JSON


@pytest.fixture
def gitops(make_gitops: GitopsMaker) -> Gitops:
    return make_gitops({STAGING_FILE: values("1.0.0"), PROD_FILE: values("0.9.0"), "bumper.yaml": CONFIG})


@pytest.fixture
def mallory(gitops: Gitops) -> Api:
    token = gitops.sandbox.create_token("mallory", role="developer", kind="personal", project=gitops.project)
    return Api(gitops.sandbox, token, project=gitops.project.replace("/", "%2F"))


@pytest.fixture
def job(bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Job:
    def run(number: int, tag: str, *more: str) -> Any:  # noqa: ANN401 - JSON
        for name, value in pipeline(number).items():
            monkeypatch.setenv(name, value)
        return bumper.bump("staging", f"{APP}:{tag}", *more)

    return run


def clone_of(gitops: Gitops, mallory: Api, branch: str = "main") -> Clone:
    folder = gitops.folder / f"mallory-{len(list(gitops.folder.iterdir()))}"
    done = run_git("clone", "--quiet", "--branch", branch, with_token(gitops.url, mallory.token), str(folder))
    assert done.returncode == 0, done.stderr
    return Clone(folder)


def amend(gitops: Gitops, mallory: Api, branch: str, file: str, text: str) -> None:
    """Bumper's commit with another content; its message and trailers stay."""
    clone = clone_of(gitops, mallory, branch)
    (clone.folder / file).write_text(text)
    clone.git("add", file)
    clone.git("commit", "--quiet", "--amend", "--no-edit")
    clone.git("push", "--quiet", "--force", "origin", f"HEAD:{branch}")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (STAGING_FILE, values("6.6.6")),
        (STAGING_FILE, values("1.0.1", "registry.evil.example/team/app")),
        (STAGING_FILE, values("1.0.1") + "replicas: 0\n"),
        (PROD_FILE, values("1.0.1")),
    ],
    ids=["another tag", "another registry", "another line", "another environment's file"],
)
def test_an_amended_branch_is_made_again_before_it_is_merged(
    gitops: Gitops, bumper: CommandLine, mallory: Api, file: str, text: str
) -> None:
    first = bumper.bump("staging", f"{APP}:1.0.1")
    amend(gitops, mallory, first["branch"], file, text)

    again = bumper.bump("staging", f"{APP}:1.0.1", "--auto-merge", "--wait", "30")

    assert again["status"] == "merged"
    assert gitops.read(STAGING_FILE) == values("1.0.1")
    assert gitops.read(PROD_FILE) == values("0.9.0")


def test_a_submodule_that_was_put_into_bumpers_commit_is_not_merged(gitops: Gitops, bumper: CommandLine) -> None:
    branch = bumper.bump("staging", f"{APP}:1.0.1")["branch"]
    clone = person(gitops, "mallory").clone(branch)
    clone.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},charts/theirs")
    clone.git("commit", "--quiet", "--amend", "--no-edit")
    clone.git("push", "--quiet", "--force", "origin", f"HEAD:{branch}")

    assert bumper.bump("staging", f"{APP}:1.0.1", "--auto-merge", "--wait", "20")["status"] == "merged"

    assert "charts" not in gitops.git("ls-tree", "--name-only", "main")


@pytest.mark.parametrize("moved_on", [False, True], ids=["the target as it was", "the target moved on"])
@pytest.mark.parametrize("command", ["bump", "hold"])
def test_a_line_that_was_changed_at_another_place_is_made_again(
    make_gitops: GitopsMaker, bumper: CommandLine, command: str, *, moved_on: bool
) -> None:
    sidecar = values("1.0.0", "registry.example.com/team/sidecar").replace("image", "sidecar")
    two = values("1.0.0") + "# between\n" * 3 + sidecar
    gitops = make_gitops({STAGING_FILE: two})
    request = {
        "bump": ("bump", "staging", f"{APP}:1.0.1", "--no-verify"),
        "hold": ("hold", "staging", "--app", "app", "--image", APP, "--reason", "wait"),
    }[command]
    branch = bumper(*request, "--output", "json", code=0).json["branch"]
    proposed = gitops.read(STAGING_FILE, branch)
    [new] = set(proposed.splitlines()) - set(two.splitlines())
    if moved_on:
        gitops.push(f"# first\n{two}# last\n", STAGING_FILE)
    other = new.join(two.rsplit("  tag: 1.0.0", 1))
    person(gitops, "mallory").amend(other, STAGING_FILE, branch)

    bumper(*request, "--auto-merge", "--wait", "20", code=0)

    assert gitops.read(STAGING_FILE) == (f"# first\n{proposed}# last\n" if moved_on else proposed)


def test_a_commit_of_a_person_on_top_is_refused_and_never_merged(
    gitops: Gitops, bumper: CommandLine, mallory: Api
) -> None:
    first = bumper.bump("staging", f"{APP}:1.0.1")
    clone = clone_of(gitops, mallory, first["branch"])
    clone.commit(values("6.6.6"), STAGING_FILE, "mine")
    clone.git("push", "--quiet", "origin", f"HEAD:{first['branch']}")

    message = bumper.refused("staging", f"{APP}:1.0.1", "--auto-merge")

    assert "holds a commit by" in message
    assert gitops.read(STAGING_FILE) == values("1.0.0")


@pytest.mark.parametrize("order", [("1.0.1", "1.0.2"), ("1.0.2", "1.0.1")], ids=["the old first", "the new first"])
def test_an_update_that_was_interrupted_after_its_push_merges_what_the_next_request_asks_for(
    gitops: Gitops, bumper: CommandLine, order: tuple[str, str]
) -> None:
    bumper.bump("staging", f"{APP}:1.0.1")
    gitops.sandbox.fail_next("PUT", f"/projects/{gitops.project.replace('/', '%2F')}/merge_requests/1", status=500)
    assert bumper("bump", "staging", f"{APP}:1.0.2", "--no-verify").code == 4  # pushed; the merge request says 1.0.1

    for tag in order:
        done = bumper.bump("staging", f"{APP}:{tag}")
        [one] = gitops.merge_requests()
        assert gitops.read(STAGING_FILE, done["branch"]) == values(tag)
        assert (one["sha"], f" {tag} " in f"{one['title']} ") == (done["commit"], True)

    merged = bumper.bump("staging", f"{APP}:{order[1]}", "--auto-merge", "--wait", "30")
    assert (merged["status"], gitops.read(STAGING_FILE)) == ("merged", values(order[1]))


@pytest.mark.parametrize("tag", ["6.6.6", "latest"])
def test_a_rollback_to_a_tag_that_never_ran_there_obeys_promote_from(
    gitops: Gitops, bumper: CommandLine, tag: str
) -> None:
    ran = bumper("rollback", "prod", "--app", "app", "--to", tag, "--force", "--no-verify", code=1)

    assert "prod takes promotions only" in ran.err
    assert gitops.merge_requests("all") == []


@pytest.mark.parametrize("tag", ["--x", "a b", "a:b", "x" * 129])
def test_a_rollback_to_what_is_no_tag_is_wrong_usage(bumper: CommandLine, gitops: Gitops, tag: str) -> None:
    bumper("rollback", "prod", "--app", "app", f"--to={tag}", "--no-verify", code=2)

    assert gitops.branches() == []


def test_a_forks_merge_request_of_bumpers_branch_name_is_not_bumpers(
    gitops: Gitops, bumper: CommandLine, mallory: Api
) -> None:
    branch = bumper.bump("staging", f"{APP}:1.0.1", "--dry-run")["branch"]
    fork = gitops.sandbox.fork_project(gitops.project, "mallory/gitops")
    clone = Clone(gitops.folder / "fork")
    done = run_git("clone", "--quiet", with_token(fork, mallory.token), str(clone.folder))
    assert done.returncode == 0, done.stderr
    clone.commit(values("6.6.6"), STAGING_FILE, "mine")
    clone.git("push", "--quiet", "origin", f"HEAD:{branch}")
    other = Api(gitops.sandbox, mallory.token, project="mallory%2Fgitops")
    target = gitops.api.get("")["id"]
    theirs = other.post("/merge_requests", source_branch=branch, target_branch="main", title="x",
                        target_project_id=target)  # fmt: skip

    done_by_bumper = bumper.bump("staging", f"{APP}:1.0.1")

    assert done_by_bumper["merge_request"]["action"] == "opened"
    assert done_by_bumper["merge_request"]["iid"] != theirs["iid"]


def test_a_record_in_anybodys_open_merge_request_supersedes_nothing(gitops: Gitops, mallory: Api, job: Job) -> None:
    clone = clone_of(gitops, mallory)
    clone.commit(values("6.6.6"), STAGING_FILE, f"x\n\n{forgeries.trailers('6.6.6')}")
    clone.git("push", "--quiet", "origin", "HEAD:bumper/bump-staging-mine-00000000")
    mallory.post("/merge_requests", source_branch="bumper/bump-staging-mine-00000000", target_branch="main",
                 title="x", description=forgeries.description("6.6.6"))  # fmt: skip

    assert job(100, "1.0.1")["status"] == "proposed"


def forge_order(gitops: Gitops, branch: str, tag: str, *, keep: bool) -> None:
    """Rewrite bumper's commit for a tag and a newer pipeline: its own trailers edited (``keep``), or new ones."""
    message = forgeries.edited(gitops.git("log", "-1", "--format=%B", branch), tag)
    text = values(tag)
    person(gitops, "mallory").amend(text, STAGING_FILE, branch, message if keep else f"x\n\n{forgeries.trailers(tag)}")


def test_a_commit_whose_words_somebody_changed_is_made_again(gitops: Gitops, job: Job) -> None:
    first = job(100, "1.0.1")
    message = gitops.git("log", "-1", "--format=%B", first["branch"])
    person(gitops, "mallory").amend(values("1.0.1"), STAGING_FILE, first["branch"], f"Closes #7 by {message}")

    second = job(100, "1.0.1", "--auto-merge")

    assert (second["status"], second["merge_request"]["iid"]) == ("merged", 1)
    assert "Closes #7" not in gitops.git("log", "--format=%B", "main")


@pytest.mark.parametrize("keep", [True, False], ids=["trailers edited", "trailers written anew"])
def test_a_record_forged_while_gitlab_rebases_is_not_merged(
    gitops: Gitops, job: Job, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch, *, keep: bool
) -> None:
    branch = job(100, "1.0.1")["branch"]
    gitops.sandbox.choose(merge_method="ff")
    gitops.push("moved on\n", "NEWS.md")
    proposed = gitops.tip(branch)

    def forge() -> None:
        if gitops.tip(branch) != proposed and f"{forgeries.NUMBER}" not in gitops.git("log", "-1", branch):
            forge_order(gitops, branch, "1.0.1", keep=keep)

    with Proxy(gitops.sandbox.url) as proxy:
        monkeypatch.setenv("BUMPER_REPO", f"{proxy.url}/{gitops.project}.git")
        for _ in range(8):
            proxy.meanwhile(forge, method="GET", path="/merge_requests/1$")
        message = bumper.refused("staging", f"{APP}:1.0.1", "--auto-merge", code=5)

    assert "no longer holds what this request proposed" in message
    assert gitops.read(STAGING_FILE) == values("1.0.0")


@pytest.mark.parametrize("keep", [True, False], ids=["trailers edited", "trailers written anew"])
@pytest.mark.parametrize("tag", ["1.0.1", "6.6.6"])
def test_a_newer_pipeline_forged_on_bumpers_own_branch_supersedes_nothing(
    gitops: Gitops, job: Job, tag: str, *, keep: bool
) -> None:
    first = job(100, "1.0.1")
    forge_order(gitops, first["branch"], tag, keep=keep)

    second = job(101, "1.0.2")

    assert (second["status"], second["merge_request"]["iid"]) == ("proposed", 1)
    assert gitops.read(STAGING_FILE, second["branch"]) == values("1.0.2")
    assert job(100, "1.0.1")["status"] == "superseded"  # the honest order stays


@pytest.mark.parametrize("keep", [True, False], ids=["trailers edited", "trailers written anew"])
def test_a_commit_of_which_only_the_trailers_were_forged_is_made_again(gitops: Gitops, job: Job, *, keep: bool) -> None:
    gitops.api.put("", merge_method="ff")
    first = job(100, "1.0.1")
    forge_order(gitops, first["branch"], "1.0.1", keep=keep)

    again = job(100, "1.0.1", "--auto-merge", "--wait", "20")

    assert (again["status"], again["merge_request"]["action"]) == ("merged", "updated")
    message = gitops.git("log", "-1", "--format=%B", "main")
    assert (forgeries.DIGEST in message, str(forgeries.NUMBER) in message) == (False, False)


@pytest.mark.parametrize("keep", [True, False], ids=["trailers edited", "trailers written anew"])
def test_a_newer_pipeline_forged_on_a_branch_that_was_left_behind_supersedes_nothing(
    gitops: Gitops, job: Job, *, keep: bool
) -> None:
    first = job(100, "1.0.1")
    forge_order(gitops, first["branch"], "1.0.1", keep=keep)
    gitops.close(1)

    assert job(101, "1.0.2", "--reopen")["status"] == "proposed"


def test_a_newer_pipeline_forged_for_another_image_by_moving_the_branch_supersedes_nothing(
    gitops: Gitops, job: Job
) -> None:
    first = job(100, "1.0.1")
    job(105, "1.0.1")  # whose note is on the merge request
    forge_order(gitops, first["branch"], "6.6.6", keep=False)

    assert job(103, "1.0.2")["status"] == "proposed"


def test_a_newer_pipeline_forged_in_an_edited_record_that_a_person_merged_supersedes_nothing(
    gitops: Gitops, job: Job
) -> None:
    first = job(100, "1.0.1")
    forge_order(gitops, first["branch"], "1.0.1", keep=True)
    gitops.merge(1)

    assert job(101, "1.0.2")["status"] == "proposed"


@pytest.mark.parametrize(("minutes", "status"), [(-60, "superseded"), (60, "proposed")])
def test_a_forged_number_that_a_person_merged_stops_no_pipeline_that_began_later(
    gitops: Gitops, job: Job, monkeypatch: pytest.MonkeyPatch, minutes: int, status: str
) -> None:
    first = job(100, "1.0.1")
    forge_order(gitops, first["branch"], "1.0.1", keep=False)
    gitops.merge(1)
    began = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setenv("CI_PIPELINE_CREATED_AT", began.strftime("%Y-%m-%dT%H:%M:%SZ"))

    assert job(101, "1.0.2")["status"] == status


@pytest.mark.parametrize("keep", [True, False], ids=["trailers edited", "trailers written anew"])
def test_a_newer_pipeline_forged_in_the_merge_request_of_another_bot_supersedes_nothing(
    gitops: Gitops, job: Job, monkeypatch: pytest.MonkeyPatch, *, keep: bool
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("BUMPER_TOKEN", gitops.sandbox.create_token("other", project=gitops.project))
        first = job(100, "1.0.1")
    assert job(99, "1.0.2")["status"] == "superseded"
    forge_order(gitops, first["branch"], "1.0.1", keep=keep)

    assert job(101, "1.0.2")["status"] == "proposed"


def test_an_edited_description_of_bumpers_own_merge_request_supersedes_nothing(mallory: Api, job: Job) -> None:
    job(100, "1.0.1")
    mallory.put("/merge_requests/1", description=forgeries.description("6.6.6"))

    assert job(101, "1.0.2")["status"] == "proposed"


@pytest.mark.parametrize("left", ["nothing", forgeries.description("1.0.3").replace("999999", "7")])
def test_an_edited_description_does_not_hide_a_newer_pipelines_merge_request(
    gitops: Gitops, mallory: Api, job: Job, left: str
) -> None:
    job(101, "1.0.3")
    mallory.put("/merge_requests/1", description=left)

    older = job(100, "1.0.1", "--app", "app")

    assert (older["status"], older["merge_request"]["iid"]) == ("superseded", 1)
    assert [one["title"] for one in gitops.merge_requests()] == ["app 1.0.0 -> 1.0.3 in staging"]


def test_a_description_edited_after_the_merge_supersedes_nothing(gitops: Gitops, mallory: Api, job: Job) -> None:
    job(100, "1.0.1")
    gitops.merge(1)
    mallory.put("/merge_requests/1", description=forgeries.description("1.0.1"))

    assert job(101, "1.0.2")["status"] == "proposed"


def test_trailers_of_a_commit_that_sets_no_such_tag_supersede_nothing(gitops: Gitops, job: Job) -> None:
    clone = gitops.person()
    clone.commit(values("1.0.0") + "replicas: 2\n", STAGING_FILE, f"More replicas\n\n{forgeries.trailers('6.6.6')}")
    clone.git("push", "--quiet", "origin", "HEAD:main")

    assert job(100, "1.0.1")["status"] == "proposed"


def test_a_job_with_an_impossible_pipeline_id_stops_no_later_one(gitops: Gitops, job: Job) -> None:
    job(10**17, "1.0.1")
    gitops.merge(1)

    assert job(100, "1.0.2")["status"] == "proposed"


def test_a_newer_pipeline_that_found_its_values_proposed_is_remembered_by_bumpers_own_note(
    gitops: Gitops, mallory: Api, job: Job
) -> None:
    job(100, "1.0.1")
    job(105, "1.0.1")
    [note] = gitops.comments(1)
    mallory.post("/merge_requests/1/notes", body=note.replace("105", "999"))

    assert job(103, "1.0.0")["status"] in {"superseded", "unchanged"}
    gitops.merge(1)
    assert job(104, "1.0.2")["status"] == "superseded"
    assert job(106, "1.0.2")["status"] == "proposed"


def test_a_merge_request_that_was_given_another_target_is_not_merged_there(
    gitops: Gitops, bumper: CommandLine, mallory: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    bumper.bump("staging", f"{APP}:1.0.1")
    gitops.git("branch", "production", "main")
    with Proxy(gitops.sandbox.url) as proxy:
        monkeypatch.setenv("BUMPER_REPO", f"{proxy.url}/{gitops.project}.git")
        monkeypatch.setenv("BUMPER_GITLAB_URL", proxy.url)
        change_target = partial(mallory.put, "/merge_requests/1", target_branch="production")
        proxy.meanwhile(change_target, method="GET", path="/merge_requests/1$")
        ran = bumper("bump", "staging", f"{APP}:1.0.1", "--no-verify", "--auto-merge", "--wait", "5")

    assert (ran.code, gitops.read(STAGING_FILE, "production")) == (5, values("1.0.0")), ran
    assert "somebody has changed its target branch from main to production" in ran.err


def test_a_merge_request_into_another_branch_is_no_deployment_to_undo(
    gitops: Gitops, bumper: CommandLine, mallory: Api
) -> None:
    clone = clone_of(gitops, mallory)
    clone.commit(values("6.6.6"), PROD_FILE, "mine")
    clone.git("push", "--quiet", "origin", "HEAD:refs/heads/mine")
    clone.commit(values("0.9.0"), PROD_FILE, "back")
    clone.git("push", "--quiet", "origin", "HEAD:refs/heads/back")
    mallory.post("/merge_requests", source_branch="back", target_branch="mine", title="x")
    gitops.merge(1)

    ran = bumper("rollback", "prod", "--app", "app", "--mr", "1", "--no-verify", code=1)

    assert "!1 was merged into mine, not main" in ran.err


def test_a_squashed_commit_that_somebody_merged_elsewhere_tells_nothing_of_its_deployment(
    gitops: Gitops, bumper: CommandLine, job: Job, mallory: Api
) -> None:
    gitops.sandbox.choose(squash_option="always", merge_method="ff")
    job(100, "1.0.1")
    gitops.git("branch", "mallorys", "main")
    gitops.merge(1)
    clone = clone_of(gitops, mallory)
    clone.commit("mine\n", "README.md", f"x\n\n{forgeries.trailers('1.0.1')}")
    clone.git("push", "--quiet", "origin", "HEAD:refs/heads/evil")
    mallory.open("evil", target_branch="mallorys")
    gitops.merge(2)

    [deployment] = bumper("history", "staging", "--output", "json", code=0).json["deployments"]
    promoted = bumper("promote", "staging", "prod", "--no-verify", "--dry-run", "--output", "json", code=0).json

    assert deployment["merge_request"] == 1
    assert forgeries.DIGEST not in str(promoted)


@pytest.mark.parametrize("edit", ["", '"1.0.1"', '"changes":[['], ids=["as it was", "another tag", "no changes"])
def test_a_rollback_closes_the_promotions_of_what_it_takes_back(
    gitops: Gitops, bumper: CommandLine, mallory: Api, edit: str
) -> None:
    bumper.bump("staging", f"{APP}:1.0.1", "--auto-merge", "--wait", "30")
    promoted = bumper("promote", "staging", "prod", "--no-verify", "--output", "json", code=0).json
    [one] = gitops.merge_requests()
    if edit:
        description = one["description"].replace(edit, '"6.6.6"' if "1.0.1" in edit else '"x":[[')
        assert (
            mallory.put(f"/merge_requests/{one['iid']}", description=description)["description"] != one["description"]
        )

    bumper("rollback", "staging", "--app", "app", "--no-verify", code=0)

    iid = promoted["merge_request"]["iid"]
    assert gitops.api.get(f"/merge_requests/{iid}")["state"] == "closed"
    assert "rolled back in staging" in gitops.comments(iid)[-1]
