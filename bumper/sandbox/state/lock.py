"""One server for a folder: another one that starts there is refused."""

import fcntl
from pathlib import Path
from typing import IO

from bumper.errors import Refused


def lock(folder: Path) -> IO[bytes]:
    """Keep the folder for this process until the file that is returned is closed. Raises Refused when it is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise Refused(f"another sandbox is running in {folder}", "stop it, or choose another folder") from error
    return file
