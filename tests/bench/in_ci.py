"""The measurements as a CI job meets them: an empty home, CI's variables, TLS, and a server that is 40 ms away."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.jobs import Jobs, own_environment
from tests.bench.rows import Row, amount, at_most, shown
from tests.bench.serving import Place, Server
from tests.bench.timing import Figure, Ran, alternate, figure, seconds
from tests.support.front import Front
from tests.support.serving import ServingThread
from tests.support.tls import Tls

_DELAY = 0.04  # seconds a request
_JOB = {
    "CI": "true", "GITLAB_CI": "true", "CI_PIPELINE_ID": "4711", "CI_PROJECT_PATH": "backend/app",
    "CI_PIPELINE_URL": "https://gitlab.example.com/backend/app/-/pipelines/4711",
    "CI_SERVER_URL": "https://gitlab.example.com", "CI_PROJECT_URL": "https://gitlab.example.com/backend/app",
    "CI_COMMIT_SHA": "a" * 40, "CI_COMMIT_REF_NAME": "main", "CI_COMMIT_TITLE": "Fix it",
    "CI_COMMIT_AUTHOR": "Dora <dora@example.org>", "GITLAB_USER_LOGIN": "dora",
}  # fmt: skip


@dataclass(frozen=True)
class InCi:
    """A server behind its front, and how often each row is measured."""

    server: Server
    front: Front
    environ: Mapping[str, str]
    bench: Path
    runs: int

    def rows(self, few: Place, large: Place, size: str) -> list[Row]:
        """Every row, for a small repository and a large one."""
        small, big = self._jobs(few), self._jobs(large)
        named_few, floor_few = alternate(self.runs, small.bump, small.floor)
        named, first, floor = alternate(self.runs, big.bump, big.bump_by_image, big.floor)
        return [
            at_most("in CI: bump --app, 100 applications, against the floor", 1.6, named_few, floor_few),
            at_most(f"in CI: bump --app, {size}, against the floor", 1.6, named, floor),
            at_most(f"in CI: bump, {size}, against the floor", 4, first, floor),
            amount(f"in CI: bump, {size}, memory", 150, "MB", figure([one.memory for one in (*named, *first)])),
            *self._counts(small),
        ]

    def _jobs(self, place: Place) -> Jobs:
        near = place.api.partition("/api/")[0]
        url, api = (address.replace(near, self.front.url, 1) for address in (place.url, place.api))
        return Jobs(self.server, replace(place, url=url, api=api), self.environ, self.bench)

    def _counts(self, jobs: Jobs) -> list[Row]:
        new, updated = [self._counted(jobs.bump) for _ in range(3)], []
        times: list[Ran] = []
        for _ in range(3):
            jobs.bump()
            updated.append(self._counted(lambda: times.append(jobs.update())))
        return [
            amount("in CI: requests of a bump that opens a merge request", 14, "requests", _column(new, 0)),
            amount("in CI: requests of a bump that updates one", 19, "requests", _column(updated, 0)),
            amount("in CI: connections of a bump to GitLab's API", 1, "connections", _column(new, 1)),
            shown("in CI: connections of such a bump, git's included", _column(new, 2).text("connections", 0)),
            shown("in CI: what such a bump is sent, 100 applications", _column(new, 3).text("kB", 0)),
            shown("in CI: a bump that updates a merge request, 100 applications", seconds(times).text("s")),
        ]

    def _counted(self, job: Callable[[], object]) -> tuple[int, int, int, int]:
        front = self.front
        before = (front.requests, front.api_connections, front.connections, front.sent)
        job()
        requests, api, connections, sent = front.requests, front.api_connections, front.connections, front.sent
        return requests - before[0], api - before[1], connections - before[2], (sent - before[3]) // 1000


def _column(counts: list[tuple[int, int, int, int]], at: int) -> Figure:
    return figure([count[at] for count in counts])


@contextmanager
def far_away(server: Server, bench: Path, folder: Path, runs: int) -> Iterator[InCi]:
    """The server behind TLS and 40 ms away, until the block ends."""
    tls = Tls(folder)
    front = Front(server.url, tls.server(), _DELAY)
    serving = ServingThread(front)
    serving.start()
    authorities = dict.fromkeys(("CI_SERVER_TLS_CA_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"), str(tls.ca_file))
    try:
        yield InCi(server, front, own_environment(folder / "job") | _JOB | authorities, bench, runs)
    finally:
        serving.stop()
