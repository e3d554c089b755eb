"""Objects as git stores them, read many at once: commits, and contents, which are fetched once in a run and kept.

Contents are kept in one file of a cache folder, so that of a repository with thousands of values files a machine
fetches each version once, not once for every job. A content is found by its object id, which the repository's tree of
today names, and is checked against it: what another job, a full disk or a hand has done to the file can make bumper
slower, never wrong. Whatever is odd about the file means that nothing is kept.
"""

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bumper.files import MAX_BYTES
from bumper.git.command import FETCH, NETWORK_TIMEOUT, GitCommand, GitFailed
from bumper.git.failures import explained
from bumper.settings import CacheFolder, Settings

_BEGINNING = datetime.fromtimestamp(0, tz=UTC)
_WORTH_KEEPING = 200  # blobs: fewer are fetched as fast
_NAME = "blobs"
_MAX_CACHE = 100_000_000  # of the cache's file, beyond which the contents kept earliest are dropped
_HEX_OF_SHA1 = 40
_OF_OTHERS = 0o022  # the bits by which others may write


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as git stores it."""

    id: str
    message: str
    author: str  # Name <email>
    at: datetime  # when it was committed
    parents: tuple[str, ...]


@dataclass(slots=True, eq=False)
class BlobStore:
    """Contents by object id. It remembers them: a job that is made again after a lost push asks for the rest only.

    ``_own`` is a checkout that has most of them already.
    """

    _git: GitCommand
    _settings: Settings
    _own: GitCommand | None = None
    _read: dict[str, bytes] = field(default_factory=dict, repr=False)

    def known(self, object_ids: Iterable[str]) -> list[bytes]:
        """The contents of those objects that were read already."""
        return [self._read[object_id] for object_id in object_ids if object_id in self._read]

    def read(self, object_ids: set[str]) -> Mapping[str, bytes]:
        """The contents of objects; those that are missing are fetched in one request."""
        if self._own is not None:
            local = self._own.with_environment({"GIT_NO_LAZY_FETCH": "1"})  # an older git fetches them, one by one
            with contextlib.suppress(GitFailed):  # a partial clone without one of them
                self._read |= _read_blobs(local, self._missing(object_ids))
        missing = self._missing(object_ids)
        cache = self._settings.cache if len(missing) >= _WORTH_KEEPING else None
        if cache is not None:
            self._read |= read_kept(cache, frozenset(missing))
            missing = self._missing(object_ids)
        if missing:
            fetched = self._fetch(missing)
            self._read |= fetched
            if cache is not None:
                keep(cache, fetched)
        return {object_id: self._read[object_id] for object_id in object_ids}

    def _missing(self, object_ids: set[str]) -> list[str]:
        return sorted(object_ids - self._read.keys())

    def _fetch(self, object_ids: list[str]) -> dict[str, bytes]:
        arguments = ("-c", "fetch.negotiationAlgorithm=noop", *FETCH, "--filter=blob:none", "--stdin", "origin")
        with explained("reading values files", self._settings):
            self._git.over_network(*arguments, stdin=in_lines(object_ids))
            return _read_blobs(self._git, object_ids)


def _read_blobs(git: GitCommand, object_ids: Sequence[str]) -> dict[str, bytes]:
    """The contents of those that are there; one that is larger than any values file is given as too many zero bytes.

    A small answer of a server's may unpack to gigabytes.
    """
    if not object_ids:
        return {}
    form = "--batch-check=%(objectname) %(objectsize)"
    lines = git.text("cat-file", form, stdin=in_lines(object_ids), timeout=NETWORK_TIMEOUT).splitlines()
    sizes = {name: int(size) for name, _, size in (line.partition(" ") for line in lines) if size.isdecimal()}
    large = [name for name, size in sizes.items() if size > MAX_BYTES]
    return read_objects(git, [name for name in sizes if name not in large]) | dict.fromkeys(large, bytes(MAX_BYTES + 1))


def read_objects(git: GitCommand, object_ids: Sequence[str]) -> dict[str, bytes]:
    """The contents of objects by their ids; those that a partial clone has not fetched yet it fetches one by one.

    GitFailed where one of them is not there.
    """
    if not object_ids:
        return {}
    return dict(_parse_batch(git.run("cat-file", "--batch", stdin=in_lines(object_ids), timeout=NETWORK_TIMEOUT)))


def _parse_batch(stream: bytes) -> Iterator[tuple[str, bytes]]:
    """Ids and contents of objects, as ``git cat-file --batch`` prints them and the cache keeps them.

    ValueError where it is something else.
    """
    place = 0
    while place < len(stream):
        end = stream.index(b"\n", place)
        object_id, _, size = stream[place:end].decode("ascii").split(" ")
        place = end + 1 + int(size) + 1
        if place <= end or place > len(stream):
            raise ValueError(size)
        yield object_id, stream[end + 1 : place - 1]


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


def read_kept(cache: CacheFolder, wanted: Container[str]) -> dict[str, bytes]:
    """The contents that are kept of the wanted objects, by their ids."""
    try:
        kept = {key: content for key, content in _parse_batch(_read_file(cache)) if key in wanted}
    except (OSError, ValueError):
        return {}
    return {key: content for key, content in kept.items() if key == _object_id(content, len(key))}


def keep(cache: CacheFolder, blobs: Mapping[str, bytes], max_bytes: int = _MAX_CACHE) -> None:
    """Keep the contents of these objects, by their ids, before those that are kept already."""
    kept = dict(blobs)
    with contextlib.suppress(OSError, ValueError):
        kept |= {key: content for key, content in _parse_batch(_read_file(cache)) if key not in kept}
    with contextlib.suppress(OSError):
        cache.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{_NAME}-", dir=cache.path)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(_within(kept, max_bytes))
            Path(name).replace(cache.path / _NAME)  # another job that does it at the same time may win
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _within(blobs: Mapping[str, bytes], max_bytes: int) -> Iterator[bytes]:
    size = 0
    for key, content in blobs.items():
        record = b"%s blob %d\n%s\n" % (key.encode(), len(content), content)
        size += len(record)
        if size > max_bytes:
            return
        yield record


def _read_file(cache: CacheFolder) -> bytes:
    """The file's bytes, of a regular file alone; a pipe would hang, a link may lead anywhere.

    OSError where there is none, or it cannot be read; ValueError where somebody else may have made it what it is.
    """
    if cache.private:
        _require_own(cache.path.lstat())
    with os.fdopen(os.open(cache.path / _NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        about = os.fstat(file.fileno())
        if cache.private:
            _require_own(about)
        if not stat.S_ISREG(about.st_mode) or about.st_size > _MAX_CACHE:
            raise ValueError(cache.path)
        return file.read(_MAX_CACHE)


def _require_own(about: os.stat_result) -> None:
    if about.st_uid != os.getuid() or about.st_mode & _OF_OTHERS or stat.S_ISLNK(about.st_mode):
        raise ValueError(about)


def _object_id(content: bytes, digits: int) -> str:
    return (hashlib.sha1 if digits == _HEX_OF_SHA1 else hashlib.sha256)(
        b"blob %d\0" % len(content) + content
    ).hexdigest()
