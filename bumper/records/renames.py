"""Which file a new one was before. A renamed file's past goes on under its old name, another application's does not."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, islice
from posixpath import dirname

from bumper.environments.usual_names import usual_names_in
from bumper.errors import Refused
from bumper.git.past_commits import PastCommit, Touched
from bumper.values.values_file import find_pins, read_values

_WORD = re.compile(r"[^/._-]+")
_MAX_SOURCES = 3  # files that are looked into for each new one
_MAX_LOOKED_AT = 20  # files whose names are compared with that of a new one
_ALIKE = 0.5  # of the lines: git takes as much for a renamed file


class GoneFiles:
    """The files that a commit took away, found by content and by name: a reorganisation moves thousands at once."""

    __slots__ = ("_by_blob", "_by_word")

    def __init__(self, touched: Iterable[Touched]) -> None:
        self._by_blob: dict[str | None, list[Touched]] = defaultdict(list)
        self._by_word: dict[str, list[Touched]] = defaultdict(list)
        for file in touched:
            if file.new_blob is None:
                self._by_blob[file.old_blob].append(file)
                for word in set(_WORD.findall(file.path)):
                    self._by_word[word].append(file)

    def likely_sources(self, added: Touched) -> list[Touched]:
        """The files that may have become ``added``, the likeliest first."""
        rarest_first = sorted(
            (self._by_word[word] for word in set(_WORD.findall(added.path)) if word in self._by_word), key=len
        )
        looked_at = chain(self._by_blob.get(added.new_blob, ()), *rarest_first)
        likely = dict.fromkeys(islice(looked_at, _MAX_LOOKED_AT))
        ordered = sorted(
            likely, key=lambda file: (_unlike(file.path, added.path), file.old_blob != added.new_blob, file.path)
        )
        same = [file for file in ordered if file.old_blob == added.new_blob]
        return list(dict.fromkeys([*ordered[:_MAX_SOURCES], *same[:1]]))


def _unlike(path: str, other: str) -> int:
    """How many words only one of two paths has."""
    return len(set(_WORD.findall(path)) ^ set(_WORD.findall(other)))


def are_of_two_environments(old: str, new: str, environments: Iterable[str]) -> bool:
    """Whether each of two paths names an environment that the other does not; ``environments`` are those of today.

    The past of another environment is none of this one's: it may hold tags that this one's rules do not let in.
    """
    known = tuple(environments)
    then, now = (_environments_in(path, known) for path in (old, new))
    return not then <= now and not now <= then


def _environments_in(path: str, environments: Iterable[str]) -> set[str]:
    named = {name for name in environments if re.search(rf"(?<![^/._-]){re.escape(name)}(?![^/._-])", path)}
    return usual_names_in(_WORD.findall(path)) | named


def is_same_file(
    old: Touched, new: Touched, past: PastCommit, contents: Mapping[str, bytes], bases: Sequence[str]
) -> bool:
    """Whether ``new`` goes on where ``old`` ended: alike, and of the same images.

    ``bases`` are the shared values below ``new``, which name the images where the file itself names none.
    """
    before, after = contents[old.old_blob or ""], contents[new.new_blob or ""]
    if not _alike(before, after):
        return False
    images = [_images(old.path, before), _images(new.path, after)]
    if None in images:
        return before == after
    if images[0] or images[1]:
        return images[0] == images[1]
    return bool(bases) and all(_came_along(base, old.path, past) for base in bases)


def _alike(before: bytes, after: bytes) -> bool:
    lines, others = before.splitlines(), after.splitlines()
    return before == after or len(set(lines) & set(others)) >= _ALIKE * max(len(set(lines)), len(set(others)))


def _images(path: str, content: bytes) -> Collection[str] | None:
    """The images that a file names by itself; None where it cannot be read."""
    try:
        return {str(pin.repository) for pin in find_pins(read_values(path, content)) if pin.repository is not None}
    except Refused:
        return None


def _came_along(base: str, old_path: str, past: PastCommit) -> bool:
    """Whether shared values were below the old file, too, or were moved with it as they are."""
    added = next((file.new_blob for file in past.touched if file.path == base and file.old_blob is None), None)
    if added is not None:
        return any(file.old_blob == added and file.new_blob is None for file in past.touched)
    folder = dirname(base)
    return not folder or old_path.startswith(f"{folder}/")
