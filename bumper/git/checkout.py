"""The GitOps repository: a partial clone without a work tree; bytes in and out of git objects, links followed.

No work tree, because one is not byte-exact (.gitattributes, core.autocrlf, LFS and symbolic links change what is read
and written). Only the newest commit and the blobs that are asked for are fetched.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from posixpath import dirname, join, normpath
from typing import NamedTuple

from bumper.errors import Refused
from bumper.git.command import FETCH, NETWORK_TIMEOUT, GitCommand, GitFailed
from bumper.git.failures import PushRaceLost, explained, is_gone
from bumper.git.objects import BlobStore, Commit, parse_commit
from bumper.settings import Settings

_LINK, _SUBMODULE = "120000", "160000"
_REGULAR = ("100644", "100755")
HEADS = "refs/heads/"
_MAX_HOPS = 40  # from link to link, as Linux has it
_MAX_FILES = 100_000  # behind links


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
        return self.entries[path].mode == _LINK


def list_entries(git: GitCommand, tip: str) -> dict[str, Entry]:
    """Every file of a commit, by its path; a submodule is none."""
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", tip).decode(errors="surrogateescape")
    entries = {}
    for line in listed.split("\0")[:-1]:
        about, _, path = line.partition("\t")
        mode, kind, object_id = about.split(" ")
        if kind == "blob":
            entries[path] = Entry(mode, object_id)
    return entries


def changed_submodules(before: Checkout, after: Checkout) -> list[str]:
    """The paths at which one of two commits has another repository, whose files are not read, and the other has not."""
    listed = after.git.run("diff-tree", "-r", "-z", "--no-renames", before.tip, after.tip)
    fields = listed.decode(errors="surrogateescape").split("\0")[:-1]
    changes = zip(fields[::2], fields[1::2], strict=True)  # modes and ids, path
    return [path for about, path in changes if _SUBMODULE in about.lstrip(":").split()[:2]]


def refreshed(checkout: Checkout) -> Checkout:
    """The target branch as it is now."""
    return at_commit(checkout, fetch_tip(checkout, checkout.branch))


def fetch_branch(checkout: Checkout, branch: str, depth: int = 1) -> Checkout:
    """Another branch's newest commit, to read its files, and the ``depth - 1`` commits before it.

    PushRaceLost where there is no such branch (any more).
    """
    return replace(at_commit(checkout, fetch_tip(checkout, branch, depth)), branch=branch)


def at_commit(checkout: Checkout, commit: str) -> Checkout:
    """The files as another commit, fetched before, has them."""
    return replace(checkout, tip=commit, entries=list_entries(checkout.git, commit))


def fetch_tip(checkout: Checkout, branch: str, depth: int = 1) -> str:
    """Fetch a branch's newest commits, without blobs; the id of the newest one.

    PushRaceLost where another branch than the target is not there (any more); Refused where the target branch is not
    there; Unavailable where the server could not be reached.
    """
    ref = f"refs/bumper/fetched/{branch}"
    extent = ("--depth", str(depth), "--filter=blob:none")
    with explained(f"fetching {branch}", checkout.settings):
        try:
            checkout.git.over_network(*FETCH, *extent, "origin", f"+{HEADS}{branch}:{ref}")
        except GitFailed as failure:
            if branch != checkout.branch and is_gone(failure):  # merged or deleted a moment ago
                raise PushRaceLost(branch) from failure
            raise
    return checkout.git.text("rev-parse", ref)


def read_files(checkout: Checkout, paths: Iterable[str]) -> dict[str, bytes]:
    """The bytes of files at the tip, fetched all at once; symbolic links are left out."""
    wanted = {path: entry.blob for path in paths if (entry := checkout.entries[path]).mode in _REGULAR}
    contents = checkout.blobs.read(set(wanted.values()))
    return {path: contents[blob] for path, blob in wanted.items()}


def remote_refs(checkout: Checkout, pattern: str) -> dict[str, list[str]]:
    """The remote's refs that match a glob, by the commit that they are at."""
    with explained(f"listing {pattern}", checkout.settings):
        listed = checkout.git.text("ls-remote", "--quiet", "origin", pattern, timeout=NETWORK_TIMEOUT)
    refs: dict[str, list[str]] = {}
    for line in listed.splitlines():
        commit, _, ref = line.partition("\t")
        refs.setdefault(commit, []).append(ref)
    return refs


def read_commit(checkout: Checkout) -> Commit:
    """The commit at the tip."""
    return parse_commit(checkout.tip, checkout.git.run("cat-file", "commit", checkout.tip))


def follow_links(checkout: Checkout) -> Checkout:
    """The commit with the files that its links lead to in their places, as Helm and Argo CD read them.

    A link that leads nowhere within the commit stays one.

    Refused where there are more files behind links than anybody would have on purpose.
    """
    links = {path: entry.blob for path, entry in checkout.entries.items() if entry.mode == _LINK}
    if not links:
        return checkout
    contents = checkout.blobs.read(set(links.values()))
    texts = {path: contents[blob].decode(errors="surrogateescape") for path, blob in links.items()}
    paths = sorted(checkout.entries)
    entries = dict(checkout.entries)
    for path in links:
        found = dict(_behind(path, texts, checkout.entries, paths))
        if found:
            del entries[path]
            entries.update(found)
        if len(entries) > len(checkout.entries) + _MAX_FILES:
            raise Refused(f"{path}: symbolic links lead to too many files", "remove links that lead to links")
    return replace(checkout, entries=entries)


def _behind(
    link: str, links: Mapping[str, str], entries: Mapping[str, Entry], paths: Sequence[str]
) -> Iterator[tuple[str, Entry]]:
    """The file that a link leads to, or the files of the folder, by the paths that they have by way of the link."""
    real = _real(link, links)
    if real is None:
        return
    if real in entries:
        yield link, entries[real]
        return
    folder = f"{real}/" if real else ""
    if link.startswith(folder):  # the folder that the link is in
        return
    for path in paths[bisect_left(paths, folder) :]:
        if not path.startswith(folder):
            return
        target = _real(path, links)
        if target is not None and target in entries:
            yield f"{link}/{path.removeprefix(folder)}", entries[target]


def _real(path: str, links: Mapping[str, str]) -> str | None:
    """Where ``path`` leads once every link on the way is followed; None where that is outside, or nowhere."""
    for _ in range(_MAX_HOPS):
        steps = path.split("/")
        parts = ("/".join(steps[:count]) for count in range(1, len(steps) + 1))
        link = next((part for part in parts if part in links), None)
        if link is None:
            return path
        if "/../" in links[link].lstrip("./"):  # from a folder that may be a link itself
            return None
        target = normpath(join(dirname(link), links[link], path.removeprefix(link).lstrip("/")))
        if target.startswith(("/", "../")) or target == "..":
            return None
        path = "" if target == "." else target
    return None
