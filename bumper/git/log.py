"""The target branch's first-parent line, read by git alone, back from the tip in a few long stretches.

A stretch is fetched at once: commits and trees without blobs. Which merge request brought a commit, and what a squash
left out of its message, only GitLab knows.
"""

from collections.abc import Iterator, Sequence

from bumper.errors import LookedFarEnough
from bumper.git.checkout import Checkout, fetch_tip
from bumper.git.command import NETWORK_TIMEOUT
from bumper.git.objects import Commit, cut_commits, read_commits
from bumper.git.past_commits import PastCommit, read_past

STRETCHES = (100, 500, 2500, 10_000)  # commits from the tip
_NEWEST = 250  # commits


def read_log(checkout: Checkout, stretches: Sequence[int] = STRETCHES) -> Iterator[list[PastCommit]]:
    """The first-parent commits from the tip back, the newest first, in stretches.

    Raises:
        LookedFarEnough: there are more than anybody should wait for.

    """
    seen: set[str] = set()
    for depth in stretches:
        cut = _deepen(checkout, depth)
        line = _list(checkout, ["--first-parent", checkout.tip])
        # A commit whose parents are not there seems to change everything: it comes with the next stretch.
        ids = [commit for commit in line if commit not in seen and commit not in cut]
        yield read_past(checkout, ids)
        seen.update(ids)
        if not cut.intersection(line):
            return
    raise LookedFarEnough(
        f"what you ask for is not within the newest {stretches[-1]} commits of {checkout.branch}",
        "name one application with --app, with a token for GitLab's API, which lists that application's commits alone",
    )


def newest_commits(checkout: Checkout, path: str = "") -> list[Commit]:
    """The target branch's newest commits that changed ``path``, those of merged branches included."""
    cut = _deepen(checkout, _NEWEST)
    ids = [commit for commit in _list(checkout, [checkout.tip], path) if commit not in cut]
    return read_commits(checkout.git, ids)


def _deepen(checkout: Checkout, depth: int) -> set[str]:
    """Have so many commits at least; returns the oldest that are there, whose parents are not."""
    if cut_commits(checkout.git):  # else all of them are there
        fetch_tip(checkout, checkout.branch, depth)
    return cut_commits(checkout.git)


def _list(checkout: Checkout, revisions: list[str], path: str = "") -> list[str]:
    paths = ["--", f":(literal){path}"] if path else []
    return checkout.git.text("rev-list", *revisions, *paths, timeout=NETWORK_TIMEOUT).split()
