"""``bumper pins``: the pins of local files. No git, no network."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bumper.errors import Refused
from bumper.files import read_bytes
from bumper.values.holds import find_idle_holds
from bumper.values.pin import Pin
from bumper.values.values_file import describe, find_pins, read_values

_ENDINGS = (".yaml", ".yml", ".yaml.gotmpl", ".yml.gotmpl")


@dataclass(frozen=True, slots=True)
class ListedPins:
    """The pins by file, and why other files or pins are not among them."""

    pins: tuple[tuple[str, Pin], ...]
    warnings: tuple[str, ...]


def list_pins(files: Sequence[str]) -> ListedPins:
    """The pins that ``bumper set`` could edit, below folders too; a file that cannot be read is a warning."""
    pins: list[tuple[str, Pin]] = []
    warnings: list[str] = []
    for name in _files(files, warnings):
        try:
            values = read_values(name, read_bytes(Path(name)))
        except Refused as refusal:
            warnings.append(str(refusal))
            continue
        found = find_pins(values)
        warnings += map(str, find_idle_holds(values, found))
        for pin in found:
            if pin.refusal is None:
                pins.append((name, pin))
            elif not pin.absent:
                warnings.append(f"{describe(values, pin)} cannot be set: {pin.refusal}.")
    return ListedPins(tuple(pins), tuple(warnings))


def _files(names: Sequence[str], warnings: list[str]) -> Iterator[str]:
    """The files among ``names``, and for a folder the values files below it."""
    for name in names:
        if not Path(name).is_dir():
            yield name
            continue
        below = sorted(str(path) for path in _values_files(Path(name)))
        if not below:
            warnings.append(f"{name}: there is no YAML file in this folder or below; name a file or another folder.")
        yield from below


def _values_files(folder: Path) -> Iterator[Path]:
    """The YAML files below ``folder``, but for hidden folders and the templates of charts."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [
            name for name in folders if not name.startswith(".") and not (name == "templates" and "Chart.yaml" in files)
        ]
        for name in files:
            if name.endswith(_ENDINGS) and not Path(parent, name).is_symlink():
                yield Path(parent, name)
