"""What networks, gateways and busy servers do to a request: retried where that helps, else one sentence and exit 4."""

import pytest

from bumper.http.transport import Limits
from bumper.sandbox import Sandbox
from tests.faults.proxy import LOST_ANSWER, SILENT, Fault, Proxy
from tests.faults.trial import COMMANDS, FAULTS, STAGING_FILE, Trials
from tests.support.gitops import values

# Every step of a bump that reaches for the network, by method and path.
STEPS = {
    "cloning": ("POST", "/git-upload-pack$"),
    "listing merge requests": ("GET", "/merge_requests$"),
    "pushing": ("POST", "/git-receive-pack$"),
    "opening a merge request": ("POST", "/merge_requests$"),
}
REFUSED_TOKEN = Fault(401, {"Content-Type": "application/json"}, b'{"message":"401 Unauthorized"}')
FOREVER = 1000


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("fault", ["502", "429", "cut"])
def test_every_request_fails_once(trials: Trials, proxy: Proxy, command: str, fault: str) -> None:
    trial = trials(command)
    proxy.fail_each_once(FAULTS[fault])

    trial.check(trial.run())

    assert proxy.injected == len(set(proxy.requests))


def test_each_request_of_a_bump_fails_by_itself(trials: Trials, proxy: Proxy) -> None:
    trials("bump").run()
    faults = list(FAULTS.values())
    for number in range(1, len(proxy.requests) + 1):
        trial = trials("bump")
        proxy.heal()
        proxy.fail(faults[number % len(faults)], nth=number)

        trial.check(trial.run())

    assert proxy.injected == number


@pytest.mark.parametrize(("step", "fault"), list(zip(STEPS, ["503", "reset"] * 2, strict=True)))
def test_what_does_not_pass_is_one_sentence_and_mended_by_a_rerun(
    trials: Trials, proxy: Proxy, step: str, fault: str
) -> None:
    trial = trials("bump")
    method, path = STEPS[step]
    proxy.fail(FAULTS[fault], method=method, path=path, times=FOREVER)

    message = trial.check_failed(trial.run())
    proxy.heal()

    assert message.startswith(f"{step} ")
    assert message.endswith("; try again.")
    assert proxy.url in message
    assert trial.gitops.merge_requests("all") == []
    trial.check(trial.run())


@pytest.mark.parametrize("step", STEPS)
def test_a_server_that_accepts_and_never_answers(
    trials: Trials, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr("bumper.gitlab.connection.LIMITS", Limits(timeouts=(1, 0.2)))
    monkeypatch.setenv("GIT_HTTP_LOW_SPEED_TIME", "1")  # git's own way past its configuration
    trial = trials("bump")
    method, path = STEPS[step]
    proxy.fail(SILENT, method=method, path=path, times=FOREVER)

    trial.check_failed(trial.run())


@pytest.mark.parametrize("step", ["cloning", "pushing", "opening a merge request"])
def test_a_token_that_is_revoked_half_way(trials: Trials, proxy: Proxy, step: str) -> None:
    trial = trials("bump")
    method, path = STEPS[step]
    proxy.fail(REFUSED_TOKEN, method=method, path=path, times=FOREVER)

    message = trial.check_failed(trial.run())
    proxy.heal()

    assert "refused the token in BUMPER_TOKEN" in message
    trial.check(trial.run())


def test_a_commit_whose_answer_was_lost_is_reported_as_pushed(trials: Trials, proxy: Proxy) -> None:
    trial = trials("bump", commits=True)
    proxy.fail(LOST_ANSWER, method="POST", path="/git-receive-pack$")

    ran = trial.run()

    assert (ran.code, ran.json["status"], ran.json["commit"]) == (0, "committed", trial.gitops.tip()), ran
    assert trial.gitops.read(STAGING_FILE) == values("1.0.2")
    assert trial.run().json["status"] == "unchanged"


def test_a_merge_request_that_stays_checking(trials: Trials, sandbox: Sandbox) -> None:
    sandbox.choose(mergeability_delay=float("inf"))
    trial = trials("bump")
    trial.run()
    trial.gitops.push("note: 1\n", "notes.yaml")

    again = trial.run()

    assert (again.code, again.json["merge_request"]["action"]) == (0, "unchanged")


def test_a_redirect_to_another_host_does_not_carry_the_token(trials: Trials, proxy: Proxy) -> None:
    trial = trials("bump")
    with Proxy(proxy.url) as elsewhere:
        there = elsewhere.url.replace("127.0.0.1", "localhost")
        project = trial.gitops.project.replace("/", "%2F")
        proxy.fail(
            Fault(302, {"Location": f"{there}/api/v4/projects/{project}/merge_requests"}), path="/merge_requests$"
        )

        trial.check_failed(trial.run())

        assert [
            headers for headers in elsewhere.headers if "authorization" in headers or "private-token" in headers
        ] == []
