"""The past of values files: the commits that changed them, the newest first, under whatever names they had then.

GitLab lists the commits of one application, where there is a token for its API; else git's own log is read back in
stretches. Either way a few fetches do: one for the commits of a stretch, one for all contents that matter in it. A
renamed file's past goes on under its old name, another application's does not.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from posixpath import commonpath, commonprefix, dirname

from bumper.environments.applications import AppFiles
from bumper.environments.usual_names import usual_names_in
from bumper.errors import LookedFarEnough, Refused
from bumper.git.checkout import Checkout
from bumper.git.past_commits import STRETCHES, PastCommit, Touched, fetch_past, read_log
from bumper.gitlab.connection import GitLab
from bumper.gitlab.project import list_commits
from bumper.values.values_file import find_pins, read_values

_WORD = re.compile(r"[^/._-]+")
_MAX_SOURCES = 3  # files that are looked into for each new one
_MAX_LOOKED_AT = 20  # files whose names are compared with that of a new one
_ALIKE = 0.5  # of the lines: git takes as much for a renamed file
_MAX_PAGES = 10
# Commits on a page of GitLab's list: the last deployment, which a rollback needs, is mostly among the first 20.
_FIRST_PAGE, _PAGE = 20, 100


@dataclass(frozen=True, slots=True)
class Step:
    """A commit that changed some of the files: for each, by its path of today, its content before and after.

    ``begun`` are those that it added, and which were not called otherwise before.
    """

    past: PastCommit
    contents: Mapping[str, tuple[bytes, bytes]]
    begun: tuple[str, ...]


class GoneFiles:
    """The files that a commit took away, found by content and by name: a reorganisation moves thousands at once."""

    def __init__(self, touched: Iterable[Touched]) -> None:
        self._by_blob: defaultdict[str | None, list[Touched]] = defaultdict(list)
        self._by_word: defaultdict[str, list[Touched]] = defaultdict(list)
        for file in touched:
            if file.new_blob is None:
                self._by_blob[file.old_blob].append(file)
                for word in _words(file.path):
                    self._by_word[word].append(file)

    def likely_sources(self, added: Touched) -> list[Touched]:
        """The files that may have become ``added``, the likeliest first: those of a like name, one of its content."""
        words = _words(added.path)
        rarest_first = sorted((self._by_word[word] for word in words if word in self._by_word), key=len)
        looked_at = dict.fromkeys(islice(chain(self._by_blob.get(added.new_blob, ()), *rarest_first), _MAX_LOOKED_AT))
        ordered = sorted(
            looked_at, key=lambda file: (len(_words(file.path) ^ words), file.old_blob != added.new_blob, file.path)
        )
        same = [file for file in ordered if file.old_blob == added.new_blob]
        return list(dict.fromkeys([*ordered[:_MAX_SOURCES], *same[:1]]))


def files_below(apps: Iterable[AppFiles]) -> dict[str, tuple[str, ...]]:
    """For each file of the applications those of lower precedence, which may name the image where it does not."""
    below: dict[str, tuple[str, ...]] = {}
    for app in apps:
        for number, path in enumerate(files := app.files):
            below[path] = tuple(dict.fromkeys((*below.get(path, ()), *files[:number])))
    return below


class Files:
    """Files of today, and how they were called at the commit up to which the past has been read."""

    def __init__(self, bases: Mapping[str, Sequence[str]], environments: Collection[str]) -> None:
        """``bases``: for each file the values below it; ``environments`` are the names of all of today."""
        self._bases = dict(bases)  # as they were called at that time
        self._environments = environments
        self._today = {path: path for path in bases}  # by the name at that time

    @property
    def names(self) -> list[str]:
        """How those files that were there are called at that time."""
        return list(self._today)

    @property
    def folder(self) -> str:
        """The file, or the folder that all of them were in; empty for the whole repository."""
        return commonpath(self._today) if self._today else ""

    def read_back(self, checkout: Checkout, commits: Sequence[PastCommit]) -> Iterator[Step]:
        """The steps among ``commits``, which follow on what was read so far; contents are fetched all at once."""
        contents = checkout.blobs.read(self._blobs_that_matter(commits))
        for past in commits:
            changed, begun, gone = dict[str, tuple[bytes, bytes]](), list[str](), None
            for file in past.touched:
                if file.path not in self._today or file.new_blob is None:
                    continue
                today, source = self._today.pop(file.path), file if file.old_blob is not None else None
                if source is None:
                    gone = gone or GoneFiles(past.touched)
                    source = self._source(gone, file, past, contents, today)
                if source is None:
                    begun.append(today)
                else:  # the file before: under its old name, where the commit renamed it
                    self._today[source.path] = today
                    if source is not file:
                        names = [(_name_before(base, source.path, past), base) for base in self._bases[today]]
                        self._bases[today] = [before or base for before, base in names]
                    changed[today] = (contents[source.old_blob or ""], contents[file.new_blob])
            if changed or begun:
                yield Step(past, changed, tuple(begun))

    def _blobs_that_matter(self, commits: Sequence[PastCommit]) -> set[str]:
        """Contents of these files under every name that they may have had, before it is known which they had."""
        possible, blobs = set(self._today), set()
        for past in commits:
            gone = GoneFiles(past.touched)
            for file in past.touched:
                if file.path in possible and file.new_blob is not None:
                    sources = gone.likely_sources(file) if file.old_blob is None else [file]
                    possible |= {source.path for source in sources}
                    blobs |= {source.old_blob for source in sources if source.old_blob is not None}
                    blobs |= {file.new_blob} if sources else set()
        return blobs

    def _source(
        self, gone: GoneFiles, added: Touched, past: PastCommit, contents: Mapping[str, bytes], today: str
    ) -> Touched | None:
        return next(
            (
                source for source in gone.likely_sources(added)
                if source.path not in self._today
                and not are_of_two_environments(source.path, added.path, self._environments)
                and _is_same_file(source, added, past, contents, self._bases[today])
            ),
            None,
        )  # fmt: skip


def _words(path: str) -> set[str]:
    return set(_WORD.findall(path))


def are_of_two_environments(old: str, new: str, environments: Collection[str]) -> bool:
    """Whether each of two paths names an environment that the other does not; ``environments`` are those of today.

    The past of another environment is none of this one's: it may hold tags that this one's rules do not let in.
    """
    then, now = (
        usual_names_in(_WORD.findall(path))
        | {name for name in environments if re.search(rf"(?<![^/._-]){re.escape(name)}(?![^/._-])", path)}
        for path in (old, new)
    )
    return not then <= now and not now <= then


def _is_same_file(
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
    return bool(bases) and all(_name_before(base, old.path, past) is not None for base in bases)


def _alike(before: bytes, after: bytes) -> bool:
    lines, others = before.splitlines(), after.splitlines()
    return before == after or len(set(lines) & set(others)) >= _ALIKE * max(len(set(lines)), len(set(others)))


def _images(path: str, content: bytes) -> Collection[str] | None:
    """The images that a file names by itself; None where it cannot be read."""
    try:
        return {str(pin.repository) for pin in find_pins(read_values(path, content)) if pin.repository is not None}
    except Refused:
        return None


def _name_before(base: str, old_path: str, past: PastCommit) -> str | None:
    """How shared values were called that were below the old file, too, or were moved with it as they are."""
    added = next((file.new_blob for file in past.touched if file.path == base and file.old_blob is None), None)
    if added is not None:
        gone = (file.path for file in past.touched if file.old_blob == added and file.new_blob is None)
        return max(gone, key=lambda path: len(commonprefix([path, old_path])), default=None)
    folder = dirname(base)
    return base if not folder or old_path.startswith(f"{folder}/") else None


def read_past_of_all(checkout: Checkout, files: Files, stretches: Sequence[int] = STRETCHES) -> Iterator[list[Step]]:
    """The steps of many files, from git's own log."""
    for commits in read_log(checkout, stretches):
        yield list(files.read_back(checkout, commits))
        if not files.names:  # all of them are younger
            return


