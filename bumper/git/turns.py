"""Turns: of the bumpers of one machine that have lost a race for the same branch, one at a time tries again.

Each would fetch, plan and push anew, and all but one of them for nothing; on a runner with ten jobs at once that is
half the machine's work. Rivals on other machines know nothing of it, and it keeps nobody waiting for long: it saves
work, and nothing depends on it.
"""

import contextlib
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

from bumper.settings import Settings

_MAX_WAIT = 20.0  # seconds: whoever has the turn may be waiting for a server
_LOOK_AGAIN = 0.02  # seconds


@contextlib.contextmanager
def take_turn(settings: Settings, branch: str) -> Iterator[None]:
    """Return when nobody else of this user has the turn, or after a while; a process that ends gives it back."""
    with contextlib.ExitStack() as at_the_end:
        if settings.cache_folder is not None:
            with contextlib.suppress(OSError, ImportError):
                _wait_for(settings.cache_folder / "turns", f"{settings.address.url} {branch}", at_the_end)
        yield


def _wait_for(folder: Path, what: str, at_the_end: contextlib.ExitStack) -> None:
    import fcntl  # which Windows has not

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = at_the_end.enter_context((folder / hashlib.sha256(what.encode()).hexdigest()[:16]).open("w"))
    until = time.monotonic() + _MAX_WAIT
    while time.monotonic() < until:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_LOOK_AGAIN)
