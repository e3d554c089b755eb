"""The contents of files: fetched all at once, each of them once in a run, and kept in one file of a cache folder.

So of a repository with thousands of values files a machine fetches each version once, not once for every job. A content
is found by its object id, which the repository's tree of today names, and is checked against it: what another job, a
full disk or a hand has done to the file can make bumper slower, never wrong. Whatever is odd about the file means that
nothing is kept.
"""

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path

from bumper.git.command import FETCH, GitCommand, GitFailed
from bumper.git.failures import explain
from bumper.git.objects import in_lines, read_blobs, those_there
from bumper.settings import CacheFolder, Settings

_WORTH_KEEPING = 200  # blobs: fewer are fetched as fast
_NAME = "blobs"
_MAX_BYTES = 100_000_000  # of the cache's file, beyond which the contents kept earliest are dropped
_HEX_OF_SHA1 = 40
_OF_OTHERS = 0o022  # the bits by which others may write


class BlobStore:
    """Contents by object id. It remembers them: a job that is made again after a lost push asks for the rest only."""

    __slots__ = ("_git", "_own", "_read", "_settings")

    def __init__(self, git: GitCommand, settings: Settings, own: GitCommand | None = None) -> None:
        """``own`` is a checkout that has most contents already."""
        self._git = git
        self._settings = settings
        self._own = own
        self._read: dict[str, bytes] = {}

    def known(self, object_ids: Iterable[str]) -> list[bytes]:
        """The contents of those objects that were read already."""
        return [self._read[object_id] for object_id in object_ids if object_id in self._read]

    def read(self, object_ids: set[str]) -> Mapping[str, bytes]:
        """The contents of objects; those that are missing are fetched in one request."""
        missing = sorted(object_ids - self._read.keys())
        if self._own is not None:
            self._read.update(read_blobs(self._own, those_there(self._own, missing)))
            missing = [object_id for object_id in missing if object_id not in self._read]
        cache = self._settings.cache if len(missing) >= _WORTH_KEEPING else None
        if cache is not None:
            self._read.update(read_kept(cache, frozenset(missing)))
            missing = [object_id for object_id in missing if object_id not in self._read]
        if missing:
            fetched = self._fetch(missing)
            self._read.update(fetched)
            if cache is not None:
                keep(cache, fetched)
        return {object_id: self._read[object_id] for object_id in object_ids}

    def _fetch(self, object_ids: list[str]) -> dict[str, bytes]:
        arguments = ("-c", "fetch.negotiationAlgorithm=noop", *FETCH, "--filter=blob:none", "--stdin", "origin")
        try:
            self._git.over_network(*arguments, stdin=in_lines(object_ids))
            return read_blobs(self._git, object_ids)
        except GitFailed as failure:
            raise explain(failure, "reading values files", self._settings) from failure


def read_kept(cache: CacheFolder, wanted: Container[str]) -> dict[str, bytes]:
    """The contents that are kept of the wanted objects, by their ids."""
    try:
        kept = {key: content for key, content in _contents(_read_file(cache)) if key in wanted}
    except (OSError, ValueError):
        return {}
    return {key: content for key, content in kept.items() if key == _object_id(content, len(key))}


def keep(cache: CacheFolder, blobs: Mapping[str, bytes], max_bytes: int = _MAX_BYTES) -> None:
    """Keep the contents of these objects, by their ids, before those that are kept already."""
    kept = dict(blobs)
    with contextlib.suppress(OSError, ValueError):
        kept |= {key: content for key, content in _contents(_read_file(cache)) if key not in kept}
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
        record = b"%s %d\n%s\n" % (key.encode(), len(content), content)
        size += len(record)
        if size > max_bytes:
            return
        yield record


def _read_file(cache: CacheFolder) -> bytes:
    """The file's bytes, of a regular file alone; a pipe would hang, a link may lead anywhere.

    Raises:
        OSError: there is none, or it cannot be read. ValueError: somebody else may have made it what it is.

    """
    if cache.private:
        _require_own(cache.path.lstat())
    with os.fdopen(os.open(cache.path / _NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        about = os.fstat(file.fileno())
        if cache.private:
            _require_own(about)
        if not stat.S_ISREG(about.st_mode) or about.st_size > _MAX_BYTES:
            raise ValueError(cache.path)
        return file.read(_MAX_BYTES)


def _require_own(about: os.stat_result) -> None:
    if about.st_uid != os.getuid() or about.st_mode & _OF_OTHERS or stat.S_ISLNK(about.st_mode):
        raise ValueError(about)


def _contents(raw: bytes) -> Iterator[tuple[str, bytes]]:
    place = 0
    while place < len(raw):
        end = raw.index(b"\n", place, place + 100)
        key, _, size = raw[place:end].decode("ascii").partition(" ")
        place = end + 1 + int(size) + 1
        if place <= end or place > len(raw):
            raise ValueError(size)
        yield key, raw[end + 1 : place - 1]


def _object_id(content: bytes, digits: int) -> str:
    kind = hashlib.sha1 if digits == _HEX_OF_SHA1 else hashlib.sha256
    return kind(b"blob %d\0" % len(content) + content).hexdigest()
