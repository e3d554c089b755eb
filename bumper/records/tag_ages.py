"""Since when each tag of an environment is what it is, told by git alone: for the status page.

The past is fetched in steps, commits and trees without blobs, and of the files that were changed the versions before
and after. Whatever is older than that has no age.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bumper.environments.gather import FoundPin
from bumper.errors import LookedFarEnough, Refused
from bumper.git.checkout import Checkout
from bumper.git.log import commits_that_touched
from bumper.git.past_commits import PastCommit, Touched, read_fetched
from bumper.progress import report_step
from bumper.values.pin_path import PinPath, format_path
from bumper.values.siblings import look_up
from bumper.values.tag_scalars import plain_value
from bumper.values.values_file import ValuesFile, read_values

_MAX_VERSIONS = 3000  # of values files: what a job should fetch and parse for a page


@dataclass(frozen=True, slots=True)
class _Tag:
    """A pin in a file, and the environments in which it stands."""

    path: PinPath
    value: str | None
    places: tuple[tuple[str, str, str], ...]


def tag_ages(checkout: Checkout, pins: Mapping[str, Sequence[FoundPin]]) -> dict[tuple[str, str, str], datetime]:
    """By environment, file and path when the tag there got its present value, as far as the newest commits tell."""
    report_step("reading since when the tags are there")
    wanted = _tags(pins)
    ages: dict[tuple[str, str, str], datetime] = {}
    read = 0
    for commits in _steps(checkout):
        touched = [(past, one) for past in commits for one in past.touched if one.new_path in wanted]
        touched = touched[: max(0, (_MAX_VERSIONS - read) // 2)]
        read += 2 * len(touched)
        blobs = checkout.blobs.read({blob for _, one in touched for blob in (one.old_blob, one.new_blob) if blob})
        for past, one in touched:
            for tag in _changed(one, wanted[one.new_path], blobs):
                wanted[one.new_path].remove(tag)
                ages.update(dict.fromkeys(tag.places, past.commit.at))
        if read + 1 >= _MAX_VERSIONS or not any(wanted.values()):
            break
    return ages


def _tags(pins: Mapping[str, Sequence[FoundPin]]) -> dict[str, list[_Tag]]:
    """The tags by file; a base file's are in several environments."""
    places: dict[tuple[str, PinPath, str | None], list[tuple[str, str, str]]] = {}
    for name, found_pins in pins.items():
        for found in found_pins:
            key = (found.file, found.pin.path, _value(found))
            places.setdefault(key, []).append((name, found.file, format_path(found.pin.path)))
    tags: dict[str, list[_Tag]] = {}
    for (file, path, value), where in places.items():
        tags.setdefault(file, []).append(_Tag(path, value, tuple(where)))
    return tags


def _value(found: FoundPin) -> str | None:
    return found.pin.tag_scalar.value if found.pin.tag_scalar is not None else None


def _steps(checkout: Checkout) -> Iterator[Sequence[PastCommit]]:
    try:
        for ids in commits_that_touched(checkout, "", checkout.tip):
            yield read_fetched(checkout, ids)
    except LookedFarEnough:
        return


def _changed(one: Touched, tags: Iterable[_Tag], blobs: Mapping[str, bytes]) -> list[_Tag]:
    """The tags that had another value before the commit; it is the newest that is looked at."""
    before = _read(one.old_path, blobs.get(one.old_blob or ""))
    return [tag for tag in tags if tag.value not in _values_at(before, tag.path)]


def _read(name: str, content: bytes | None) -> ValuesFile | None:
    try:
        return read_values(name, content) if content is not None else None
    except Refused:
        return None


def _values_at(values: ValuesFile | None, path: PinPath) -> list[str | None]:
    return [plain_value(look_up(document.root, path)) for document in values.documents] if values is not None else []
