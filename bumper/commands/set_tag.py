"""``bumper set``: an image's tag in local files, in place. No git, no network."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bumper.errors import Refused, WrongUsage
from bumper.files import locked, read_bytes, replace_local
from bumper.image import ImageReference
from bumper.values.change import Change, make_change, unified_diff
from bumper.values.holds import find_idle_holds
from bumper.values.pin import Pin, PinPath, Version, parse_path
from bumper.values.requested import (
    edits_for,
    explain_edits,
    explain_left_alone,
    explain_other_names,
    nearest_names,
    pin_at,
    places_along,
)
from bumper.values.tag_edit import TagEdit, changes_file, set_tags
from bumper.values.values_file import ValuesFile, find_pins, read_values

STDIN = "-"


@dataclass(frozen=True, slots=True)
class SetTags:
    """The changes made, and what could not be done or changes with them; ``diff`` is unified."""

    changes: tuple[Change, ...]
    warnings: tuple[str, ...]
    diff: str = ""


@dataclass(frozen=True, slots=True)
class _Edited:
    """One file before and after its edit; ``found`` are those of its ``pins`` that were asked for."""

    name: str
    before: bytes
    after: bytes
    pins: Sequence[Pin]
    found: Sequence[Pin]
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]


def set_tag(image: ImageReference, files: Sequence[str], path: str | None, *, dry_run: bool = False) -> SetTags:
    """Rewrite ``image``'s tag in ``files``, or in standard input to standard output for ``-``.

    A digest in ``image`` is written too. Every file is edited and proven before the first is written: where one cannot
    be read or set, or none of them has such a pin, Refused is raised and no file is changed.
    """
    names = list(dict.fromkeys(files))
    if STDIN in names and len(names) > 1:
        raise WrongUsage("- (standard input) cannot be combined with files", "name files, or - alone")
    where = _parse(path)
    with locked(Path(name).parent for name in names if name != STDIN and not dry_run):
        edited = [_edit(name, image, where) for name in names]
        if not any(one.found for one in edited):
            raise _nothing_found(edited, image, path)
        for one in edited if not dry_run else ():
            if one.name == STDIN:
                sys.stdout.buffer.write(one.after)
                sys.stdout.buffer.flush()
            elif one.after != one.before:
                replace_local(Path(one.name), one.before, one.after)
    return SetTags(
        tuple(change for one in edited for change in one.changes),
        tuple(warning for one in edited for warning in one.warnings),
        "".join(unified_diff(one.name, one.before, one.after) for one in edited),
    )


def _nothing_found(edited: Sequence[_Edited], image: ImageReference, path: str | None) -> Refused:
    files = ", ".join(one.name for one in edited[:5])
    known = (pin.repository for one in edited for pin in one.pins if pin.repository is not None)
    nearest = nearest_names(image.repository, known)
    file = edited[0].name if edited[0].name != STDIN else "FILE"
    hint = f"`bumper pins {file}` lists what there is"
    if path is None and nearest:
        hint = f"did you mean {' or '.join(nearest)}? {hint}"
    what = f"uses {image.repository}" if path is None else f"has a scalar at {path}"
    left_alone = [warning for one in edited for warning in one.warnings]
    return Refused(f"{files}: no file {what}", "\n".join([f"{hint}.", *left_alone]) if left_alone else hint)


def _parse(path: str | None) -> PinPath | None:
    try:
        return parse_path(path) if path is not None else None
    except ValueError as error:
        raise WrongUsage(f"--path: {error}; write it as `bumper pins` prints it.") from error


def _edit(name: str, image: ImageReference, where: PinPath | None) -> _Edited:
    source = sys.stdin.buffer.read() if name == STDIN else read_bytes(Path(name))
    values = read_values("standard input" if name == STDIN else name, source)
    pins = find_pins(values)
    there: Sequence[Pin] = pins if where is None else pin_at(values, where, pins, image.repository)
    found = [pin for pin in there if pin.repository == image.repository]
    if where is not None:
        # Several documents may have the path: the image's own pins are meant then, else whatever stands there.
        found = found or [*there]
    edits, refusals = edits_for(values, found, image)
    if refusals and not edits:
        raise Refused("\n".join(refusals))
    needed = [edit for edit in edits if changes_file(values, edit)]
    left_alone = list(explain_left_alone(values, pins, image)) if where is None else []
    if not found and where is None:
        left_alone += explain_other_names(values, pins, image)
    idle = map(str, find_idle_holds(values, pins))
    warnings = (*refusals, *explain_edits(values, needed), *left_alone, *idle)
    after, changes = set_tags(values, edits), tuple(_changes(name, values, needed, image))
    return _Edited(name, source, after, pins, found, changes, warnings)


def _changes(name: str, values: ValuesFile, edits: Sequence[TagEdit], image: ImageReference) -> Iterator[Change]:
    """The change of every pin, and of every other place with its value."""
    pins = [edit.pin for edit in edits]
    pins += [replace(edit.pin, path=path, line=line) for edit, path, line in places_along(values, edits)]
    for pin in pins:
        yield make_change("", name, replace(pin, repository=image.repository), Version(image.tag, image.digest))
