"""The jobs that others include or copy, run as GitLab's runner does."""

from pathlib import Path
from typing import Any

import pytest

from tests.ci.components import component, example
from tests.ci.job import Done, Runner
from tests.ci.test_schema import BLOCKS
from tests.support.gitops import STAGING_FILE, Gitops, GitopsMaker, values
from tests.support.verified import DIGEST, REPOSITORY, VerifiedMaker

IMAGE = "registry.tbank.local/backend/app"
FILE = "apps/backend/envs/{}/values.yaml"
PUSHED = Path(__file__).parents[2] / "fixtures" / "push_events" / "distribution.json"


def job(name: str, **inputs: object) -> Any:  # noqa: ANN401 - YAML
    [only] = component(name).jobs(**inputs).values()
    return only


def plain(name: str) -> Any:  # noqa: ANN401 - YAML
    """A copied job, which asks no registry here."""
    copied = example("plain")[name]
    return copied | {"script": [line.replace("--dotenv", "--no-verify --dotenv") for line in copied["script"]]}


def proposed(done: Done, iid: int, url: str, tag: str) -> None:
    assert done.code == 0, done.log
    branch = done.dotenv.pop("BUMPER_BRANCH_NAME")
    assert branch.startswith("bumper/")
    assert done.dotenv == {
        "BUMPER_STATUS": "proposed",
        "BUMPER_MR_IID": str(iid),
        "BUMPER_MR_URL": f"{url.removesuffix('.git')}/-/merge_requests/{iid}",
        "BUMPER_TAG": tag,
        "BUMPER_ROLLBACK_IID": "",
        "BUMPER_ROLLBACK_URL": "",
    }


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_bump_opens_the_merge_request(runner: Runner, make_verified: VerifiedMaker, shell: str) -> None:
    made = make_verified({STAGING_FILE: values("0.9.0", "{image}")})
    bump = job("bump", environment="staging", images="$CI_REGISTRY_IMAGE:$CI_COMMIT_TAG", repo=made.gitops.url)
    token = made.gitops.sandbox.create_token("bumper", project=made.gitops.project)

    done = runner(
        bump, shell, CI_REGISTRY_IMAGE=f"{made.registry.host}/{REPOSITORY}", CI_COMMIT_TAG="1.0.0", BUMPER_TOKEN=token
    )

    proposed(done, 1, made.gitops.url, "1.0.0")
    [shown] = made.gitops.merge_requests()
    assert DIGEST in shown["description"]
    assert "https://gitlab.example.com/team/app/-/pipelines/7" in shown["description"]


def test_two_environments_and_several_images_in_one_pipeline(runner: Runner, gitops: Gitops) -> None:
    images = f"{IMAGE}:1.0.3  registry.tbank.local/frontend/web:2.3.1"

    staging = runner(job("bump", environment="staging", images=images, options="--no-verify --allow-missing"))
    dev = runner(job("bump", environment="dev", images=images, options=" --no-verify --allow-missing --label a*"))

    assert (staging.dotenv["BUMPER_MR_IID"], dev.dotenv["BUMPER_MR_IID"]) == ("1", "2"), (staging.log, dev.log)
    assert gitops.merge_requests()[0]["labels"] == ["a*"]


def test_from_the_push_to_production_and_back(runner: Runner, gitops: Gitops) -> None:
    options = "--no-verify"
    jobs = [
        job("bump", environment="staging", options=options),
        job("promote", source="staging", target="prod", app="front*", options=options),
        job("rollback", environment="prod", hold="ошибка 'оплаты' & $5", options=options),
    ]

    for iid, (one, what) in enumerate(zip(jobs, ("01234567", "01234567", "1.0.1"), strict=True), start=1):
        proposed(runner(one, BUMPER_STEP_APP="backend"), iid, gitops.url, what)  # as who starts it may say
        gitops.merge(iid)

    [line] = [line for line in gitops.read(FILE.format("prod")).splitlines() if "tag:" in line]
    assert 'tag: "1.0.1"' in line
    assert "ошибка 'оплаты' &" in line


def test_the_job_of_the_readme_opens_the_merge_request(runner: Runner, gitops: Gitops) -> None:
    copied = BLOCKS[0]["bump-staging"]

    done = runner(copied | {"script": [f"{copied['script']} --no-verify"]})  # its container image has bumper

    assert done.code == 0, done.log
    [shown] = gitops.merge_requests()
    assert "-> 01234567 in staging" in shown["title"]


def test_the_plain_jobs_do_the_same(runner: Runner, gitops: Gitops) -> None:
    tags = {"bump-staging": "01234567", "promote-prod": "01234567,2026.1.1,v2.3.0", "rollback-prod": "1.0.1"}

    for iid, (name, tag) in enumerate(tags.items(), start=1):
        proposed(runner(plain(name), APP="backend", HOLD_REASON="payment errors"), iid, gitops.url, tag)
        gitops.merge(iid)

    assert "payment errors" in gitops.read(FILE.format("prod"))


