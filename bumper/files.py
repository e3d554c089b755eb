"""Values files on this machine: read, and replaced in one step."""

import contextlib
import fcntl
import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from errno import EDQUOT, ENOSPC
from pathlib import Path

from bumper.errors import Refused, Unavailable

MAX_BYTES = 10_000_000  # of a values file; the largest of 4,941 real ones has a fifth of it


def read_bytes(path: Path) -> bytes:
    """The bytes of the values file at ``path``; Refused if it cannot be read, or is a symbolic link."""
    if path.is_symlink():
        raise Refused(f"{path}: the file is a symbolic link, which bumper does not follow; name the file itself.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(str(path), error) from error


def read_body(name: str) -> bytes:
    """The bytes of the file ``name``, or of standard input for ``-``; Refused if it cannot be read."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: OSError) -> Refused:
    return Refused(f"{name}: the file cannot be read ({error.strerror}); check its name and permissions.")


def write_text(path: Path, text: str, option: str) -> None:
    """Write a file that the user named by ``option`` (or none, where the name is bumper's), over one that is there.

    Unavailable if the disk is full, Refused if it cannot be written for another reason.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise Unavailable(f"{path} could not be written: {error.strerror}; make room and try again.") from error
        next_step = f"check {option}" if option else "check your permissions"
        raise Refused(f"{path} could not be written ({error.strerror})", next_step) from error


@contextlib.contextmanager
def locked(folders: Iterable[Path]) -> Iterator[None]:
    """Keep every other bumper from editing files in ``folders`` meanwhile; where the system knows no locks, do not.

    A folder is locked and not its files, because a file that is replaced is another one afterwards.
    """
    with contextlib.ExitStack() as stack:
        for folder in sorted({folder.resolve() for folder in folders}):  # in order: nobody waits in a circle
            with contextlib.suppress(OSError):
                handle = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, handle)
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def replace_local(path: Path, before: bytes, content: bytes) -> None:
    """Give ``path`` new bytes, all or none of them, if it still holds ``before``; owner, mode and links stay.

    Unavailable if the disk is full, Refused if it cannot be written or somebody has changed it since.
    """
    try:
        if path.read_bytes() != before:
            raise Refused(f"{path} was changed by another program meanwhile", "run it again")
        status = path.stat()
        if status.st_nlink > 1 or not _swap(path, status, content):
            _overwrite(path, before, content)
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            what = f"{path} could not be written and was not changed: {error.strerror}"
            raise Unavailable(what, "make room and run it again") from error
        what = f"{path} cannot be written ({error.strerror}) and was not changed"
        raise Refused(what, "check your permissions") from error


def _swap(path: Path, status: os.stat_result, content: bytes) -> bool:
    """Put a new file in the place of ``path``; False where it could not be like the old one."""
    with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent, delete=False) as file:
        written = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            is_alike = _make_alike(path, status, written)
            if is_alike:
                written.replace(path)
        finally:
            written.unlink(missing_ok=True)
    return is_alike


def _make_alike(path: Path, status: os.stat_result, written: Path) -> bool:
    """Give ``written`` the owner, the mode and the attributes (access lists among them) of ``path``, if that works."""
    try:
        new = written.stat()
        if (new.st_uid, new.st_gid) != (status.st_uid, status.st_gid):
            os.chown(written, status.st_uid, status.st_gid)
        written.chmod(stat.S_IMODE(status.st_mode))
        for attribute in os.listxattr(path) if hasattr(os, "listxattr") else ():
            os.setxattr(written, attribute, os.getxattr(path, attribute))
    except OSError:
        return False
    return True


def _overwrite(path: Path, before: bytes, content: bytes) -> None:
    """Write into the file itself, where others know it by another name or only its owner may replace it."""
    with path.open("r+b") as file:
        try:
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            file.seek(0)
            file.write(before)
            file.truncate()
            raise
