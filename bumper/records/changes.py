"""What commits changed: which pin was which before, each read beside the other files of its application at that time.

Those may name the image: read as they are today, the tags of an image that was replaced would be another's.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TypeAlias

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import Config
from bumper.environments.gather import FoundPin, pins_above
from bumper.environments.layout import Environment
from bumper.environments.selection import canonical
from bumper.errors import Refused
from bumper.git.checkout import Checkout
from bumper.git.past_commits import PastCommit, blobs_at
from bumper.records.past import Step
from bumper.values.change import Change, make_change
from bumper.values.pin import PinPath
from bumper.values.values_file import ValuesFile, read_values

Changed: TypeAlias = tuple[PastCommit, tuple[Change, ...]]
_Files: TypeAlias = Mapping[str, ValuesFile]
_Image: TypeAlias = tuple[str, str | None]  # an application, and its image by the name that same_as makes one


def read_changes(checkout: Checkout, environment: Environment, config: Config, steps: Iterable[Step]) -> list[Changed]:
    """The commits that changed tags of the environment's applications, with the changes; a pin come or gone is none."""
    by_file = defaultdict(list)
    for app in environment.apps:
        for path in app.values:
            by_file[path].append(app)
    found = [(step, list(dict.fromkeys(app for path in step.contents for app in by_file[path]))) for step in steps]
    versions = _Versions(config)
    changed: list[Changed] = []
    for (step, apps), beside in zip(found, _read_beside(checkout, found, versions), strict=True):
        changes = tuple(_changes(replace(environment, apps=tuple(apps)), versions, step, beside))
        if changes:
            changed.append((step.past, changes))
    return changed


class _Versions:
    """Versions of files, each read once: what a commit made of a file is what the next one found."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.read = cache(_readable)
        self._pins: dict[tuple[int, ...], tuple[FoundPin, ...]] = {}

    def pins(self, environment: Environment, path: str, content: bytes, beside: _Files) -> tuple[FoundPin, ...]:
        """The pins of a version, looked for once above the same versions of the files ``beside`` it."""
        version = self.read(path, content)
        if version is None:
            return ()
        # A comparison of whole files would take longer than the search.
        key = (id(version), *(id(beside.get(file)) for app in environment.apps for file in app.files))
        if key not in self._pins:
            self._pins[key] = pins_above(environment, self.config, version, beside)
        return self._pins[key]


def _changes(
    environment: Environment, versions: _Versions, step: Step, beside: tuple[_Files, _Files]
) -> Iterator[Change]:  # fmt: skip
    config = versions.config
    for path, contents in step.contents.items():
        before, after = (
            versions.pins(environment, path, content, others) for content, others in zip(contents, beside, strict=True)
        )
        for was, found in _pair(before, after, config):
            old, new = was.pin, found.pin
            if old.repository is None or new.repository is None or old.refusal or new.refusal:
                continue
            # The same image under another name of the registry is the same.
            moved = canonical(config, old.repository) != canonical(config, new.repository)
            if moved or old.version != new.version:
                change = make_change(found.app, path, new, new.version)
                yield replace(change, before=old.version, image_before=old.repository if moved else None)


def _read_beside(
    checkout: Checkout, steps: Sequence[tuple[Step, Sequence[AppFiles]]], versions: _Versions
) -> list[tuple[_Files, _Files]]:
    """For each step the files of its applications before and after it; what was not read yet is fetched all at once.

    A file that was not there under its name of today stands for itself: it was moved along with the others, or is new.
    An application of a single file has nothing beside it.
    """
    several = [[app for app in apps if len(app.bases) + len(app.values) > 1] for _, apps in steps]
    files = [[path for app in apps for path in app.files] for apps in several]
    now = {
        path: checkout.entries[path].blob
        for paths in files for path in paths if path in checkout.entries and not checkout.is_link(path)
    }  # fmt: skip
    then = blobs_at(checkout, {(step.past.commit.id, path) for (step, _), paths in zip(steps, files, strict=True)
                               for path in paths})  # fmt: skip
    sides: list[tuple[dict[str, str], dict[str, str]]] = []
    for (step, _), paths in zip(steps, files, strict=True):
        blobs = ((path, then.get((step.past.commit.id, path), now.get(path))) for path in paths)
        after = {path: blob for path, blob in blobs if blob is not None}
        replaced = ((file.path, file.old_blob) for file in step.past.touched if file.path in after)
        sides.append((after | {path: blob for path, blob in replaced if blob is not None}, after))
    contents = checkout.blobs.read({blob for pair in sides for side in pair for blob in side.values()})

    def values_of(side: Mapping[str, str]) -> _Files:
        read = ((path, versions.read(path, contents[blob])) for path, blob in side.items())
        return {path: values for path, values in read if values is not None}

    return [(values_of(before), values_of(after)) for before, after in sides]


def _readable(path: str, content: bytes) -> ValuesFile | None:
    try:
        return read_values(path, content)
    except Refused:
        return None


def _pair(before: Sequence[FoundPin], after: Sequence[FoundPin], config: Config) -> Iterator[tuple[FoundPin, FoundPin]]:
    """Each pin as it was and is: at the same place, or the only one of its image that is gone there and new here.

    Where an entry of a list stands says nothing of it: images whose pins in lists hold the same versions as before,
    wherever in the lists they stand now, are left out.
    """
    in_lists = (
        [one for one in pins if any(isinstance(step, int) for step in one.pin.path)] for pins in (before, after)
    )
    listed, relisted = (_by_image(pins, config) for pins in in_lists)
    rearranged = {
        image
        for image, pins in listed.items()
        if Counter(one.pin.version for one in pins) == Counter(one.pin.version for one in relisted.get(image, ()))
    }
    left_out = {id(one) for by_image in (listed, relisted) for image in rearranged for one in by_image[image]}
    old, new = (_by_place(one for one in pins if id(one) not in left_out) for pins in (before, after))
    yield from ((old[place], found) for place, found in new.items() if place in old)
    gone = _by_image((found for place, found in old.items() if place not in new), config)
    come = _by_image((found for place, found in new.items() if place not in old), config)
    for image, found in come.items():
        if len(found) == len(gone.get(image, ())) == 1:
            yield gone[image][0], found[0]


def _by_place(pins: Iterable[FoundPin]) -> dict[tuple[str, PinPath, int], FoundPin]:
    """Pins by application and path, numbered where several images share a tag."""
    places: dict[tuple[str, PinPath, int], FoundPin] = {}
    seen: Counter[tuple[str, PinPath]] = Counter()
    for found in pins:
        place = (found.app, found.pin.path)
        places[*place, seen[place]] = found
        seen[place] += 1
    return places


def _by_image(pins: Iterable[FoundPin], config: Config) -> dict[_Image, list[FoundPin]]:
    found: defaultdict[_Image, list[FoundPin]] = defaultdict(list)
    for one in pins:
        repository = one.pin.repository
        found[one.app, canonical(config, repository) if repository is not None else None].append(one)
    return dict(found)
