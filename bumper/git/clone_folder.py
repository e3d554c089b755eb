"""The temporary folder of a clone, and those that killed runs have left behind."""

import contextlib
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

from bumper.errors import Unavailable

_PREFIX = "bumper-clone-"
_LEFT_BEHIND = 24 * 3600  # seconds after which no run can still be using its clone


def make_clone_folder() -> "tempfile.TemporaryDirectory[str]":
    """A new folder, which is gone as soon as nobody holds it any more.

    Raises:
        Unavailable: there is no place for temporary files.

    """
    try:
        folder = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
    except OSError as error:
        raise Unavailable("no folder for the clone can be made", "make room or set TMPDIR, and run it again") from error
    sweep(Path(folder.name).parent, time.time())
    return folder


def sweep(folder: Path, now: float) -> None:
    """Remove this user's clones that are older than a day: their runs were killed before they could do it."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                _remove_if_left_behind(entry, now)


def _remove_if_left_behind(entry: "os.DirEntry[str]", now: float) -> None:
    with contextlib.suppress(OSError):
        about = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and about.st_mtime < now - _LEFT_BEHIND:
            shutil.rmtree(entry.path, ignore_errors=True)
