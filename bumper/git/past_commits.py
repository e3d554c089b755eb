"""The target branch's past, as little of it as is needed.

GitLab names the commits that touched a path (its commits API); only these commits, their parents and the versions of
the touched files are fetched. A repository with 20,000 commits is never fetched whole.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bumper.git.checkout import Checkout
from bumper.git.command import NETWORK_TIMEOUT, GitFailed
from bumper.git.failures import explain
from bumper.git.objects import Commit, read_commits

_ABSENT = "0" * 40
_WORD = re.compile(r"[^/._-]+")
_ONE_WORD = 2  # unlike words, where one was replaced by another


@dataclass(frozen=True, slots=True)
class Touched:
    """A file that a commit changed, by its blobs; None where it was not there. A renamed file has two paths."""

    old_path: str
    new_path: str
    old_blob: str | None
    new_blob: str | None


@dataclass(frozen=True, slots=True)
class PastCommit:
    """A commit of the first-parent line, what it changed against its first parent, and what it merged."""

    commit: Commit
    touched: tuple[Touched, ...]
    merged: Commit | None  # the second parent, which carries bumper's trailers after a merge


def read_past(checkout: Checkout, ids: Sequence[str]) -> list[PastCommit]:
    """These commits with their changes, in the same order; fetched all at once."""
    if not ids:
        return []
    fetch_commits(checkout, ids)
    return read_fetched(checkout, ids)


def read_fetched(checkout: Checkout, ids: Sequence[str]) -> list[PastCommit]:
    """The same for commits that are there already, with their parents."""
    commits = {commit.id: commit for commit in read_commits(checkout.git, ids)}
    seconds = {commit.parents[1] for commit in commits.values() if len(commit.parents) > 1}
    merged = {commit.id: commit for commit in read_commits(checkout.git, sorted(seconds))}
    touched = _touched(checkout, [commits[each] for each in ids])
    return [
        PastCommit(commits[each], tuple(touched[each]), merged.get(next(iter(commits[each].parents[1:]), "")))
        for each in ids
    ]


def fetch_commits(checkout: Checkout, ids: Iterable[str]) -> None:
    """Fetch commits with their parents and trees, without blobs."""
    arguments = ["--depth", "2", "--filter=blob:none", "--no-tags", "--no-write-fetch-head", "--quiet", "--stdin"]
    listed = "".join(f"{each}\n" for each in ids).encode()
    try:
        checkout.git.over_network("fetch", *arguments, "origin", stdin=listed)
    except GitFailed as failure:
        raise explain(failure, "fetching past commits", checkout.settings) from failure


def _touched(checkout: Checkout, commits: Sequence[Commit]) -> dict[str, list[Touched]]:
    """What each commit changed against its first parent; a commit with none changed everything it has."""
    lines = "".join(f"{commit.id} {' '.join(commit.parents[:1])}\n" for commit in commits).encode()
    found: dict[str, list[Touched]] = {commit.id: [] for commit in commits}
    try:
        raw = checkout.git.run(
            "diff-tree", "--stdin", "--root", "-r", "-M", "-z", "--raw", "--no-abbrev", "--full-index",
            stdin=lines, timeout=NETWORK_TIMEOUT,
        )  # fmt: skip
    except GitFailed as failure:
        raise explain(failure, "reading past commits", checkout.settings) from failure
    fields = iter(raw.decode(errors="surrogateescape").split("\0"))
    current = ""
    for text in fields:
        if text.startswith(":"):
            _, _, old, new, status = text[1:].split(" ")
            path = next(fields)
            renamed = next(fields) if status[0] in "RC" else path
            blobs = (None if blob == _ABSENT else blob for blob in (old, new))
            found[current].append(Touched(path, renamed, *blobs))
        elif text:
            current = text.strip().partition(" ")[0]
    return {commit: _paired(touched) for commit, touched in found.items()}


def _paired(touched: Sequence[Touched]) -> list[Touched]:
    """``touched`` with the renamed files paired by their names too.

    Git goes by content alone, and values that were promoted are alike in two environments: when their folder is
    renamed, one environment's file would take over the other's past.
    """
    renamed = [one for one in touched if one.old_path != one.new_path]
    gone = {one.old_path: one.old_blob for one in touched if one in renamed or one.new_blob is None} if renamed else {}
    paired = [one for one in touched if one.old_path == one.new_path]
    for one in sorted(renamed, key=lambda each: _unlike(each.old_path, each.new_path)):
        old = _source(one, gone)
        paired.append(Touched(old, one.new_path, gone.pop(old, one.old_blob), one.new_blob))
    return paired


def _source(one: Touched, gone: Mapping[str, str | None]) -> str:
    """The path of the file in ``gone`` that became ``one``: git's choice, unless another's name is more like it."""
    least = _unlike(one.old_path, one.new_path)
    if least <= _ONE_WORD:
        return one.old_path
    likely = [
        (unlike, gone[path] != one.new_blob, _unlike(path, one.old_path), path)
        for path in gone
        if (unlike := _unlike(path, one.new_path)) < least
    ]
    return min(likely)[-1] if likely else one.old_path


def _unlike(path: str, other: str) -> int:
    """How many words stand in only one of two paths."""
    return len(set(_WORD.findall(path)) ^ set(_WORD.findall(other)))
