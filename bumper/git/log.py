"""Which commits touched a path, told by git alone, where there is no token for GitLab's commits API.

The past is fetched in steps, commits and trees without blobs. Which merge request brought a commit, and what a squash
left out of its message, only GitLab knows.
"""

from collections.abc import Iterator

from bumper.errors import LookedFarEnough
from bumper.git.checkout import Checkout, fetch_branch
from bumper.git.command import NETWORK_TIMEOUT
from bumper.git.objects import Commit, read_commits

_DEPTHS = (50, 250, 1000)  # commits


def commits_that_touched(checkout: Checkout, path: str, start: str) -> Iterator[list[str]]:
    """Ids of the first-parent commits from ``start`` back that changed ``path``, the newest first, in steps.

    Raises:
        LookedFarEnough: there are more than anybody should wait for.

    """
    seen: set[str] = set()
    for depth in _DEPTHS:
        cut = _deepen(checkout, depth)
        found = _list(checkout, ["--first-parent", start], path)
        yield [commit for commit in found if commit not in seen | cut]
        if not cut:
            return
        seen |= set(found)
    raise LookedFarEnough(
        f"What is asked for is not within the newest {_DEPTHS[-1]} commits; set BUMPER_TOKEN, by which GitLab tells of "
        "all of them."
    )


def newest_commits(checkout: Checkout, path: str = "") -> list[Commit]:
    """The target branch's newest commits that changed ``path``, those of merged branches included."""
    cut = _deepen(checkout, _DEPTHS[1])
    ids = [commit for commit in _list(checkout, [checkout.tip], path) if commit not in cut]
    return read_commits(checkout.git, ids)


def _deepen(checkout: Checkout, depth: int) -> set[str]:
    """Fetch so many commits; the oldest of them, whose parents are not there and which seem to change everything."""
    fetch_branch(checkout, checkout.branch, depth)
    shallow = checkout.git.directory / "shallow"
    return set(shallow.read_text(encoding="ascii").split()) if shallow.exists() else set()


def _list(checkout: Checkout, revisions: list[str], path: str) -> list[str]:
    paths = ["--", f":(literal){path}"] if path else []
    return checkout.git.text("rev-list", *revisions, *paths, timeout=NETWORK_TIMEOUT).split()
