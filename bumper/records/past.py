"""The past of values files: the commits that changed them, the newest first, under whatever names they had then.

GitLab lists the commits of one application, where there is a token for its API; else git's own log is read back in
stretches. Either way a few fetches do: one for the commits of a stretch, one for all contents that matter in it.
"""

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from posixpath import commonpath

from bumper.errors import LookedFarEnough
from bumper.git.checkout import Checkout
from bumper.git.past_commits import STRETCHES, PastCommit, Touched, fetch_past, read_log
from bumper.gitlab.connection import GitLab
from bumper.gitlab.project import commits_that_touched
from bumper.records.renames import GoneFiles, are_of_two_environments, is_same_file

_MAX_PAGES = 10
# Pages of GitLab's list by size and number, and whether their commits are fetched before the next one is asked for. The
# last deployment, which a rollback needs, is mostly among the first 20 commits; whoever reads on needs ever more.
_PAGES = ((20, 1, True), *((100, number, number in {1, 3, 9}) for number in range(1, 10)))


@dataclass(frozen=True, slots=True)
class Step:
    """A commit that changed some of the files: for each, by its path of today, its content before and after.

    ``begun`` are those that it added, and which were not called otherwise before.
    """

    past: PastCommit
    contents: Mapping[str, tuple[bytes, bytes]]
    begun: tuple[str, ...]


class Files:
    """Files of today, and how they were called at the commit up to which the past has been read."""

    def __init__(self, bases: Mapping[str, Sequence[str]], environments: Collection[str]) -> None:
        """``bases``: for each file the shared values below it; ``environments`` are the names of all of today."""
        self._bases = bases
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
            changed = {}
            for file in past.touched:
                if file.path in self._today and file.old_blob is not None and file.new_blob is not None:
                    changed[self._today[file.path]] = (contents[file.old_blob], contents[file.new_blob])
            renamed, begun = self._go_before(past, contents)
            if changed or renamed or begun:
                yield Step(past, changed | renamed, begun)

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

    def _go_before(
        self, past: PastCommit, contents: Mapping[str, bytes]
    ) -> tuple[dict[str, tuple[bytes, bytes]], tuple[str, ...]]:
        """Go before ``past``, which added some of the files: those that were renamed go on under their old names.

        Returns the contents of the renamed ones before and after, and the others.
        """
        added = [file for file in past.touched if file.old_blob is None and file.path in self._today]
        gone = GoneFiles(past.touched) if added else None
        renamed, begun = {}, []
        for file in added:
            today = self._today.pop(file.path)
            source = self._source(gone, file, past, contents, today) if gone is not None else None
            if source is not None:
                self._today[source.path] = today
                renamed[today] = (contents[source.old_blob or ""], contents[file.new_blob or ""])
            else:
                begun.append(today)
        return renamed, tuple(begun)

    def _source(
        self, gone: GoneFiles, added: Touched, past: PastCommit, contents: Mapping[str, bytes], today: str
    ) -> Touched | None:
        return next(
            (
                source
                for source in gone.likely_sources(added)
                if source.path not in self._today
                and not are_of_two_environments(source.path, added.path, self._environments)
                and is_same_file(source, added, past, contents, self._bases[today])
            ),
            None,
        )


def read_past_of_all(checkout: Checkout, files: Files, stretches: Sequence[int] = STRETCHES) -> Iterator[list[Step]]:
    """The steps of many files, from git's own log.

    Raises:
        LookedFarEnough: there are more commits than anybody should wait for.

    """
    for commits in read_log(checkout, stretches):
        yield list(files.read_back(checkout, commits))
        if not files.names:  # all of them are younger
            return


def read_past_of_one(checkout: Checkout, files: Files, gitlab: GitLab) -> Iterator[list[Step]]:
    """The steps of one application's files, from the commits that GitLab lists for them.

    Raises:
        LookedFarEnough: there are more commits than anybody should wait for.

    """
    start: str | None = checkout.tip
    pages = count(1)
    while start is not None and files.names:
        start = yield from _until_renamed(checkout, files, gitlab, start, pages)


def _until_renamed(
    checkout: Checkout, files: Files, gitlab: GitLab, start: str, pages: Iterator[int]
) -> Generator[list[Step], None, str | None]:
    """The steps up to the next rename; returns the commit to go on from under the old names, None at the end."""
    names = set(files.names)
    for ids in _listed(gitlab, files.folder, start, pages):
        steps: list[Step] = []
        for step in files.read_back(checkout, fetch_past(checkout, ids)):
            steps.append(step)
            if not names.issuperset(files.names):
                yield steps
                return next(iter(step.past.commit.parents), None)
        yield steps
        if not files.names:  # all of them are younger
            return None
    return None


def _listed(gitlab: GitLab, path: str, start: str, pages: Iterator[int]) -> Iterator[list[str]]:
    """Ids of the commits that changed ``path``, in ever longer lists."""
    seen: set[str] = set()
    ids: list[str] = []
    for size, number, is_enough in _PAGES:
        if next(pages) > _MAX_PAGES:
            break
        page = commits_that_touched(gitlab, path, start, size, number)
        ids += [commit for commit in page if commit not in seen]
        seen.update(page)
        if is_enough or len(page) < size:
            yield ids
            ids = []
        if len(page) < size:
            return
    yield ids
    raise LookedFarEnough(
        f"what you ask for is further back than {_MAX_PAGES} pages of GitLab's list of the commits to {path}",
        "name a merge request with rollback's --mr",
    )
