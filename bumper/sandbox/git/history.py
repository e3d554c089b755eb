"""Reading a repository's past: commits, their trailers, differences between two trees."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bumper.sandbox.git.repository import Repository

_FIELDS = ("%H", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B", "%(trailers:only,unfold)")
_FORMAT = "%x1e" + "%x1f".join(_FIELDS) + "%x1f"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as git shows it; ``trailers`` are name and value in their order, ``stats`` lines added and deleted."""

    id: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored_date: str
    committer_name: str
    committer_email: str
    committed_date: str
    message: str
    trailers: tuple[tuple[str, str], ...]
    stats: tuple[int, int]


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What happened to one file; ``text`` begins at the first ``@@``."""

    old_path: str
    new_path: str
    old_mode: str
    new_mode: str
    text: str


def read_commits(
    repository: Repository,
    revision: str,
    *,
    options: Sequence[str] = (),
    paths: Sequence[str] = (),
    stats: bool = False,
) -> list[Commit]:
    """The commits of a revision or range (empty: of every ref). Raises GitError when git refuses it."""
    count = ["--numstat"] if stats else []
    wanted = ["--end-of-options", revision] if revision else ["--all"]
    output = repository.git("log", f"--format={_FORMAT}", *count, *options, *wanted, "--", *paths)
    return [_commit(record) for record in output.split("\x1e")[1:]]


def read_diff(repository: Repository, *revisions: str) -> list[FileDiff]:
    """The files that differ between two revisions, renames found."""
    output = repository.git("-c", "core.quotePath=false", "diff", "--find-renames", "--full-index", *revisions)
    parts = output.split("diff --git ")
    return [_file_diff(part) for part in parts[1:]]


@lru_cache
def count_changed_files(repository: Repository, base: str, head: str) -> int:
    """How many files ``head`` changed since it left ``base``; ids of commits, whose answer is the same for ever.

    Whoever waits for a merge request asks for it again and again.
    """
    return repository.git("diff", "--name-only", "-z", f"{base}...{head}").count("\0")


def _commit(record: str) -> Commit:
    fields = record.split("\x1f", len(_FIELDS))
    trailers, rest = fields[-2:]
    pairs = (line.partition(": ")[::2] for line in trailers.splitlines() if ": " in line)
    numbers = [line.split("\t")[:2] for line in rest.splitlines() if "\t" in line]
    added, deleted = (sum(int(pair[side]) for pair in numbers if pair[side].isdigit()) for side in (0, 1))
    return Commit(
        id=fields[0],
        parents=tuple(fields[1].split()),
        author_name=fields[2],
        author_email=fields[3],
        authored_date=fields[4],
        committer_name=fields[5],
        committer_email=fields[6],
        committed_date=fields[7],
        message=fields[8],
        trailers=tuple(pairs),
        stats=(added, deleted),
    )


def _file_diff(part: str) -> FileDiff:
    """One file's part of a unified diff; the header's lines give the paths and modes."""
    head, mark, hunks = part.partition("\n@@")
    paths = head.partition("\n")[0]
    half = len(paths) // 2
    known = {"old": paths[:half].removeprefix("a/"), "new": paths[half + 1 :].removeprefix("b/")}
    modes = {"old": "100644", "new": "100644"}
    for line in head.splitlines()[1:]:
        for word, side in (("rename from ", "old"), ("rename to ", "new")):
            if line.startswith(word):
                known[side] = line.removeprefix(word)
        if line.startswith("new file mode "):
            modes = {"old": "0", "new": line.rpartition(" ")[2]}
        elif line.startswith("deleted file mode "):
            modes = {"old": line.rpartition(" ")[2], "new": "0"}
        elif line.startswith(("old mode ", "new mode ")):
            modes[line[:3]] = line.rpartition(" ")[2]
    return FileDiff(known["old"], known["new"], modes["old"], modes["new"], mark[1:] + hunks)
