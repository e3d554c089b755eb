"""A push that others were faster with: the job is done again from the new tip, within bounds."""

import random
from collections.abc import Callable

from bumper.clock import Clock
from bumper.delivery.result import Result
from bumper.errors import Unavailable
from bumper.git.checkout import Checkout, refreshed
from bumper.git.failures import PushRaceLost

_MAX_TRIES = 30
_PAUSE = 0.3  # seconds, longer by as much after each loss: the more rivals, the wider they spread
_MAX_PAUSE = 3.0


def remake_after_lost_push(checkout: Checkout, attempt: Callable[[Checkout], Result], clock: Clock) -> Result:
    """Do the job, and do it again from the new tip for as long as others push first, within bounds."""
    for number in range(_MAX_TRIES):
        try:
            return attempt(checkout if number == 0 else refreshed(checkout))
        except PushRaceLost:
            # Jitter keeps many pipelines that start at one moment from meeting again and again.
            clock.sleep(random.uniform(0, min(_MAX_PAUSE, _PAUSE * (number + 1))))  # noqa: S311 - no secret
    raise Unavailable(
        f"{checkout.settings.address.url} was changed by others {_MAX_TRIES} times while this was made", "try again"
    )
