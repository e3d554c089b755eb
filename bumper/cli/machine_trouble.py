"""Whether an unexpected exception means that the machine lacks something for the moment, or that bumper has a bug."""

import errno
import os

from bumper.errors import Unavailable

_NEXT_STEPS = {
    errno.ENOSPC: "make room and run it again",
    errno.EDQUOT: "make room and run it again",
    errno.EFBIG: "raise the limit for the size of files (ulimit -f) and run it again",
    errno.EROFS: "point TMPDIR to a folder that can be written",
    errno.EMFILE: "raise the limit for open files (ulimit -n) and run it again",
    errno.ENFILE: "run it again when the machine has fewer files open",
    errno.EAGAIN: "run it again when the machine has fewer processes",
    errno.ENOMEM: "run it again when the machine has memory",
    errno.EIO: "check the disk, or the terminal that the output goes to",
    errno.EPIPE: "the program that reads the output ended first",
    errno.EBADF: "run it with an open stdout and stderr",
}


def machine_trouble(error: Exception) -> Unavailable | None:
    """The sentence for a full disk, a closed pipe, no more threads and the like; None for a bug in bumper."""
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return Unavailable("this machine gives bumper no more threads", _NEXT_STEPS[errno.EAGAIN])
    if not isinstance(error, OSError) or error.errno not in _NEXT_STEPS:
        return None
    place = f" ({error.filename})" if error.filename is not None else ""
    return Unavailable(f"{os.strerror(error.errno)}{place}", _NEXT_STEPS[error.errno])
