"""``bumper pins``: the pins of local files. No git, no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bumper.environments.sharing_out import chunks, map_in_processes
from bumper.errors import Refused
from bumper.files import read_bytes
from bumper.values.pin import Pin
from bumper.values.values_file import describe, find_pins, read_values

_MANY, _AT_ONCE = 250, 100  # files


@dataclass(frozen=True, slots=True)
class ListedPins:
    """The pins by file, and why other files or pins are not among them."""

    pins: tuple[tuple[str, Pin], ...]
    warnings: tuple[str, ...]


def list_pins(files: Sequence[str]) -> ListedPins:
    """The pins that ``bumper set`` could edit; a file that cannot be read is a warning."""
    if len(files) < _MANY:
        return _list_pins(files)
    listed = map_in_processes(_list_pins, chunks(files, _AT_ONCE))
    return ListedPins(
        tuple(pin for one in listed for pin in one.pins), tuple(warning for one in listed for warning in one.warnings)
    )


def _list_pins(files: Sequence[str]) -> ListedPins:
    pins: list[tuple[str, Pin]] = []
    warnings: list[str] = []
    for name in files:
        try:
            values = read_values(name, read_bytes(Path(name)))
        except Refused as refusal:
            warnings.append(str(refusal))
            continue
        for pin in find_pins(values):
            if pin.refusal is None:
                pins.append((name, pin))
            elif not pin.absent:
                warnings.append(f"{describe(values, pin)} cannot be set: {pin.refusal}.")
    return ListedPins(tuple(pins), tuple(warnings))
