"""Since when each tag of an environment is what it is, read by git alone: for the status page.

Whatever is older than the newest 2,000 commits has no age.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from bumper.environments.gather import FoundPin
from bumper.errors import LookedFarEnough, Refused
from bumper.git.checkout import Checkout
from bumper.progress import report_step
from bumper.records.history import named_request, own_message, who_asked
from bumper.records.past import Files, read_past_of_all
from bumper.records.record import read_trailers
from bumper.values.pin import PinPath
from bumper.values.siblings import look_up
from bumper.values.tag_scalars import plain_value
from bumper.values.values_file import read_values

_Tag: TypeAlias = tuple[PinPath, str | None]
_STRETCHES = (500, 2000)  # commits: what a job should fetch and parse for a page


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
