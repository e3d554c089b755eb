"""Objects of the clone as git stores them: contents and commits, read many at once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bumper.files import MAX_BYTES
from bumper.git.command import NETWORK_TIMEOUT, GitCommand, GitFailed

_BEGINNING = datetime.fromtimestamp(0, tz=UTC)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as git stores it."""

    id: str
    message: str
    author: str  # Name <email>
    at: datetime  # when it was committed
    parents: tuple[str, ...]


def read_blobs(git: GitCommand, object_ids: Sequence[str]) -> dict[str, bytes]:
    """The contents of files by their ids; one that is larger than any values file is given as too many zero bytes.

    A small answer of a server's may unpack to gigabytes.
    """
    if not object_ids:
        return {}
    form = "--batch-check=%(objectname) %(objectsize)"
    lines = git.text("cat-file", form, stdin=in_lines(object_ids), timeout=NETWORK_TIMEOUT).splitlines()
    large = [
        name for name, _, size in (line.partition(" ") for line in lines) if size.isdecimal() and int(size) > MAX_BYTES
    ]
    contents = read_objects(git, [object_id for object_id in object_ids if object_id not in large])
    return contents | dict.fromkeys(large, bytes(MAX_BYTES + 1))


def read_objects(git: GitCommand, object_ids: Sequence[str]) -> dict[str, bytes]:
    """The contents of objects by their ids; those that a partial clone has not fetched yet it fetches one by one.

    Raises:
        GitFailed: one of them is not there.

    """
    if not object_ids:
        return {}
    return dict(_parse_batch(git.run("cat-file", "--batch", stdin=in_lines(object_ids), timeout=NETWORK_TIMEOUT)))


def those_there(git: GitCommand, object_ids: Sequence[str]) -> list[str]:
    """Those of the objects that need not be fetched."""
    if not object_ids:
        return []
    local = git.with_environment({"GIT_NO_LAZY_FETCH": "1"})  # an older git fetches them, one by one
    try:
        found = local.text(
            "cat-file", "--batch-check=%(objectname)", stdin=in_lines(object_ids), timeout=NETWORK_TIMEOUT
        )
    except GitFailed:  # a partial clone without one of them
        return []
    return [line for line in found.splitlines() if " " not in line]


def in_lines(texts: Iterable[str]) -> bytes:
    """What git reads from standard input as a list."""
    return "".join(f"{text}\n" for text in texts).encode()


def read_commits(git: GitCommand, ids: Sequence[str]) -> list[Commit]:
    """Commits that have been fetched, in the same order."""
    return [parse_commit(commit_id, raw) for commit_id, raw in read_objects(git, ids).items()]


def cut_commits(git: GitCommand) -> set[str]:
    """The commits of a shallow clone whose parents are not there; empty where all commits are there."""
    shallow = git.directory / "shallow"
    return set(shallow.read_text(encoding="ascii").split()) if shallow.exists() else set()


def _parse_batch(stream: bytes) -> Iterator[tuple[str, bytes]]:
    """Ids and contents of the objects that ``git cat-file --batch`` printed."""
    place = 0
    while place < len(stream):
        end = stream.index(b"\n", place)
        object_id, _, size = stream[place:end].decode().split(" ")
        place = end + 1 + int(size) + 1
        yield object_id, stream[end + 1 : place - 1]


def read_tree(raw: bytes, id_size: int) -> dict[str, str]:
    """The object ids in a folder, by name, from git's own form of it, in which they have ``id_size`` bytes."""
    entries: dict[str, str] = {}
    place = 0
    while place < len(raw):
        end = raw.index(b"\0", place)
        name = raw[place:end].partition(b" ")[2].decode(errors="surrogateescape")
        place = end + 1 + id_size
        entries[name] = raw[end + 1 : place].hex()
    return entries


def parse_commit(commit_id: str, raw: bytes) -> Commit:
    """A commit from git's own text of it."""
    head, _, message = raw.decode(errors="replace").partition("\n\n")
    headers = [line.partition(" ") for line in head.splitlines()]
    author = next((value for key, _, value in headers if key == "author"), "")
    committer = next((value for key, _, value in headers if key == "committer"), "")
    parents = tuple(value for key, _, value in headers if key == "parent")
    return Commit(commit_id, message, author.rpartition("> ")[0] + ">", _date(committer), parents)


def _date(committer: str) -> datetime:
    """When a commit was made; anybody can write anything there, years that no calendar has among it."""
    seconds = committer.rpartition("> ")[2].partition(" ")[0]
    try:
        return datetime.fromtimestamp(int(seconds), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return _BEGINNING
