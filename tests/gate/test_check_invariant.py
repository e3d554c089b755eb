"""People, rollbacks and holds in random order, with `bumper check` required: what is merged keeps the rules by then."""

import random
from dataclasses import dataclass, field

import pytest

from tests.support.checkouts import PROD, STAGING, LocalCheckout, pinned

HOLD = "  # bumper: hold wait"


@dataclass
class Told:
    """What the target branch had, as somebody remembers it who knows nothing of bumper."""

    staging: list[str] = field(default_factory=lambda: ["1.0.0", "1.1.0"])
    prod: list[str] = field(default_factory=lambda: ["1.0.0"])
    held: bool = False

    def may_enter(self, tag: str, *, hold_goes: bool) -> bool:
        if tag in self.prod:
            return True
        return tag in self.staging and not self.taken_back(tag) and (hold_goes or not self.held)

    def taken_back(self, tag: str) -> bool:
        """Whether staging went back behind the tag after its last time there."""
        last = len(self.staging) - 1 - self.staging[::-1].index(tag)
        return any(later in self.staging[:last] for later in self.staging[last + 1 :])


def merge(checkout: LocalCheckout, how: str) -> bool:
    """The change on main; False where git finds a conflict."""
    checkout.git("checkout", "--quiet", "main")
    commands = {
        "merge": ["merge", "--quiet", "--no-ff", "--no-edit", "change"],
        "squash": ["merge", "--quiet", "--squash", "change"],
        "rebase": ["cherry-pick", "change"],
    }
    try:
        checkout.git(*commands[how])
        if how == "squash":
            checkout.git("commit", "--quiet", "--message", "Squashed")
    except AssertionError:
        checkout.git("reset", "--quiet", "--hard", "main")
        return False
    return True


@pytest.mark.parametrize("seed", [1])
def test_nothing_is_merged_that_breaks_a_rule(checkout: LocalCheckout, seed: int) -> None:
    dice, told, merged = random.Random(seed), Told(), 0  # noqa: S311 - no secret
    for step in range(12):
        tag = dice.choice([f"2.{step}.0", *told.staging, *told.prod, told.staging[-1]])
        keeps = told.held and dice.random() < 0.5
        checkout.git("checkout", "--quiet", "-B", "change", "main")
        checkout.commit({PROD: pinned(tag + (HOLD if keeps else ""))})
        checkout.git("checkout", "--quiet", "main")
        match dice.choice(["bump", "back", "hold", "nothing"]):  # meanwhile
            case "bump":
                told.staging.append(f"3.{step}.0")
                checkout.commit({STAGING: pinned(told.staging[-1])})
            case "back":
                told.staging.append(dice.choice(told.staging))
                checkout.commit({STAGING: pinned(told.staging[-1])})
            case "hold":
                told.held = True
                checkout.commit({PROD: pinned(told.prod[-1] + HOLD)})
        was_held = told.held
        checkout.git("checkout", "--quiet", "change")
        passes = checkout.check("--base", "main").code == 0
        if passes and merge(checkout, dice.choice(["merge", "squash", "rebase"])):
            assert tag == told.prod[-1] or told.may_enter(tag, hold_goes=was_held and not keeps), (step, tag, told)
            merged += 1
            told.prod.append(tag)
            told.held = keeps
    assert merged
