"""A push that only goes through if nobody else has pushed since."""

from collections.abc import Sequence

from bumper.git.checkout import HEADS, Checkout, fetch_tip
from bumper.git.command import GitFailed
from bumper.git.failures import PushRaceLost, explain_push, is_race


def push(checkout: Checkout, commit: str, branch: str, expected: str | None, options: Sequence[str] = ()) -> str:
    """Push ``commit`` as ``branch``, if the branch is still at ``expected`` (None: is not there).

    ``options`` are push options for the server. Returns what it wrote (``remote:`` lines).

    Raises:
        PushRaceLost: somebody else moved the branch.
        Refused: the server declined the push. Unavailable: it could not be reached.

    """
    ref = f"{HEADS}{branch}"
    lease = f"--force-with-lease={ref}:{expected or ''}"
    push_options = [part for option in options for part in ("--push-option", option)]
    try:
        return checkout.git.over_network("push", "--porcelain", lease, *push_options, "origin", f"{commit}:{ref}")
    except GitFailed as failure:
        if is_race(failure.stdout + failure.stderr):
            if failure.repeated and fetch_tip(checkout, branch) == commit:
                return ""  # an earlier try got through, and only its answer was lost
            raise PushRaceLost(branch) from failure
        raise explain_push(failure, branch, checkout.settings) from failure
