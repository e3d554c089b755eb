"""What the applications of an environment ran, from when until when: the states of their values on the target branch's
first-parent line, each put together as Helm does it, with the shared values below. And for the status page since when
each tag is what it is, as far as the newest 2,000 commits tell.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import Config
from bumper.environments.effective import running
from bumper.environments.gather import FoundPin, gather
from bumper.environments.repository import Target
from bumper.environments.selection import canonical
from bumper.errors import LookedFarEnough, Refused
from bumper.git.checkout import Checkout, read_files
from bumper.git.past_commits import PastCommit
from bumper.image import ImageReference, Repository
from bumper.log import report_step
from bumper.records.history import named_request, own_message, who_asked
from bumper.records.line import Line
from bumper.records.past import Files, files_below, read_past_of_all
from bumper.records.record import Record, read_trailers
from bumper.values.pin import PinPath, Version
from bumper.values.tag_scalars import plain_value
from bumper.values.values_file import read_values
from bumper.values.yaml_data import look_up

_STRETCHES = (500, 2000)  # commits: what a job should fetch and parse for a page
_Tag: TypeAlias = tuple[PinPath, str | None]
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
        return _version_of(self.versions, image)


def _version_of(versions: Iterable[Version], image: ImageReference) -> Version | None:
    same = (one for one in versions if one.tag == image.tag)
    return next((one for one in same if image.tag is not None or one.digest == image.digest), None)


def place_of(config: Config, app: str, repository: Repository) -> Place:
    """The place of an application's image."""
    return app, canonical(config, repository)


def read_periods(
    target: Target, line: Line, wanted: Mapping[Place, Iterable[ImageReference]]
) -> dict[Place, list[Period]]:
    """The periods of the ``wanted`` places of an environment, the newest first, read back until each image was found.

    History is read until it is older than the line's ``since``, too, and no further than anybody should wait for.
    """
    if not wanted:
        return {}
    walk, stretch, oldest = _Walk(target, wanted), list[PastCommit](), None
    images = {place: list(images) for place, images in wanted.items()}
    stretches = line.stretches()  # from the tip, however far others have read on the line
    while not (walk.knows(images) and line.is_old_enough(stretch)) and (further := next(stretches, None)) is not None:
        walk.go_before(stretch := further)
        oldest = stretch[-1].commit.id if stretch else oldest

    def period(versions: frozenset[Version], past: PastCommit | None) -> Period:
        if past is None:
            return Period(versions, None, line.landed_at(oldest) if oldest is not None else line.now)
        return Period(versions, past.commit.id, line.landed_at(past.commit.id), read_trailers(own_message(past)))

    return {place: [period(*state) for state in states] for place, states in walk.states.items()}


class _Walk:
    """The values of the applications on the way back from the tip.

    ``states`` are by place the versions that ran, and the commit that began it: the last one's is not known yet.
    """

    def __init__(self, target: Target, wanted: Iterable[Place]) -> None:
        self._target = target
        names = {app for app, _ in wanted}
        self._apps = [app for app in target.gathered.applications if app.app in names]
        below = files_below(self._apps)
        self._files = Files(below, target.environment.known)
        self._contents = read_files(target.checkout, below)
        now = self._versions(self._apps)
        self.states: dict[Place, list[tuple[frozenset[Version], PastCommit | None]]] = {
            place: [(now[place], None)] for place in wanted
        }

    def knows(self, wanted: Mapping[Place, Sequence[ImageReference]]) -> bool:
        """Whether it is known what ran before each image, where it runs no more; else whether it ever did."""
        for place, images in wanted.items():
            for image in images:
                ran = [_version_of(versions, image) is not None for versions, _ in self.states[place]]
                if not (ran[0] or (True in ran and not ran[-1])):
                    return False
        return True

    def go_before(self, stretch: list[PastCommit]) -> None:
        """Undo the commits of a stretch, the newest first."""
        for step in self._files.read_back(self._target.checkout, stretch):
            touched = {*step.contents, *step.begun}
            self._contents |= {path: before for path, (before, _) in step.contents.items()}
            for path in step.begun:
                self._contents.pop(path, None)
            apps = [app for app in self._apps if not touched.isdisjoint(app.files)]
            names, versions = {app.app for app in apps}, self._versions(apps)
            for place, states in self.states.items():
                if place[0] in names and versions[place] != states[-1][0]:
                    states[-1] = (states[-1][0], step.past)
                    states.append((versions[place], None))

    def _versions(self, apps: Iterable[AppFiles]) -> Mapping[Place, frozenset[Version]]:
        """The versions that run, by place; an application that cannot be read runs nothing."""
        config, environment = self._target.setup.config, self._target.environment
        found: defaultdict[Place, frozenset[Version]] = defaultdict(frozenset)
        for app in apps:
            bases, values = (tuple(path for path in part if path in self._contents) for part in (app.bases, app.values))
            if not values:
                continue
            kept = replace(app, bases=bases, values=values)
            try:
                gathered = gather(replace(environment, apps=(kept,)), config, self._contents)
                pins = running(gathered, environment.name, config).pins
            except Refused:
                continue
            for one in pins:
                if one.pin.repository is not None and not one.pin.absent:
                    found[place_of(config, app.app, one.pin.repository)] |= {one.pin.version}
        return found


@dataclass(frozen=True, slots=True)
class TagChange:
    """When a tag got its present value, by which commit, at whose request and by which merge request, if one."""

    at: datetime
    commit: str
    who: str
    merge_request: int | None


def tag_ages(checkout: Checkout, pins: Mapping[str, Sequence[FoundPin]]) -> dict[tuple[str, str, str], TagChange]:
    """By environment, file and path how the tag there got its present value, as far as the newest commits tell."""
    report_step("reading how old the tags are")
    # By file, path and value in which environments a tag is: a base file's are in several.
    wanted: defaultdict[str, defaultdict[_Tag, list[tuple[str, str, str]]]] = defaultdict(lambda: defaultdict(list))
    for name, found_pins in pins.items():
        for found in found_pins:
            scalar = found.pin.tag_scalar
            wanted[found.file][found.pin.path, scalar.value if scalar is not None else None].append(
                (name, *found.place)
            )
    ages: dict[tuple[str, str, str], TagChange] = {}
    with contextlib.suppress(LookedFarEnough):
        for steps in read_past_of_all(checkout, Files(dict.fromkeys(wanted, ()), pins), _STRETCHES):
            for step in steps:
                past = step.past
                who = who_asked(past, read_trailers(own_message(past)))
                change = TagChange(past.commit.at, past.commit.id, who, named_request(past))
                for file, (before, _) in step.contents.items():
                    for tag in _changed(file, before, wanted[file]):
                        ages.update(dict.fromkeys(wanted[file].pop(tag), change))
                for places in (places for file in step.begun for places in wanted.pop(file).values()):
                    ages.update(dict.fromkeys(places, change))
            if not any(wanted.values()):
                break
    return ages


def _changed(file: str, before: bytes, tags: Iterable[_Tag]) -> list[_Tag]:
    """The tags that had another value before the commit; it is the newest that is looked at."""
    try:
        documents = read_values(file, before).documents
    except Refused:
        return list(tags)
    return [
        (path, value)
        for path, value in tags
        if value not in [plain_value(look_up(document.root, path)) for document in documents]
    ]
