"""Which pins a change changes, from what to what: compared by environment, application and image. Pure.

A pin that moves, or whose application is called otherwise, is unchanged as long as it holds the same version.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bumper.environments.applications import Identity
from bumper.gate.check_pins import CheckedPin
from bumper.values.change import Change
from bumper.values.pin import Version, format_path

_NOTHING = Version(None, None)


@dataclass(frozen=True, slots=True)
class PinChange:
    """A pin before and after; None where it was not there, or is there no more."""

    before: CheckedPin | None
    after: CheckedPin | None

    @property
    def pin(self) -> CheckedPin:
        """The pin as it is now, or as it was last."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - one of the two is there
        return found

    @property
    def environment(self) -> str:
        """Where it changes something."""
        return self.pin.environment

    @property
    def change(self) -> Change | None:
        """The change as other commands write it; None where nobody knows the image."""
        pin, found = self.pin, self.pin.found
        image = found.pin.repository
        if image is None:
            return None
        before = self.before.found.pin.repository if self.before is not None else None
        return Change(
            found.app, found.file, format_path(found.pin.path), found.pin.line, image,
            self.before.version if self.before is not None else _NOTHING,
            pin.version if self.after is not None else _NOTHING,
            before if before != image else None,
        )  # fmt: skip


# By what a pin after is found among those before, the nearest first; the last ones find other versions.
_Key: TypeAlias = Callable[[CheckedPin], object]
_SAME: Sequence[_Key] = (
    lambda pin: (pin.environment, pin.identity, pin.found.pin.repository, pin.version, pin.found.pin.path),
    lambda pin: (pin.environment, pin.identity, pin.found.pin.repository, pin.version),
)
_RENAMED: Sequence[_Key] = (
    lambda pin: (pin.environment, pin.found.pin.repository, pin.version, pin.found.pin.path),
    lambda pin: (pin.environment, pin.found.pin.repository, pin.version),
)
_CHANGED: Sequence[_Key] = (
    lambda pin: (pin.environment, pin.identity, pin.found.pin.repository, pin.found.pin.path),
    lambda pin: (pin.environment, pin.identity, pin.found.pin.repository),
    lambda pin: (pin.environment, pin.identity, pin.found.pin.path),
)


def compare(before: Sequence[CheckedPin], after: Sequence[CheckedPin]) -> list[PinChange]:
    """The pins that are not as they were: by environment and file, in the order of lines."""
    left, right = list(before), list(after)
    for key in _SAME:
        _pair(left, right, key)
    _pair_renamed(left, right, {_application(pin) for pin in before} & {_application(pin) for pin in after})
    changes = [PinChange(*pair) for key in _CHANGED for pair in _pair(left, right, key)]
    changes += [PinChange(None, pin) for pin in right if pin.version != _NOTHING]
    changes += [PinChange(pin, None) for pin in left if pin.version != _NOTHING]
    return sorted(changes, key=lambda one: (one.environment, one.pin.found.file, one.pin.found.pin.line))


def _pair(left: list[CheckedPin], right: list[CheckedPin], key: _Key) -> list[tuple[CheckedPin, CheckedPin]]:
    """Take the pins out of both lists whose keys are equal."""
    found: defaultdict[object, list[CheckedPin]] = defaultdict(list)
    for pin in left:
        found[key(pin)].append(pin)
    pairs = [(found[key(pin)].pop(0), pin) for pin in right if found[key(pin)]]
    _remove(left, (one for one, _ in pairs))
    _remove(right, (one for _, one in pairs))
    return pairs


def _application(pin: CheckedPin) -> tuple[str, Identity]:
    return pin.environment, pin.identity


def _pair_renamed(left: list[CheckedPin], right: list[CheckedPin], stay: Collection[tuple[str, Identity]]) -> None:
    """Take out what applications that are gone hand on to new ones; those that ``stay`` hand on nothing."""
    gone = [pin for pin in left if _application(pin) not in stay]
    new = [pin for pin in right if _application(pin) not in stay]
    pairs = [pair for key in _RENAMED for pair in _pair(gone, new, key)]
    _remove(left, (one for one, _ in pairs))
    _remove(right, (one for _, one in pairs))


def _remove(pins: list[CheckedPin], gone: Iterable[CheckedPin]) -> None:
    numbers = {id(pin) for pin in gone}
    pins[:] = [pin for pin in pins if id(pin) not in numbers]
