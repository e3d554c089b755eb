"""``bumper pins``: the pins of local files. No git, no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bumper.errors import Refused
from bumper.files import read_bytes
from bumper.values.pin import Pin
from bumper.values.values_file import describe, find_pins, read_values


@dataclass(frozen=True, slots=True)
class ListedPins:
    """The pins by file, and why other files or pins are not among them."""

    pins: tuple[tuple[str, Pin], ...]
    warnings: tuple[str, ...]


def list_pins(files: Sequence[str]) -> ListedPins:
    """The pins that ``bumper set`` could edit; a file that cannot be read is a warning."""
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
