"""The GitOps repository: a partial clone without a work tree; bytes in and out of git objects.

No work tree, because one is not byte-exact (.gitattributes, core.autocrlf, LFS and symbolic links change what is read
and written). Only the newest commit and the blobs that are asked for are fetched.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bumper.git.blob_cache import keep, read_kept
from bumper.git.command import NETWORK_TIMEOUT, GitCommand, GitFailed
from bumper.git.failures import PushRaceLost, explain, explain_push, is_gone, is_race
from bumper.settings import Settings

SYMBOLIC_LINK = "120000"
_REGULAR = ("100644", "100755")
HEADS = "refs/heads/"
_WORTH_KEEPING = 200  # blobs: fewer are fetched as fast


@dataclass(frozen=True, slots=True)
class Checkout:
    """The target branch at one commit."""

    git: GitCommand
    settings: Settings
    branch: str
    tip: str
    entries: Mapping[str, str]  # of every path "<mode> blob <object id>", one text: there may be tens of thousands
    blobs: dict[str, bytes] = field(default_factory=dict, repr=False)  # read before: a job made again asks for the rest

    @property
    def files(self) -> list[str]:
        """The paths of all files and symbolic links, in git's order."""
        return list(self.entries)

    def is_link(self, path: str) -> bool:
        """Whether ``path`` is a symbolic link, which Helm may follow and bumper does not."""
        return self.mode(path) == SYMBOLIC_LINK

    def mode(self, path: str) -> str:
        """A file's mode: git's octal digits."""
        return self.entries[path].partition(" ")[0]

    def blob(self, path: str) -> str:
        """The object id of a file's content."""
        return self.entries[path].rpartition(" ")[2]


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as git stores it."""

    id: str
    message: str
    author: str  # Name <email>
    at: datetime  # when it was committed
    parents: tuple[str, ...]


def list_entries(git: GitCommand, tip: str) -> dict[str, str]:
    """Every file of a commit, by its path (see Checkout)."""
    entries = {}
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", tip).decode(errors="surrogateescape")
    for line in listed.split("\0"):
        about, _, path = line.partition("\t")
        if about.startswith("blob ", 7):
            entries[path] = about
    return entries


def refreshed(checkout: Checkout) -> Checkout:
    """The target branch as it is now."""
    tip = _fetch(checkout, checkout.branch)
    return replace(checkout, tip=tip, entries=list_entries(checkout.git, tip))


def _fetch(checkout: Checkout, branch: str, depth: int = 1) -> str:
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
    wanted = {path: checkout.blob(path) for path in paths if checkout.mode(path) in _REGULAR}
    blobs = read_blobs(checkout, set(wanted.values()))
    return {path: blobs[blob] for path, blob in wanted.items()}


def read_blobs(checkout: Checkout, object_ids: set[str]) -> dict[str, bytes]:
    """The contents of blobs by their ids, those not read before fetched all at once."""
    missing = sorted(object_ids - checkout.blobs.keys())
    cache = checkout.settings.cache_folder if len(missing) >= _WORTH_KEEPING else None
    if cache is not None:
        checkout.blobs.update(read_kept(cache, missing))
        missing = [object_id for object_id in missing if object_id not in checkout.blobs]
    if missing:
        fetched = _fetch_blobs(checkout, missing)
        checkout.blobs.update(fetched)
        if cache is not None:
            keep(cache, fetched)
    return {object_id: checkout.blobs[object_id] for object_id in object_ids}


def _fetch_blobs(checkout: Checkout, object_ids: Sequence[str]) -> dict[str, bytes]:
    listed = "".join(f"{object_id}\n" for object_id in object_ids).encode()
    try:
        checkout.git.over_network(
            "-c", "fetch.negotiationAlgorithm=noop",
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none", "--stdin", "origin",
            stdin=listed,
        )  # fmt: skip
        stream = checkout.git.run("cat-file", "--batch", stdin=listed, timeout=NETWORK_TIMEOUT)
    except GitFailed as failure:
        raise explain(failure, "reading values files", checkout.settings) from failure
    return dict(parse_batch(stream))


def parse_batch(stream: bytes) -> Iterator[tuple[str, bytes]]:
    """Ids and contents of the objects that ``git cat-file --batch`` printed."""
    place = 0
    while place < len(stream):
        end = stream.index(b"\n", place)
        object_id, _, size = stream[place:end].decode().split(" ")
        place = end + 1 + int(size) + 1
        yield object_id, stream[end + 1 : place - 1]


def push(checkout: Checkout, commit: str, branch: str, expected: str | None, options: Sequence[str] = ()) -> str:
    """Push ``commit`` as ``branch``, if the branch is still at ``expected`` (None: is not there).

    ``options`` are push options for the server. Returns what it said (``remote:`` lines).

    Raises:
        PushRaceLost: somebody else moved the branch.
        Refused: the server declined the push. Unavailable: it could not be reached.

    """
    ref = f"{HEADS}{branch}"
    lease = f"--force-with-lease={ref}:{expected or ''}"
    told = [part for option in options for part in ("--push-option", option)]
    try:
        return checkout.git.over_network("push", "--porcelain", lease, *told, "origin", f"{commit}:{ref}")
    except GitFailed as failure:
        if is_race(failure.stdout + failure.stderr):
            if failure.repeated and _fetch(checkout, branch) == commit:
                return ""
            raise PushRaceLost(branch) from failure
        raise explain_push(failure, branch, checkout.settings) from failure


def fetch_branch(checkout: Checkout, branch: str, depth: int = 1) -> Checkout:
    """Another branch's newest commit, to read its files, and the ``depth - 1`` commits before it.

    Raises:
        PushRaceLost: there is no such branch (any more).

    """
    tip = _fetch(checkout, branch, depth)
    return replace(checkout, branch=branch, tip=tip, entries=list_entries(checkout.git, tip))


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


def at_commit(checkout: Checkout, commit: str) -> Checkout:
    """The files as another commit, fetched before, has them."""
    return replace(checkout, tip=commit, entries=list_entries(checkout.git, commit))


def read_commit(checkout: Checkout) -> Commit:
    """The commit at the tip."""
    return parse_commit(checkout.tip, checkout.git.run("cat-file", "commit", checkout.tip))


def parse_commit(commit_id: str, raw: bytes) -> Commit:
    """A commit from git's own text of it."""
    head, _, message = raw.decode(errors="replace").partition("\n\n")
    headers = [line.partition(" ") for line in head.splitlines()]
    author = next((value for key, _, value in headers if key == "author"), "")
    committed = next((value for key, _, value in headers if key == "committer"), "").split(" ")
    parents = tuple(value for key, _, value in headers if key == "parent")
    at = datetime.fromtimestamp(int(committed[-2]), tz=UTC) if len(committed) > 1 else datetime.fromtimestamp(0, tz=UTC)
    return Commit(commit_id, message, author.rpartition("> ")[0] + ">", at, parents)
