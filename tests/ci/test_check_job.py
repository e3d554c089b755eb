"""The component check in the GitOps project's merge request pipelines, run as GitLab's runner does it."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.ci.components import component
from tests.ci.job import Done, Runner
from tests.support.checkouts import CONFIG, IMAGE, PROD, STAGING, check_out, merge_request_variables, pinned
from tests.support.command_line import CommandLine
from tests.support.gitops import Gitops, GitopsMaker

REPORT = "bumper-code-quality.json"
Pipeline = Callable[..., Done]


@pytest.fixture
def gitops(make_gitops: GitopsMaker) -> Gitops:
    """A project whose target branch holds its configuration and two environments."""
    start = {"bumper.yaml": CONFIG, STAGING: pinned("1.0.0"), PROD: pinned("1.0.0", more="replicas: 2\n")}
    return make_gitops(start, "platform/checked")


def pipeline(runner: Runner, gitops: Gitops, iid: int, *, depth: int = 20, **inputs: object) -> Done:
    """The job in the newest pipeline of a merge request."""
    [job] = component("check").jobs(options="--no-verify", **inputs).values()
    folder = runner.folder / str(len(list(runner.folder.iterdir())))
    folder.mkdir()
    check_out(gitops, folder, gitops.api.get(f"/merge_requests/{iid}")["sha"], depth)
    here = replace(runner, folder=folder, variables={"BUMPER_TOKEN": os.environ["BUMPER_TOKEN"]})
    return here(job, **merge_request_variables(gitops, iid))


def propose(gitops: Gitops, branch: str, path: str, text: str) -> int:
    """A person's merge request; its number."""
    clone = gitops.person()
    clone.push_branch(branch, text, path=path)
    return int(gitops.api.open(branch)["iid"])


def test_persons_and_bumper_by_the_same_rules(runner: Runner, gitops: Gitops, bumper: CommandLine) -> None:
    person = propose(gitops, "quick", PROD, pinned("1.1.0", more="replicas: 2\n"))
    red = pipeline(runner, gitops, person, note=True)
    assert red.code == 1
    assert f"{PROD}:3: promote_from: prod takes backend from staging" in red.log
    assert "`bumper promote staging prod --app backend`" in red.log
    assert red.files == [REPORT]
    assert any("promote_from" in comment for comment in gitops.comments(person))

    gitops.merge(bumper.bump("staging", f"{IMAGE}:1.1.0")["merge_request"]["iid"])
    promoted = bumper("promote", "staging", "prod", "--no-verify", "--output", "json", code=0).json
    green = pipeline(runner, gitops, promoted["merge_request"]["iid"])
    assert green.code == 0, green.log
    gitops.merge(promoted["merge_request"]["iid"])

    back = bumper("rollback", "prod", "--no-verify", "--hold", "slow", "--output", "json", code=0).json
    assert pipeline(runner, gitops, back["merge_request"]["iid"]).code == 0
    gitops.merge(back["merge_request"]["iid"])

    gitops.merge(bumper.bump("staging", f"{IMAGE}:1.2.0")["merge_request"]["iid"])
    held = gitops.read(PROD)
    next_one = pipeline(runner, gitops, propose(gitops, "next", PROD, held.replace("1.0.0", "1.2.0")))
    assert (next_one.code, f"{PROD}:3: hold: " in next_one.log) == (1, True), next_one.log
    assert pipeline(runner, gitops, propose(gitops, "more", PROD, held.replace("2", "5"))).code == 0
    broken = pipeline(runner, gitops, propose(gitops, "config", "bumper.yaml", f"{CONFIG}x: 1\n"))
    assert (broken.code, "bumper.yaml:10: bumper.yaml: " in broken.log) == (1, True), broken.log
