"""``bumper set``: an image's tag in local files, in place. No git, no network."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bumper.errors import Refused, WrongUsage
from bumper.files import read_bytes, replace_local
from bumper.image import ImageReference
from bumper.values.change import Change, Version, make_change
from bumper.values.explain import explain_edits, places_along
from bumper.values.left_alone import explain_left_alone, explain_other_names
from bumper.values.named_pin import pin_at
from bumper.values.pin import Pin
from bumper.values.pin_path import PinPath, parse_path
from bumper.values.requested import edits_for
from bumper.values.tag_edit import TagEdit, changes_file, set_tags
from bumper.values.values_file import ValuesFile, find_pins, read_values

STDIN = "-"


@dataclass(frozen=True, slots=True)
class SetTags:
    """The changes made, and what could not be done or changed along."""

    changes: tuple[Change, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Edited:
    """One file after its edit; ``matched`` says whether it has a pin that was asked for."""

    name: str
    matched: bool
    content: bytes
    outcome: SetTags


def set_tag(image: ImageReference, files: Sequence[str], path: str | None) -> SetTags:
    """Rewrite ``image``'s tag in ``files``, or in standard input to standard output for ``-``.

    Every file is edited and proven before the first is written. A digest in ``image`` is written too.

    Raises:
        Refused: a file cannot be read or set, or none of them has such a pin; no file is changed.
        WrongUsage: ``path`` is no path, or ``-`` stands beside files.

    """
    names = list(dict.fromkeys(files))
    if STDIN in names and len(names) > 1:
        raise WrongUsage("- (standard input) goes with no other file; name files, or - alone.")
    where = _parse(path)
    edited = [_edit(name, image, where) for name in names]
    if not any(each.matched for each in edited):
        what = f"has a scalar at {path}" if path is not None else f"uses {image.repository}"
        left_alone = [warning for each in edited for warning in each.outcome.warnings]
        reason = f"{', '.join(names[:5])}: no file {what}; `bumper pins {names[0]}` lists what there is."
        raise Refused("\n".join([reason, *left_alone]))
    for each in edited:
        if each.name == STDIN:
            sys.stdout.buffer.write(each.content)
            sys.stdout.buffer.flush()
        elif each.outcome.changes:
            replace_local(Path(each.name), each.content)
    return SetTags(
        tuple(change for each in edited for change in each.outcome.changes),
        tuple(warning for each in edited for warning in each.outcome.warnings),
    )


def _parse(path: str | None) -> PinPath | None:
    try:
        return parse_path(path) if path is not None else None
    except ValueError as error:
        raise WrongUsage(f"--path: {error}; write it as `bumper pins` prints it.") from error


def _read(name: str) -> ValuesFile:
    if name == STDIN:
        return read_values("standard input", sys.stdin.buffer.read())
    return read_values(name, read_bytes(Path(name)))


def _edit(name: str, image: ImageReference, where: PinPath | None) -> _Edited:
    values = _read(name)
    pins = find_pins(values)
    if where is None:
        found: Sequence[Pin] = [pin for pin in pins if pin.repository == image.repository]
    else:
        there = pin_at(values, where, pins, image.repository)
        # Several documents may have the path: the image's own pins are meant then, else whatever stands there.
        found = [pin for pin in there if pin.repository == image.repository] or there
    edits, refusals = edits_for(values, found, image)
    if refusals and not edits:
        raise Refused("\n".join(refusals))
    needed = [edit for edit in edits if changes_file(values, edit)]
    changes = tuple(_changes(name, values, needed, image))
    left_alone = list(explain_left_alone(values, pins, image)) if where is None else []
    if not found and where is None:
        left_alone += explain_other_names(values, pins, image)
    warnings = (*refusals, *explain_edits(values, needed), *left_alone)
    return _Edited(name, bool(found), set_tags(values, edits), SetTags(changes, warnings))


def _changes(name: str, values: ValuesFile, edits: Sequence[TagEdit], image: ImageReference) -> Iterator[Change]:
    """The change of every pin, and of every other place with its value."""
    after = Version(image.tag, image.digest)
    for edit in edits:
        yield make_change("", name, replace(edit.pin, repository=image.repository), after)
    for edit, path, line in places_along(values, edits):
        place = replace(edit.pin, path=path, line=line, repository=image.repository)
        yield make_change("", name, place, after)