def read_past_of_one(checkout: Checkout, files: Files, gitlab: GitLab) -> Iterator[list[Step]]:
    """The steps of one application's files, from the commits that GitLab lists for them.

    After a commit that renamed one of them, the list goes on from there under the old names.
    """
    start, path, number, seen = checkout.tip, files.folder, 0, set[str]()
    for _ in range(_MAX_PAGES):
        size = _PAGE if number else _FIRST_PAGE
        listed = list_commits(gitlab, path, start, first_parent=True, size=size, page=number or 1)
        page = [commit.id for commit in listed]
        names, steps, renamed = set(files.names), list[Step](), False
        for step in files.read_back(checkout, fetch_past(checkout, [commit for commit in page if commit not in seen])):
            steps.append(step)
            if renamed := not names.issuperset(files.names):
                break
        yield steps
        if not files.names or (not renamed and len(page) < size):  # all of them are younger, or the list is at its end
            return
        if renamed:
            parents = steps[-1].past.commit.parents
            if not parents:
                return
            start, path, number, seen = parents[0], files.folder, 0, set()
        else:
            number, seen = number + 1, seen.union(page)
    raise LookedFarEnough(
        f"what you ask for is further back than {_MAX_PAGES} pages of GitLab's list of the commits to {path}",
        "name a merge request with rollback's --mr",
    )
