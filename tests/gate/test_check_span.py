"""Where a change begins: in pipelines of GitLab's several kinds, whose checkouts are shallow, and in forks."""

from pathlib import Path

import pytest

from tests.sandbox.client import Clone
from tests.support.checkouts import (
    CONFIG,
    PROD,
    STAGING,
    LocalCheckout,
    check_out,
    merge_request_variables,
    pinned,
)
from tests.support.command_line import CommandLine
from tests.support.gitops import Gitops, GitopsMaker


@pytest.fixture
def gitops(make_gitops: GitopsMaker) -> Gitops:
    """Staging is at 1.1.0, prod at 1.0.0; the newest commits of the target branch are about something else."""
    made = make_gitops({"bumper.yaml": CONFIG, STAGING: pinned("1.0.0"), PROD: pinned("1.0.0")}, "platform/checked")
    made.push(pinned("1.1.0"), STAGING)
    return made


class Runner:
    """Checks merge requests out as GitLab's runner does, and sets its variables."""

    def __init__(self, gitops: Gitops, bumper: CommandLine, patch: pytest.MonkeyPatch) -> None:
        self._gitops, self._bumper, self._patch = gitops, bumper, patch

    def __call__(
        self, commit: str, iid: int = 1, kind: str = "detached", depth: int = 1, project: str | None = None
    ) -> LocalCheckout:
        folder = self._gitops.folder / f"job-{len(list(self._gitops.folder.iterdir()))}"
        folder.mkdir()
        check_out(self._gitops, folder, commit, depth, project)
        self._patch.chdir(folder)
        for name, value in merge_request_variables(self._gitops, iid, kind).items():
            self._patch.setenv(name, value)
        return LocalCheckout(folder, self._bumper)


@pytest.fixture
def runner(gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(gitops, bumper, monkeypatch)


def branch(clone: Clone, *changes: dict[str, str]) -> str:
    """A commit for each of the changes on a new branch, pushed; the newest one."""
    clone.git("checkout", "--quiet", "-B", "change")
    for number, files in enumerate(changes):
        commit = [clone.commit(text, path, f"Change {number}") for path, text in files.items()][-1]
    clone.git("push", "--quiet", "--force", "origin", "change")
    return commit


def test_a_shallow_checkout_is_deepened_and_left_as_it_was(gitops: Gitops, runner: Runner) -> None:
    clone = gitops.person()
    for number in range(4):
        gitops.push(f"{number}\n", "README.md")
    gitops.push(pinned("9.9.9"), "apps/other/envs/staging/values.yaml")  # not this change's
    bad = branch(clone, {PROD: pinned("1.0.0", more="a: 1\n")}, {PROD: pinned("9.9.9")}, {"README.md": "x\n"})

    checkout = runner(bad, depth=3)
    cut = Path(checkout.folder / ".git" / "shallow").read_text()
    assert checkout.rules() == [("promote_from", PROD, 3)]
    assert checkout.rules("--base", "origin/main") == [("promote_from", PROD, 3)]
    assert [change["app"] for change in checkout.check("--output", "json").json["changes"]] == ["backend"]
    assert Path(checkout.folder / ".git" / "shallow").read_text() == cut
    assert checkout.git("for-each-ref", "--format=%(refname)") == "refs/pipelines/7"

    assert runner(branch(clone, {PROD: pinned("1.1.0")}), depth=3).rules() == []


@pytest.mark.parametrize("kind", ["merged_result", "merge_train"])
def test_the_result_of_a_merge_is_compared_with_its_first_parent(gitops: Gitops, runner: Runner, kind: str) -> None:
    clone = gitops.person()
    branch(clone, {PROD: pinned("9.9.9", more="a: 1\n")}, {PROD: pinned("1.1.0")})
    gitops.push(pinned("rc"), "apps/other/envs/prod/values.yaml")  # on the target branch by now: not this change's
    clone.git("fetch", "--quiet", "origin", "main")
    clone.git("checkout", "--quiet", "-B", "merged", "origin/main")
    clone.git("merge", "--quiet", "--no-ff", "--no-edit", "change")
    clone.git("push", "--quiet", "origin", "merged")

    checkout = runner(clone.git("rev-parse", "HEAD"), kind=kind)
    assert checkout.rules() == []
    [change] = checkout.check("--output", "json").json["changes"]
    assert (change["from"]["tag"], change["to"]["tag"]) == ("1.0.0", "1.1.0")


def test_a_fork_is_judged_by_the_project_that_it_is_merged_into(gitops: Gitops, runner: Runner) -> None:
    """Its own target branch may hold anything: what staging ran there, and rules without promote_from."""
    gitops.sandbox.fork_project(gitops.project, "dora/checked")
    fork = Gitops(gitops.sandbox, gitops.folder, "dora/checked")
    fork.push(pinned("9.9.9"), STAGING)
    fork.push("environments: {}\n", "bumper.yaml")
    clone = gitops.person()
    commit = clone.commit(pinned("9.9.9"), PROD, "By hand")
    clone.git("push", "--quiet", fork.url.replace("http://", f"http://oauth2:{fork.api.token}@"), "HEAD:change")

    checkout = runner(commit, project=fork.project)
    assert checkout.rules() == [("promote_from", PROD, 3)]


def test_what_cannot_be_fetched_is_no_pass(gitops: Gitops, runner: Runner) -> None:
    checkout = runner(branch(gitops.person(), {PROD: pinned("9.9.9")}))
    checkout.git("remote", "remove", "origin")

    ran = checkout.check(code=4)
    assert "the checkout has no remote" in ran.err


def test_one_note_is_kept_up_to_date(gitops: Gitops, runner: Runner) -> None:
    """No second one, nobody else's, and not again where it says the same."""
    clone, others = gitops.person(), "<!-- bumper check -->\nMine"
    checkout = runner(branch(clone, {"README.md": "x\n"}))
    iid = gitops.api.open("change")["iid"]
    checkout.check("--note", code=0)
    assert gitops.comments(iid) == []  # nothing to tell

    gitops.api.post(f"/merge_requests/{iid}/notes", body=others)
    checkout = runner(branch(clone, {PROD: pinned("9.9.9")}), iid)
    for _ in range(2):
        checkout.check("--note", code=1)
    notes = gitops.api.get(f"/merge_requests/{iid}/notes")
    [own] = [note for note in notes if note["body"] != others and not note["system"]]
    assert own["author"]["username"].startswith("project_")
    assert own["updated_at"] == own["created_at"]
    assert "`prod` | `backend`" in own["body"]
    assert "promote_from" in own["body"]

    runner(branch(clone, {PROD: pinned("1.1.0")}), iid).check("--note", code=0)
    [changed] = [text for text in gitops.comments(iid) if text != others]
    assert "bumper.yaml allows this change" in changed
    runner(branch(clone, {PROD: pinned("1.0.0")}), iid).check("--note", code=0)
    assert sorted(gitops.comments(iid)) == sorted([others, "<!-- bumper check -->\n**bumper check**: no pin changes."])
