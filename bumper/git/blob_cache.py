"""Contents of git objects that were read before, kept in the user's cache folder: of a repository with thousands of
values files a machine fetches each version once, not once for every job.

A content is found by its object id, which the repository's tree of today names, and is checked against it: what another
process, a full disk or a hand has done to the file can make bumper slower, never wrong. Any trouble with it counts as
nothing kept. Only whoever runs bumper can read it.
"""

import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:  # imported where it is used: most jobs read few files
    from sqlite3 import Connection

_NAME = "blobs.sqlite"
_TIMEOUT = 1.0  # second to wait for another process that writes
_MAX_BYTES = 1_000_000_000  # then it is begun anew
_AT_ONCE = 30_000  # SQLite's bound on what one question may name is 32,766
_HEX_OF_SHA1 = 40
_TABLE = "CREATE TABLE IF NOT EXISTS blobs (id BLOB PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID"

T = TypeVar("T")


def read_kept(folder: Path, object_ids: Sequence[str]) -> dict[str, bytes]:
    """The contents that are kept of these objects, by their ids."""

    def read(connection: "Connection") -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for start in range(0, len(object_ids), _AT_ONCE):
            part = [bytes.fromhex(each) for each in object_ids[start : start + _AT_ONCE]]
            marks = ",".join("?" * len(part))
            rows = connection.execute(f"SELECT id, content FROM blobs WHERE id IN ({marks})", part)  # noqa: S608 - marks
            found.update((key.hex(), content) for key, content in rows)
        return found

    kept = _work_on(folder, read) or {}
    return {key: content for key, content in kept.items() if key == _object_id(content, len(key))}


def keep(folder: Path, blobs: Mapping[str, bytes]) -> None:
    """Keep the contents of these objects, by their ids."""

    def write(connection: "Connection") -> None:
        rows = [(bytes.fromhex(key), content) for key, content in blobs.items()]
        connection.executemany("INSERT OR REPLACE INTO blobs VALUES (?, ?)", rows)

    _work_on(folder, write)


def _object_id(content: bytes, digits: int) -> str:
    kind = hashlib.sha1 if digits == _HEX_OF_SHA1 else hashlib.sha256
    return kind(b"blob %d\0" % len(content) + content).hexdigest()


def _work_on(folder: Path, work: "Callable[[Connection], T]") -> "T | None":
    """What ``work`` makes of the file with its one table; None where it cannot be worked on."""
    try:
        import sqlite3
    except ImportError:  # a Python that was built without it
        return None
    file = folder / _NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size > _MAX_BYTES:
            file.unlink()
        file.touch(mode=0o600)
        with contextlib.closing(sqlite3.connect(file, timeout=_TIMEOUT)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(_TABLE)
            return work(connection)
    except sqlite3.OperationalError:  # another process is at it, or the disk is full
        return None
    except sqlite3.DatabaseError:  # it is damaged
        with contextlib.suppress(OSError):
            file.unlink()
        return None
    except OSError:
        return None
