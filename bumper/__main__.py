"""The process ``bumper`` (also ``python -m bumper``), which lives for a second or so: how it begins and how it ends."""

import gc
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from bumper.errors import INTERRUPTED, Unavailable

_MOMENT = 0.01  # seconds
_OBJECTS_BEFORE_A_COLLECTION = 1_000_000  # alive at once: a repository with 20,000 files is some 100,000


def process() -> NoReturn:
    """The command line in a process of its own.

    A cancelled CI job and a closed terminal end it as ^C does: with the temporary clone removed. Collecting garbage
    that is hardly there, and taking every module apart at the end, would take a fifth of its time.
    """
    gc.set_threshold(_OBJECTS_BEFORE_A_COLLECTION, 20, 50)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup wants it ignored
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    sys.unraisablehook = _interrupt_again
    _open_closed_streams()
    try:
        Path.home()
    except RuntimeError:  # as OpenShift runs containers, no file knows the user's id; python-gitlab needs a home
        os.environ["HOME"] = "/"  # as container engines set it
    try:
        from bumper.cli.main import main

        code = main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        code = INTERRUPTED
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or Unavailable.exit_code
    os._exit(code)


def _interrupt_again(lost: "sys.UnraisableHookArgs") -> None:
    """Python drops what a signal raises in a callback, as importlib's locks have them: then it comes a moment later."""
    if lost.exc_type is KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, _MOMENT)
    else:
        sys.__unraisablehook__(lost)


def _open_closed_streams() -> None:
    """Started with ``>&-``, bumper would give the number of stdout to the next file or socket that it opens."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", closefd=False))


if __name__ == "__main__":
    process()
