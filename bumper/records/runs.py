"""What the applications of an environment ran, from when until when: the states of their values on the target branch's
first-parent line, each put together as Helm does it, with the shared values below.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import Config
from bumper.environments.effective import running
from bumper.environments.gather import gather
from bumper.environments.images import canonical
from bumper.environments.repository import Target
from bumper.errors import Refused
from bumper.git.checkout import read_files
from bumper.git.past_commits import PastCommit
from bumper.image import ImageReference, Repository
from bumper.records.landed import own_message
from bumper.records.line import Line
from bumper.records.past import Files
from bumper.records.record import Record, read_trailers
from bumper.values.pin import Version

Place: TypeAlias = tuple[str, str]  # an application, and its image by the name that same_as makes one


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which an application ran the same versions of an image, empty where it ran none that can be read.

    ``commit`` began it; None where that is further back than was read, and ``since`` is the oldest time that is known.
    """

    versions: frozenset[Version]
    commit: str | None
    since: datetime
    record: Record | None = None

    def version_of(self, image: ImageReference) -> Version | None:
        """The version that has the image's tag, or, where it has none, its digest."""
        return next((one for one in self.versions if _is_version_of(one, image)), None)


def _is_version_of(version: Version, image: ImageReference) -> bool:
    """Whether the version has the image's tag, or, where it has none, its digest."""
    return version.tag == image.tag and (image.tag is not None or version.digest == image.digest)


@dataclass(slots=True)
class _Begun:
    """A state as the walk back finds it: the commit that began it is known last."""

    versions: frozenset[Version]
    past: PastCommit | None = None


def read_periods(
    target: Target, line: Line, wanted: Mapping[Place, Iterable[ImageReference]]
) -> dict[Place, list[Period]]:
    """The periods of the ``wanted`` places of an environment, the newest first, read back until each image was found.

    History is read until it is older than the line's ``since``, too, and no further than anybody should wait for.
    """
    if not wanted:
        return {}
    walk = _Walk(target, line, wanted)
    stretches = line.stretches()
    while not (walk.knows_enough and line.is_old_enough) and (stretch := next(stretches, None)) is not None:
        walk.go_before(stretch)
    return walk.periods()


class _Walk:
    """The values of the applications on the way back from the tip."""

    def __init__(self, target: Target, line: Line, wanted: Mapping[Place, Iterable[ImageReference]]) -> None:
        self._environment, self._config, self._line = target.environment, target.setup.config, line
        names = {app for app, _ in wanted}
        self._apps = [app for app in target.gathered.applications if app.app in names]
        self._wanted = {place: list(images) for place, images in wanted.items()}
        bases: dict[str, tuple[str, ...]] = {}
        for app in self._apps:
            for number, path in enumerate(files := (*app.bases, *app.values)):
                bases[path] = tuple(dict.fromkeys((*bases.get(path, ()), *files[:number])))
        self._files = Files(bases, target.environment.known)
        self._contents = read_files(line.checkout, bases)
        states = self._states(self._apps)
        self._found = {place: [_Begun(states.get(place, frozenset()))] for place in self._wanted}
        self._oldest: str | None = None

    @property
    def knows_enough(self) -> bool:
        """Whether every wanted image has been found."""
        return all(_is_found(self._found[place], image) for place, images in self._wanted.items() for image in images)

    def go_before(self, stretch: list[PastCommit]) -> None:
        """Undo the commits of a stretch, the newest first."""
        for step in self._files.read_back(self._line.checkout, stretch):
            touched = {*step.contents, *step.begun}
            self._contents |= {path: before for path, (before, _) in step.contents.items()}
            for path in step.begun:
                self._contents.pop(path, None)
            apps = [app for app in self._apps if not touched.isdisjoint((*app.bases, *app.values))]
            names, states = {app.app for app in apps}, self._states(apps)
            for place, periods in self._found.items():
                if place[0] in names and (state := states.get(place, frozenset())) != periods[-1].versions:
                    periods[-1].past = step.past
                    periods.append(_Begun(state))
        self._oldest = stretch[-1].commit.id if stretch else self._oldest

    def periods(self) -> dict[Place, list[Period]]:
        """What was found, with the times at which the commits landed."""
        return {place: list(map(self._period, begun)) for place, begun in self._found.items()}

    def _period(self, begun: _Begun) -> Period:
        if begun.past is None:
            since = self._line.landed_at(self._oldest) if self._oldest is not None else self._line.now
            return Period(begun.versions, None, since)
        commit = begun.past.commit.id
        return Period(begun.versions, commit, self._line.landed_at(commit), read_trailers(own_message(begun.past)))

    def _states(self, apps: Iterable[AppFiles]) -> dict[Place, frozenset[Version]]:
        """The versions that run, by place; an application that cannot be read runs nothing."""
        states: dict[Place, set[Version]] = {}
        for app in apps:
            for place, version in self._versions(app):
                states.setdefault(place, set()).add(version)
        return {place: frozenset(versions) for place, versions in states.items()}

    def _versions(self, app: AppFiles) -> Iterator[tuple[Place, Version]]:
        config, environment = self._config, self._environment
        there = {path for path in (*app.bases, *app.values) if path in self._contents}
        kept = replace(
            app, bases=tuple(path for path in app.bases if path in there),
            values=tuple(path for path in app.values if path in there),
        )  # fmt: skip
        if not kept.values:
            return
        try:
            gathered = gather(replace(environment, apps=(kept,)), config, self._contents)
            pins = running(gathered, environment.name, config).pins
        except Refused:
            return
        for found in pins:
            if found.pin.repository is not None and not found.pin.absent:
                yield place_of(config, app.app, found.pin.repository), found.pin.version


def place_of(config: Config, app: str, repository: Repository) -> Place:
    """The place of an application's image."""
    return app, canonical(config, repository)


def _is_found(periods: list[_Begun], image: ImageReference) -> bool:
    """Whether it is known what the application ran before the image, where it runs it no more; else whether it does."""
    ran = [any(_is_version_of(one, image) for one in period.versions) for period in periods]
    return ran[0] or (True in ran and not ran[-1])
