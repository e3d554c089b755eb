"""Since when each tag of an environment is what it is, read by git alone: for the status page.

Whatever is older than the newest 2,000 commits has no age.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bumper.environments.gather import FoundPin
from bumper.errors import LookedFarEnough, Refused
from bumper.git.checkout import Checkout
from bumper.git.past_commits import PastCommit
from bumper.progress import report_step
from bumper.records.landed import named_request, own_message, who_asked
from bumper.records.past import Files, read_past_of_all
from bumper.records.record import read_trailers
from bumper.values.pin import PinPath, format_path
from bumper.values.tag_scalars import plain_value
from bumper.values.values_file import ValuesFile, read_values
from bumper.values.yaml_data import look_up

_STRETCHES = (500, 2000)  # commits: what a job should fetch and parse for a page


@dataclass(frozen=True, slots=True)
class TagChange:
    """When a tag got its present value, by which commit, at whose request and by which merge request, if one."""

    at: datetime
    commit: str
    who: str
    merge_request: int | None


@dataclass(frozen=True, slots=True)
class _Tag:
    """A pin in a file, and the environments that read the file."""

    path: PinPath
    value: str | None
    places: tuple[tuple[str, str, str], ...]


def tag_ages(checkout: Checkout, pins: Mapping[str, Sequence[FoundPin]]) -> dict[tuple[str, str, str], TagChange]:
    """By environment, file and path how the tag there got its present value, as far as the newest commits tell."""
    report_step("reading how old the tags are")
    wanted = _tags(pins)
    ages: dict[tuple[str, str, str], TagChange] = {}
    with contextlib.suppress(LookedFarEnough):
        for steps in read_past_of_all(checkout, Files(dict.fromkeys(wanted, ()), pins), _STRETCHES):
            for step in steps:
                change = _change(step.past)
                for file, (before, _) in step.contents.items():
                    for tag in _changed(file, before, wanted[file]):
                        wanted[file].remove(tag)
                        ages.update(dict.fromkeys(tag.places, change))
                for tag in (tag for file in step.begun for tag in wanted.pop(file)):
                    ages.update(dict.fromkeys(tag.places, change))
            if not any(wanted.values()):
                break
    return ages


def _change(past: PastCommit) -> TagChange:
    who = who_asked(past, read_trailers(own_message(past)))
    return TagChange(past.commit.at, past.commit.id, who, named_request(past))


def _tags(pins: Mapping[str, Sequence[FoundPin]]) -> dict[str, list[_Tag]]:
    """The tags by file; a base file's are in several environments."""
    places: dict[tuple[str, PinPath, str | None], list[tuple[str, str, str]]] = {}
    for name, found_pins in pins.items():
        for found in found_pins:
            tag = found.pin.tag_scalar
            key = (found.file, found.pin.path, tag.value if tag is not None else None)
            places.setdefault(key, []).append((name, found.file, format_path(found.pin.path)))
    tags: dict[str, list[_Tag]] = {}
    for (file, path, value), where in places.items():
        tags.setdefault(file, []).append(_Tag(path, value, tuple(where)))
    return tags


def _changed(file: str, before: bytes, tags: Iterable[_Tag]) -> list[_Tag]:
    """The tags that had another value before the commit; it is the newest that is looked at."""
    try:
        values = read_values(file, before)
    except Refused:
        return list(tags)
    return [tag for tag in tags if tag.value not in _values_at(values, tag.path)]


def _values_at(values: ValuesFile, path: PinPath) -> list[str | None]:
    return [plain_value(look_up(document.root, path)) for document in values.documents]
