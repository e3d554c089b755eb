"""When bumper rolls back by itself, written a second time and in another way than in bumper, to compare both."""

from collections.abc import Sequence
from typing import TypeAlias

from bumper.argocd.verdict import State

Seen: TypeAlias = tuple[float, State]


def is_rolled_back(seen: Sequence[Seen]) -> bool:
    """The rule as a person would say it, over all looks at once."""
    answers = [(at, state) for at, state in seen if state != "silent"]
    sick = [
        at for number, (at, state) in enumerate(answers)
        if state == "failed" or (state == "degraded" and number > 0 and answers[number - 1][1] == "degraded")
    ]  # fmt: skip
    if not sick:
        return False
    first_done = min((at for at, state in answers if state == "done"), default=float("inf"))
    before = [
        state for at, state in answers if state in {"well-before", "ill-before"} and at < min(first_done, sick[0])
    ]
    return bool(before) and before[-1] == "well-before"
