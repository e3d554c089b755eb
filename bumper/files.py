"""Values files on this machine: read, and replaced in one step."""

import contextlib
import os
import sys
import tempfile
from errno import EDQUOT, ENOSPC
from pathlib import Path

from bumper.errors import Refused, Unavailable


def read_bytes(path: Path) -> bytes:
    """The bytes of the values file at ``path``.

    Raises:
        Refused: it cannot be read, or is a symbolic link.

    """
    if path.is_symlink():
        raise Refused(f"{path}: the file is a symbolic link, which bumper does not follow; name the file itself.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(str(path), error) from error


def read_body(name: str) -> bytes:
    """The bytes of the file ``name``, or of standard input for ``-``.

    Raises:
        Refused: it cannot be read.

    """
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: OSError) -> Refused:
    return Refused(f"{name}: the file cannot be read ({error.strerror}); check its name and your rights.")


def write_text(path: Path, text: str, option: str) -> None:
    """Write a file that the user named by ``option`` (or none, where the name is bumper's), over one that is there.

    Raises:
        Unavailable: the disk is full. Refused: it cannot be written for another reason.

    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise Unavailable(f"{path} could not be written: {error.strerror}; make room and try again.") from error
        mend = f"mend {option}" if option else "check your rights"
        raise Refused(f"{path} could not be written ({error.strerror}); {mend}.") from error


def replace_local(path: Path, content: bytes) -> None:
    """Give ``path`` new bytes, all or none of them; its mode stays.

    Raises:
        Refused: it cannot be written.

    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise Refused(f"{path}: the file cannot be written ({error.strerror}); check your rights.") from error
    written = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        written.chmod(path.stat().st_mode & 0o7777)
        written.replace(path)
    except OSError as error:
        raise Refused(f"{path}: the file cannot be written ({error.strerror}); it is as it was.") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            written.unlink()
