"""The measurements against the server."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.in_ci import far_away
from tests.bench.jobs import Jobs, file, git, image, new_tag
from tests.bench.repositories import BUMPER, deployed_in_the_middle, generated, with_direct_delivery, with_promotable
from tests.bench.rows import Row, amount, at_most, rate
from tests.bench.serving import Server
from tests.bench.timing import alternate, check, figure, run, seconds

_FEW = 100  # applications
_FIRST = "the first on a machine"  # where nothing is kept of the repository
_AT_ONCE = 10
_HALF = 50  # percent


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    apps: int
    commits: int
    promoted: int
    direct: int
    runs: int


@dataclass(frozen=True)
class Remote:
    """The server, and the places that all measurements share."""

    server: Server
    bench: Path
    folder: Path
    environ: Mapping[str, str]
    sizes: Sizes

    def rows(self) -> list[Row]:
        """Every row."""
        large = self._jobs("bench/large", generated(self.bench, self.sizes.apps, self.sizes.commits))
        few = self._jobs("bench/few", generated(self.bench, _FEW, self.sizes.commits))
        return [
            *self._against_floor(large),
            *self._against_few(large, few),
            *self._in_ci(few, large),
            *self._status(large),
            self._promote(),
            *self._history(large),
            self._direct(),
        ]

    def _jobs(self, project: str, repository: Path) -> Jobs:
        return Jobs(self.server, self.server.place(project, repository), self.environ, self.bench)

    @property
    def _size(self) -> str:
        return f"{self.sizes.apps:,} applications, {self.sizes.commits:,} commits"

    def _against_floor(self, large: Jobs) -> list[Row]:
        jobs = (large.first_bump_by_image, large.bump_by_image, large.bump, large.floor)
        first, found, named, floor = alternate(self.sizes.runs, *jobs)
        return [
            at_most(f"bump --app, {self._size}, against the floor", 1.7, named, floor),
            at_most(f"bump, {self._size}, against the floor", 1.7, found, floor),
            at_most(f"bump, {self._size}, {_FIRST}, against the floor", 4, first, floor),
        ]

    def _against_few(self, large: Jobs, few: Jobs) -> list[Row]:
        jobs = (large.bump, few.bump, large.bump_by_image, few.bump_by_image)
        named, named_few, found, found_few = alternate(self.sizes.runs, *jobs)
        what = f"{self.sizes.apps:,} against {_FEW} applications"
        return [at_most(f"bump --app, {what}", 2, named, named_few), at_most(f"bump, {what}", 2, found, found_few)]

    def _in_ci(self, few: Jobs, large: Jobs) -> list[Row]:
        with far_away(self.server, self.bench, self.folder, self.sizes.runs) as job:
            return job.rows(few.place, large.place, self._size)

    def _status(self, large: Jobs) -> list[Row]:
        jobs = (partial(large.first_status, self.sizes.apps), partial(large.status, self.sizes.apps))
        first, ran = alternate(self.sizes.runs, *jobs)
        what = f"status over {self.sizes.apps:,} applications x 3 environments"
        return [
            amount(what, 9, "s", seconds(ran), 2),
            amount(f"{what}, {_FIRST}", 14, "s", seconds(first), 2),
            amount(f"{what}, memory", 300, "MB", figure([one.memory for one in (*first, *ran)])),
        ]

    def _promote(self) -> Row:
        count = self.sizes.promoted
        source = with_promotable(generated(self.bench, self.sizes.apps, self.sizes.commits), count)
        jobs = self._jobs("bench/promote", source)
        promoted, bumped = alternate(self.sizes.runs, partial(jobs.promote, count), jobs.bump_by_image)
        what = f"promote of {count} changed applications of {self.sizes.apps:,}, against a bump there"
        return at_most(what, 4, promoted, bumped)

    def _history(self, large: Jobs) -> list[Row]:
        where = deployed_in_the_middle(large.place.folder)
        jobs = (partial(large.rollback, *where), partial(large.history, *where), large.bump)
        rolled_back, listed, bumped = alternate(self.sizes.runs, *jobs)
        whole, alone = alternate(self.sizes.runs, large.history_of_all, large.history_without_api)
        what = f"{self.sizes.commits:,} commits, against a bump --app"
        return [
            amount(f"history of a whole environment, {self._size}", 5, "s", seconds(whole), 2),
            amount(f"history without GitLab's API, {self._size}", 5, "s", seconds(alone), 2),
            at_most(f"rollback --app --dry-run, {what}", 3, rolled_back, bumped),
            at_most(f"history --app, {what}", 3, listed, bumped),
            self._fetched(large, where),
        ]

    def _fetched(self, large: Jobs, where: tuple[str, str]) -> Row:
        large.clone(self.folder / "whole.git")
        whole = large.sent
        large.rollback(*where)
        part = figure([100 * large.sent / whole])
        what = f"what rollback fetches, of all commits and trees ({whole / 1e6:.1f} MB)"
        return Row(what, "not the whole history", f"{part.median:.0f} %", part.median <= _HALF)

    def _direct(self) -> Row:
        """Commits straight to the branch, each of another application, of which every one is to land."""
        source = with_direct_delivery(generated(self.bench, _FEW, self.sizes.commits))
        tag, place, count = new_tag(), self.server.place("bench/direct", source), self.sizes.direct
        environ = {**self.environ, "BUMPER_REPO": place.url, "BUMPER_TOKEN": place.token}
        apps = [f"app-{number:05d}" for number in range(count)]

        def bump(app: str) -> None:
            arguments = ["bump", "staging", f"{image(app)}:{tag}", "--app", app, "--no-verify"]
            run([BUMPER, *arguments], environ)

        started = time.perf_counter()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(bump, apps))
        took = time.perf_counter() - started
        changed = git(place, "log", "--format=", "--name-only", f"{place.tip}..main").split()
        check(sorted(changed) == [file(app) for app in apps], f"{len(changed)} of {count} direct bumps landed")
        found = set(git(place, "grep", "-l", f"tag: {tag} ", "main").split())
        check(found == {f"main:{file(app)}" for app in apps}, "a direct bump has another tag")
        return rate(f"{count} direct bumps, {_AT_ONCE} at a time, all landed", 0.9, "a second", figure([count / took]))
