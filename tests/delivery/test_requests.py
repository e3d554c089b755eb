"""How many requests a bump in a GitLab CI job makes: each is 30 to 80 ms, and GitLab limits their rate."""

from collections.abc import Iterator

import pytest

from tests.support.command_line import CommandLine
from tests.support.front import Front
from tests.support.gitops import Gitops
from tests.support.pipelines import pipeline
from tests.support.serving import ServingThread

IMAGE = "registry.tbank.local/backend/app"
SOURCE = {
    "CI": "true", "CI_PROJECT_PATH": "backend/app", "CI_COMMIT_SHA": "a" * 40, "CI_COMMIT_REF_NAME": "main",
    "CI_COMMIT_AUTHOR": "Dora <dora@example.org>",
}  # fmt: skip


@pytest.fixture
def counter(gitops: Gitops, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    counter = Front(gitops.sandbox.url)
    serving = ServingThread(counter)
    serving.start()
    monkeypatch.setenv("BUMPER_REPO", f"{counter.url}/{gitops.project}.git")
    for name, value in (SOURCE | {"CI_PROJECT_URL": f"{counter.url}/backend/app"}).items():
        monkeypatch.setenv(name, value)
    yield counter
    serving.stop()


def requests(gitops: Gitops) -> list[tuple[str, str]]:
    """All that reached the server but its own hooks."""
    return [one for one in gitops.sandbox.requests if "/-/hooks/" not in one[1] and not one[1].endswith("-receive")]


def test_a_new_merge_request_takes_fourteen_an_update_nineteen_and_the_api_one_connection(
    gitops: Gitops, bumper: CommandLine, counter: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for number, tag in enumerate(("1.0.5", "1.0.6"), 100):
        for name, value in pipeline(number).items():
            monkeypatch.setenv(name, value)
        before, connections = len(requests(gitops)), counter.api_connections
        bumper.bump("staging", f"{IMAGE}:{tag}")
        counts.append((len(requests(gitops)) - before, counter.api_connections - connections))

    (new, once), (update, again) = counts
    assert new <= 14, requests(gitops)
    assert update <= 19, requests(gitops)[new:]
    assert (once, again) == (1, 1)
