"""Which pin of a file was which before a commit. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from bumper.environments.config_models import Config
from bumper.environments.gather import FoundPin
from bumper.environments.images import canonical
from bumper.values.pin import PinPath

_Places: TypeAlias = dict[tuple[str, PinPath, int], FoundPin]
_Image: TypeAlias = tuple[str, str | None]  # an application, and its image by the name that same_as makes one


def pair_pins(
    before: Sequence[FoundPin], after: Sequence[FoundPin], config: Config
) -> Iterator[tuple[FoundPin, FoundPin]]:
    """Each pin as it was and is: at the same place, or the only one of its image that is gone there and new here.

    Where an entry of a list stands says nothing of it: lists that were only rearranged are left out.
    """
    rearranged = _rearranged(before, after, config)
    old, new = (
        _by_place(one for one in pins if not (_is_in_list(one) and _image(config, one) in rearranged))
        for pins in (before, after)
    )
    yield from ((old[place], found) for place, found in new.items() if place in old)
    gone, come = (
        _by_image((found for place, found in pins.items() if place not in others), config)
        for pins, others in ((old, new), (new, old))
    )
    for image, found in come.items():
        if len(found) == len(gone.get(image, ())) == 1:
            yield gone[image][0], found[0]


def _by_place(pins: Iterable[FoundPin]) -> _Places:
    """Pins by application and path, numbered where several images share a tag."""
    places: _Places = {}
    for found in pins:
        number = sum(place[:2] == (found.app, found.pin.path) for place in places)
        places[found.app, found.pin.path, number] = found
    return places


def _by_image(pins: Iterable[FoundPin], config: Config) -> dict[_Image, list[FoundPin]]:
    found: defaultdict[_Image, list[FoundPin]] = defaultdict(list)
    for one in pins:
        found[_image(config, one)].append(one)
    return dict(found)


def _rearranged(before: Iterable[FoundPin], after: Iterable[FoundPin], config: Config) -> set[_Image]:
    """The images whose pins in lists hold the same versions as before, wherever in the lists they stand now."""
    old, new = (
        {image: Counter(one.pin.version for one in found) for image, found in by_image.items()}
        for by_image in (_by_image(filter(_is_in_list, pins), config) for pins in (before, after))
    )
    return {image for image, versions in old.items() if versions == new.get(image)}


def _is_in_list(found: FoundPin) -> bool:
    return any(isinstance(step, int) for step in found.pin.path)


def _image(config: Config, found: FoundPin) -> _Image:
    repository = found.pin.repository
    return found.app, canonical(config, repository) if repository is not None else None
