"""Every pin of every file below a folder: set, checked to the byte, set again, set back.

Run as ``python -m tests.corpus.measure DIR``; exit 1 if anything failed. In a file with many pins the first
``ONE_BY_ONE`` are set one at a time, and all pins at once besides, because each edit reads the whole file again.
"""

import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bumper.errors import Refused
from bumper.values.pin import Pin, PinPath, format_path, parse_path
from bumper.values.requested import pin_at
from bumper.values.tag_edit import TagEdit, changes_file, set_tags
from bumper.values.values_file import ValuesFile, find_pins, read_values

ONE_BY_ONE = 6
NEW_TAG = "1.10"  # YAML reads it as a number unless it is quoted


@dataclass(slots=True)
class Figures:
    """What was counted on the way."""

    files: int = 0
    bytes: int = 0
    edits: int = 0
    restored: int = 0
    by_shape: Counter[str] = field(default_factory=Counter)
    refused_files: Counter[str] = field(default_factory=Counter)
    refused_pins: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


class CheckFailedError(Exception):
    """An edit did something else than it should."""


def measure_file(name: str, source: bytes, figures: Figures) -> None:
    """Read one file, find its pins and edit each."""
    figures.files += 1
    figures.bytes += len(source)
    try:
        values = read_values(name, source)
    except Refused as refusal:
        figures.refused_files[str(refusal).partition(": ")[2]] += 1
        return
    pins = find_pins(values)
    figures.refused_pins.update(pin.refusal for pin in pins if pin.refusal is not None)
    settable = [pin for pin in pins if pin.refusal is None]
    figures.by_shape.update(pin.shape if pin.repository is not None else f"{pin.shape} (no image)" for pin in settable)
    by_place = {_place(pin): index for index, pin in enumerate(pins)}
    for pin in settable[:ONE_BY_ONE]:
        for chosen in (_by_image(pins, pin), _by_path(values, pins, pin)):
            check_edit(values, pins, [by_place[_place(each)] for each in chosen], figures)
    if len(settable) > ONE_BY_ONE:
        check_edit(values, pins, [by_place[_place(pin)] for pin in settable], figures)


def _place(pin: Pin) -> tuple[PinPath, int]:
    return pin.path, pin.tag_scalar.start if pin.tag_scalar is not None else -pin.line


def _by_image(pins: Sequence[Pin], pin: Pin) -> list[Pin]:
    if pin.repository is None:
        return [pin]
    return [other for other in pins if other.repository == pin.repository and other.refusal is None]


def _by_path(values: ValuesFile, pins: Sequence[Pin], pin: Pin) -> list[Pin]:
    found = pin_at(values, parse_path(format_path(pin.path)), pins, pin.repository)
    if pin not in found:
        raise CheckFailedError(f"{format_path(pin.path)} does not lead back to its pin")
    return [other for other in found if other.refusal is None]


def check_edit(values: ValuesFile, pins: Sequence[Pin], chosen: Sequence[int], figures: Figures) -> None:
    """Set the new tag to the chosen ones of a file's pins, set it again, and set the old ones back."""
    chosen = [index for index in chosen if not (pins[index].tag is None and pins[index].digest)]  # a digest is no tag
    new = set_tags(values, [TagEdit(pins[index], NEW_TAG) for index in chosen])
    after = read_values(values.name, new)
    new_pins = find_pins(after)
    if [pin.path for pin in new_pins] != [pin.path for pin in pins]:
        raise CheckFailedError("the file has other pins now")
    if any(new_pins[index].tag != NEW_TAG for index in chosen):
        raise CheckFailedError("the new tag does not stand where it was set")
    _compare_outside(outside(values, pins, chosen), after.text)
    again = [TagEdit(new_pins[index], NEW_TAG) for index in chosen]
    if any(changes_file(after, edit) for edit in again) or set_tags(after, again) != new:
        raise CheckFailedError("a second set is not idle")
    figures.edits += 1
    if all(stands_as_bumper_writes(values, pins[index]) for index in chosen):
        back = set_tags(after, [TagEdit(new_pins[index], pins[index].tag or "") for index in chosen])
        if without_quotes(back) != without_quotes(values.encode(values.text)):
            raise CheckFailedError("the old tag does not restore the file")
        figures.restored += 1


def stands_as_bumper_writes(values: ValuesFile, pin: Pin) -> bool:
    """Whether setting the old tag back is to restore the bytes: it is text, and no digest went with it."""
    raw = values.text[pin.tag_scalar.start : pin.tag_scalar.end] if pin.tag_scalar is not None else ""
    return bool(pin.tag) and pin.digest is None and pin.reads_as_text and (pin.tag or "") in raw


def without_quotes(source: bytes) -> bytes:
    """``source`` without the quotes that the new tag had to be given, and which stay."""
    return source.replace(b'"', b"")


def outside(values: ValuesFile, pins: Sequence[Pin], chosen: Sequence[int]) -> list[str]:
    """The pieces of the file between the scalars of the chosen pins."""
    digests = [digest.scalar for index in chosen for digest in pins[index].digest_scalars]
    holders = [pins[index].tag_scalar for index in chosen] + digests
    pieces, end = [], 0
    for start, stop in sorted({(holder.start, holder.end) for holder in holders if holder is not None}):
        pieces.append(values.text[end:start])
        end = stop
    return [*pieces, values.text[end:]]


def _compare_outside(pieces: Sequence[str], after: str) -> None:
    """Everything outside the pins stands there still, in its order, from the first byte to the last.

    By the pieces alone: a key whose digest was cleared does not show any more that it is one.
    """
    end = 0
    for number, piece in enumerate(pieces):
        start = after.find(piece, end)
        if start < 0 or (number == 0 and start > 0):
            raise CheckFailedError("a byte outside the pins changed")
        end = start + len(piece)
    if not after.endswith(pieces[-1]):
        raise CheckFailedError("a byte outside the pins changed")


def report(figures: Figures, seconds: float) -> str:
    """What was counted, for people."""
    megabytes = figures.bytes / 1e6
    lines = [
        f"{figures.files} files, {megabytes:.1f} MB, {seconds:.1f} s, {megabytes / seconds:.2f} MB/s with all edits",
        f"{figures.by_shape.total()} settable pins, {figures.edits} edits proven, {figures.restored} set back",
        f"(one by one the first {ONE_BY_ONE} pins of a file, by image and by path; of more, all at once too)",
    ]
    for title, counts in (
        ("pins by shape", figures.by_shape),
        ("files refused", figures.refused_files),
        ("pins refused", figures.refused_pins),
    ):
        lines += ["", f"{title}:", *(f"{count:7} {what}" for what, count in counts.most_common())]
    return "\n".join([*lines, "", f"{len(figures.failures)} failures", *figures.failures, ""])


def main(folder: str) -> int:
    """Measure every file below ``folder``; 1 if anything failed."""
    figures = Figures()
    started = time.perf_counter()
    for path in sorted(path for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink()):
        try:
            measure_file(str(path.relative_to(folder)), path.read_bytes(), figures)
        except Exception:  # noqa: BLE001 - every failure of every file is to be seen
            figures.failures.append(f"{path}: {traceback.format_exc(limit=-2)}")
    sys.stdout.write(report(figures, time.perf_counter() - started))
    return 1 if figures.failures or figures.files == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
