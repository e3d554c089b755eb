"""The GitOps repository: a partial clone without a work tree; bytes in and out of git objects.

No work tree, because one is not byte-exact (.gitattributes, core.autocrlf, LFS and symbolic links change what is read
and written). Only the newest commit and the blobs that are asked for are fetched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from bumper.git.blobs import BlobStore
from bumper.git.command import NETWORK_TIMEOUT, GitCommand, GitFailed
from bumper.git.failures import PushRaceLost, explain, is_gone
from bumper.git.objects import Commit, parse_commit
from bumper.settings import Settings

_SYMBOLIC_LINK = "120000"
_REGULAR = ("100644", "100755")
HEADS = "refs/heads/"


class Entry(NamedTuple):
    """A file in a commit's tree: git's octal mode, and the object id of its content."""

    mode: str
    blob: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """The target branch at one commit."""

    git: GitCommand
    settings: Settings
    branch: str
    tip: str
    entries: Mapping[str, Entry] = field(repr=False)  # by path, in git's order
    blobs: BlobStore = field(repr=False, compare=False)

    @property
    def files(self) -> list[str]:
        """The paths of all files and symbolic links, in git's order."""
        return list(self.entries)

    def is_link(self, path: str) -> bool:
        """Whether ``path`` is a symbolic link, which Helm may follow and bumper does not."""
        return self.entries[path].mode == _SYMBOLIC_LINK


def list_entries(git: GitCommand, tip: str) -> dict[str, Entry]:
    """Every file of a commit, by its path; a submodule is none."""
    entries = {}
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", tip).decode(errors="surrogateescape")
    for line in listed.split("\0"):
        about, _, path = line.partition("\t")
        if about:
            mode, kind, object_id = about.split(" ")
            if kind == "blob":
                entries[path] = Entry(mode, object_id)
    return entries


def submodules(checkout: Checkout) -> frozenset[str]:
    """The paths at which other repositories are, whose files are not read."""
    listed = checkout.git.run("ls-tree", "-r", "-z", "--full-tree", checkout.tip).decode(errors="surrogateescape")
    entries = (line.partition("\t") for line in listed.split("\0"))
    return frozenset(path for about, _, path in entries if about.startswith("160000 "))


def refreshed(checkout: Checkout) -> Checkout:
    """The target branch as it is now."""
    return at_commit(checkout, fetch_tip(checkout, checkout.branch))


def fetch_branch(checkout: Checkout, branch: str, depth: int = 1) -> Checkout:
    """Another branch's newest commit, to read its files, and the ``depth - 1`` commits before it.

    Raises:
        PushRaceLost: there is no such branch (any more).

    """
    return replace(at_commit(checkout, fetch_tip(checkout, branch, depth)), branch=branch)


def at_commit(checkout: Checkout, commit: str) -> Checkout:
    """The files as another commit, fetched before, has them."""
    return replace(checkout, tip=commit, entries=list_entries(checkout.git, commit))


def fetch_tip(checkout: Checkout, branch: str, depth: int = 1) -> str:
    """Fetch a branch's newest commits, without blobs; the id of the newest one.

    Raises:
        PushRaceLost: another branch than the target is not there (any more).
        Refused: the target branch is not there. Unavailable: the server could not be reached.

    """
    arguments = ["--depth", str(depth), "--filter=blob:none", "--no-tags", "--no-write-fetch-head", "--quiet"]
    ref = f"refs/bumper/fetched/{branch}"
    try:
        checkout.git.over_network("fetch", *arguments, "origin", f"+{HEADS}{branch}:{ref}")
    except GitFailed as failure:
        if branch != checkout.branch and is_gone(failure):  # merged or deleted a moment ago
            raise PushRaceLost(branch) from failure
        raise explain(failure, f"fetching {branch}", checkout.settings) from failure
    return checkout.git.text("rev-parse", ref)


def read_files(checkout: Checkout, paths: Iterable[str]) -> dict[str, bytes]:
    """The bytes of files at the tip, fetched all at once; symbolic links are left out."""
    wanted = {path: entry.blob for path in paths if (entry := checkout.entries[path]).mode in _REGULAR}
    contents = checkout.blobs.read(set(wanted.values()))
    return {path: contents[blob] for path, blob in wanted.items()}


def remote_refs(checkout: Checkout, pattern: str) -> dict[str, list[str]]:
    """The remote's refs that match a glob, by the commit that they are at."""
    try:
        listed = checkout.git.text("ls-remote", "--quiet", "origin", pattern, timeout=NETWORK_TIMEOUT)
    except GitFailed as failure:
        raise explain(failure, f"listing {pattern}", checkout.settings) from failure
    refs: dict[str, list[str]] = {}
    for line in listed.splitlines():
        commit, _, ref = line.partition("\t")
        refs.setdefault(commit, []).append(ref)
    return refs


def read_commit(checkout: Checkout) -> Commit:
    """The commit at the tip."""
    return parse_commit(checkout.tip, checkout.git.run("cat-file", "commit", checkout.tip))
