"""Commits of the target branch's past with the files that they changed; no content of a file is read for that.

By git alone its first-parent line is read back from the tip in a few long stretches, each fetched at once. Which merge
request brought a commit, and what a squash left out of its message, only GitLab knows.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname
from typing import NamedTuple

from bumper.errors import LookedFarEnough, Unavailable
from bumper.git.checkout import Checkout, fetch_tip
from bumper.git.command import FETCH, NETWORK_TIMEOUT
from bumper.git.failures import explained
from bumper.git.objects import Commit, cut_commits, in_lines, read_commits, read_objects

STRETCHES = (100, 500, 2500, 10_000)  # commits from the tip
_NEWEST = 250  # commits
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
    names = in_lines(f"{commit}:{folder}" for commit, folder in folders)
    lines = git.text("cat-file", f"--batch-check={format_of_line}", stdin=names).splitlines()
    trees = {
        place: line.partition(" ")[0] for place, line in zip(folders, lines, strict=True) if line.endswith(" tree")
    }
    listed = read_objects(git, sorted(set(trees.values())))
    entries = {tree: _read_tree(raw, len(tree) // 2) for tree, raw in listed.items()}
    found: dict[tuple[str, str], str] = {}
    for commit, path in places:
        tree = trees.get((commit, dirname(path)))
        blob = entries[tree].get(basename(path)) if tree is not None else None
        if blob is not None:
            found[commit, path] = blob
    return found


def _read_tree(raw: bytes, id_size: int) -> dict[str, str]:
    """The object ids in a folder, by name, from git's own form of it, in which they have ``id_size`` bytes."""
    entries: dict[str, str] = {}
    place = 0
    while place < len(raw):
        end = raw.index(b"\0", place)
        name = raw[place:end].partition(b" ")[2].decode(errors="surrogateescape")
        place = end + 1 + id_size
        entries[name] = raw[end + 1 : place].hex()
    return entries


def fetch_commits(checkout: Checkout, ids: Collection[str], *extent: str) -> None:
    """Fetch commits by their ids; ``extent`` are git's options that say how much of them."""
    if not all(_OBJECT_ID.fullmatch(each) for each in ids):  # git would read anything else as a refspec
        raise Unavailable("GitLab answered with commit ids that are not valid", "check that its address is right")
    with explained("fetching past commits", checkout.settings):
        checkout.git.over_network(*FETCH, "--stdin", *extent, "origin", stdin=in_lines(ids))


def _touched(checkout: Checkout, commits: Sequence[Commit]) -> dict[str, list[Touched]]:
    """What each commit changed against its first parent; a commit with none changed everything it has.

    Git is not asked for renamed files: it finds them by their contents, which it would fetch commit by commit.
    """
    lines = in_lines(f"{commit.id} {' '.join(commit.parents[:1])}" for commit in commits)
    found: dict[str, list[Touched]] = {commit.id: [] for commit in commits}
    form = ("-r", "--no-renames", "-z", "--raw", "--no-abbrev", "--full-index")
    with explained("reading past commits", checkout.settings):
        raw = checkout.git.run("diff-tree", "--stdin", "--root", *form, stdin=lines, timeout=NETWORK_TIMEOUT)
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


def read_log(checkout: Checkout, stretches: Sequence[int] = STRETCHES) -> Iterator[list[PastCommit]]:
    """The first-parent commits from the tip back, the newest first, in stretches.

    LookedFarEnough where there are more than anybody should wait for.
    """
    seen: set[str] = set()
    for depth in stretches:
        cut = _deepen(checkout, depth)
        line = _rev_list(checkout, ["--first-parent", checkout.tip])
        # A commit whose parents are not there seems to change everything: it comes with the next stretch.
        ids = [commit for commit in line if commit not in seen and commit not in cut]
        yield read_past(checkout, ids)
        seen.update(ids)
        if not cut.intersection(line):
            return
    raise LookedFarEnough(
        f"what you ask for is not within the newest {stretches[-1]} commits of {checkout.branch}",
        "name one application with --app, with a token for GitLab's API, which lists that application's commits alone",
    )


def newest_commits(checkout: Checkout, path: str = "") -> list[Commit]:
    """The target branch's newest commits that changed ``path``, those of merged branches included."""
    cut = _deepen(checkout, _NEWEST)
    ids = [commit for commit in _rev_list(checkout, [checkout.tip], path) if commit not in cut]
    return read_commits(checkout.git, ids)


def _deepen(checkout: Checkout, depth: int) -> set[str]:
    """Have so many commits at least; returns the oldest that are there, whose parents are not."""
    if cut_commits(checkout.git):  # else all of them are there
        fetch_tip(checkout, checkout.branch, depth)
    return cut_commits(checkout.git)


def _rev_list(checkout: Checkout, revisions: list[str], path: str = "") -> list[str]:
    paths = ["--", f":(literal){path}"] if path else []
    return checkout.git.text("rev-list", *revisions, *paths, timeout=NETWORK_TIMEOUT).split()