def test_a_webhook_bumps_what_was_pushed(runner: Runner, make_verified: VerifiedMaker) -> None:
    made = make_verified({STAGING_FILE: values("0.9.0", "{image}")})
    payload = PUSHED.read_text().replace("registry.tbank.local:5000", made.registry.host)
    payload = payload.replace("backend/app", REPOSITORY).replace("1.0.3", "1.0.0")
    body = runner.folder / "payload"
    body.write_text(payload.replace(f"sha256:{'1' * 64}", DIGEST))
    token = made.gitops.sandbox.create_token("bumper", project=made.gitops.project)
    [pushed] = example("webhook").values()

    done = runner(
        pushed, TRIGGER_PAYLOAD=str(body), CI_PIPELINE_SOURCE="trigger", BUMPER_REPO=made.gitops.url, BUMPER_TOKEN=token
    )

    proposed(done, 1, made.gitops.url, "1.0.0")
    assert made.gitops.read(STAGING_FILE, made.gitops.branches()[0]) == values("1.0.0", made.image)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"wait_deployed": "20m"}, "--wait-deployed asks Argo CD about staging, and bumper.yaml does not say which"),
        ({"steady": "15m"}, "--steady is about what Argo CD reports; add --wait-deployed"),
        ({"rollback_on_failure": True}, "--rollback-on-failure is about what Argo CD reports; add --wait-deployed"),
    ],
)
def test_a_job_watches_what_it_is_asked_to(runner: Runner, inputs: dict[str, object], words: str) -> None:
    bump = job("bump", environment="staging", images=f"{IMAGE}:1.0.3", options="--no-verify", **inputs)

    assert words in runner(bump).log
    assert (bump["timeout"], bump["artifacts"]["when"]) == ("1h 30m", "always")


@pytest.mark.parametrize("name", ["bump", "promote", "rollback"])
def test_no_input_is_run_by_the_shell(runner: Runner, gitops: Gitops, name: str) -> None:
    """What comes from a branch's name, say; GitLab puts it into the variables."""
    texts = {one for one, spec in component(name).header["spec"]["inputs"].items() if spec["type"] == "string"}
    free = texts - {"environment", "source", "target", "job_prefix", "repo"}
    needed = {"source": "staging", "target": "prod"} if name == "promote" else {"environment": "staging"}
    inputs = dict.fromkeys(free, "$CI_COMMIT_REF_NAME")
    names = """x'";touch${IFS}a;$(touch${IFS}b)`touch${IFS}c`|touch${IFS}d&&*"""

    for given in inputs, inputs | {"options": "", "repo": "$CI_COMMIT_REF_NAME"}:
        done = runner(job(name, **needed, **given), CI_COMMIT_REF_NAME=names)
        assert (done.code in {1, 2}, done.files) == (True, []), done.log

    assert gitops.branches() == []


def test_a_job_is_tried_again_where_that_may_help(runner: Runner) -> None:
    """An unknown environment or body stays one; a token that is refused may be renewed."""
    bump, rollback = job("bump", environment="unknown", images=f"{IMAGE}:1.0.3"), job("rollback", environment="staging")
    [webhook] = example("webhook").values()
    copied = [plain(name) for name in ("bump-staging", "promote-prod", "rollback-prod")]
    (runner.folder / "payload").write_text("no notification")
    repository, token = runner.variables["BUMPER_REPO"], runner.variables["BUMPER_TOKEN"]

    codes = [
        runner(bump).code,
        runner(webhook, TRIGGER_PAYLOAD="payload", BUMPER_REPO=repository, BUMPER_TOKEN=token).code,
        runner(rollback, BUMPER_TOKEN="revoked").code,
        runner(copied[1], BUMPER_TOKEN="revoked").code,
    ]

    assert codes == [1, 1, 4, 4]
    for one in (bump, job("promote", source="staging", target="prod"), rollback, webhook, *copied):
        assert (one["retry"]["max"], 4 in one["retry"]["exit_codes"], 1 in one["retry"]["exit_codes"]) == (
            2,
            True,
            False,
        )


def test_an_unavailable_server_is_tried_again(runner: Runner, gitops: Gitops) -> None:
    bump = job("bump", environment="staging")
    gitops.sandbox.fail_next("*", "/platform/gitops.git/", 503, times=99)

    done = runner(bump)

    assert (done.code, done.dotenv, done.code in bump["retry"]["exit_codes"]) == (4, {}, True), done.log


def test_the_container_image_may_bring_bumper_or_pip(runner: Runner, make_gitops: GitopsMaker) -> None:
    """Nothing is installed where bumper is there; else pip gets files whose hashes are known, or the job ends."""
    gitops = make_gitops({STAGING_FILE: values("0.9.0")})
    bump = job("bump", environment="staging", requirements="bumper.txt")
    (runner.folder / "pip").write_text('#!/bin/sh\necho "pip $*" >&2\nexit 1\n')
    (runner.folder / "pip").chmod(0o755)

    path = f"{runner.folder}:/usr/bin:/bin"
    installed = runner(bump, "/bin/sh", PATH=path, BUMPER_REPO=gitops.url)
    nothing = runner(job("bump", environment="staging"), "/bin/sh", PATH=path, BUMPER_REPO=gitops.url)

    assert (installed.code, installed.log) == (1, "pip install --quiet --require-hashes --requirement bumper.txt\n")
    assert nothing.code != 0
    assert "is empty and the container image has no bumper" in nothing.log
