"""Commits of the target branch's past with the files that they changed; no content of a file is read for that."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname
from typing import NamedTuple

from bumper.errors import Unavailable
from bumper.git.checkout import Checkout
from bumper.git.command import NETWORK_TIMEOUT, GitFailed
from bumper.git.failures import explain
from bumper.git.objects import Commit, read_commits, read_objects, read_tree

_OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ABSENT = "0" * 40


class Touched(NamedTuple):
    """A file that a commit changed, by its contents before and after; None where it was not there."""

    path: str
    old_blob: str | None
    new_blob: str | None


@dataclass(frozen=True, slots=True)
class PastCommit:
    """A commit of the first-parent line, what it changed against its first parent, and what it merged."""

    commit: Commit
    touched: tuple[Touched, ...]
    merged: Commit | None  # the second parent, which carries bumper's trailers after a merge


def fetch_past(checkout: Checkout, ids: Sequence[str]) -> list[PastCommit]:
    """These commits, in the same order; they are fetched all at once, with their parents and trees."""
    if not ids:
        return []
    fetch_commits(checkout, ids, "--depth=2", "--filter=blob:none")
    return read_past(checkout, ids)


def read_past(checkout: Checkout, ids: Sequence[str]) -> list[PastCommit]:
    """These commits, in the same order; they have been fetched before, with their parents and trees."""
    commits = {commit.id: commit for commit in read_commits(checkout.git, ids)}
    seconds = {commit.parents[1] for commit in commits.values() if len(commit.parents) > 1}
    merged = {commit.id: commit for commit in read_commits(checkout.git, sorted(seconds))}
    touched = _touched(checkout, [commits[each] for each in ids])
    return [
        PastCommit(commits[each], tuple(touched[each]), merged.get(next(iter(commits[each].parents[1:]), "")))
        for each in ids
    ]


def blobs_at(checkout: Checkout, places: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The ids of files' contents, by commit and path, at commits whose trees are here; absent files are left out.

    Git is asked for folders alone: asked for a file, it would fetch the content.
    """
    git, format_of_line = checkout.git, "%(objectname) %(objecttype)"
    folders = list(dict.fromkeys((commit, dirname(path)) for commit, path in places if "\n" not in path))
    names = "".join(f"{commit}:{folder}\n" for commit, folder in folders)
    lines = git.text("cat-file", f"--batch-check={format_of_line}", stdin=names.encode()).splitlines()
    trees = {
        place: line.partition(" ")[0] for place, line in zip(folders, lines, strict=True) if line.endswith(" tree")
    }
    listed = read_objects(git, sorted(set(trees.values())))
    entries = {tree: read_tree(raw, len(tree) // 2) for tree, raw in listed.items()}
    found: dict[tuple[str, str], str] = {}
    for commit, path in places:
        tree = trees.get((commit, dirname(path)))
        blob = entries[tree].get(basename(path)) if tree is not None else None
        if blob is not None:
            found[commit, path] = blob
    return found


def fetch_commits(checkout: Checkout, ids: Collection[str], *extent: str) -> None:
    """Fetch commits by their ids; ``extent`` are git's options that say how much of them."""
    if not all(_OBJECT_ID.fullmatch(each) for each in ids):  # git would read anything else as a refspec
        raise Unavailable("GitLab answered with commit ids that are not valid", "check that its address is right")
    options = ("--no-tags", "--no-write-fetch-head", "--quiet", "--stdin", *extent)
    listed = "".join(f"{each}\n" for each in ids).encode()
    try:
        checkout.git.over_network("fetch", *options, "origin", stdin=listed)
    except GitFailed as failure:
        raise explain(failure, "fetching past commits", checkout.settings) from failure


def _touched(checkout: Checkout, commits: Sequence[Commit]) -> dict[str, list[Touched]]:
    """What each commit changed against its first parent; a commit with none changed everything it has.

    Git is not asked for renamed files: it finds them by their contents, which it would fetch commit by commit.
    """
    lines = "".join(f"{commit.id} {' '.join(commit.parents[:1])}\n" for commit in commits).encode()
    found: dict[str, list[Touched]] = {commit.id: [] for commit in commits}
    try:
        raw = checkout.git.run(
            "diff-tree", "--stdin", "--root", "-r", "--no-renames", "-z", "--raw", "--no-abbrev", "--full-index",
            stdin=lines, timeout=NETWORK_TIMEOUT,
        )  # fmt: skip
    except GitFailed as failure:
        raise explain(failure, "reading past commits", checkout.settings) from failure
    fields = iter(raw.decode(errors="surrogateescape").split("\0"))
    current = ""
    for text in fields:
        if text.startswith(":"):
            _, _, old, new, _ = text.split(" ")
            blobs = (None if blob == _ABSENT else blob for blob in (old, new))
            found[current].append(Touched(next(fields), *blobs))
        elif text:
            current = text.strip().partition(" ")[0]
    return found
