"""The rows of the table."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.timing import Figure, Ran, ratio, seconds


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured, the goal (empty where there is none), and whether it is reached."""

    what: str
    goal: str
    measured: str
    reached: bool


def at_most(what: str, goal: float, ours: Sequence[Ran], theirs: Sequence[Ran]) -> Row:
    """A row about how many times as long as theirs ours took."""
    found = ratio(ours, theirs)
    return Row(what, f"at most {goal:g} x", f"{found.text('x')}, {_both(ours, theirs)}", found.median <= goal)


def amount(what: str, goal: float, unit: str, found: Figure, digits: int = 0) -> Row:
    """A row about an amount that is to stay below the goal."""
    return Row(what, f"at most {goal:g} {unit}", found.text(unit, digits), found.median <= goal)


def rate(what: str, goal: float, unit: str, found: Figure) -> Row:
    """A row about an amount that is to reach the goal."""
    return Row(what, f"at least {goal:g} {unit}", found.text(unit, 1), found.median >= goal)


def shown(what: str, measured: str) -> Row:
    """A row without a goal."""
    return Row(what, "", measured, reached=True)


def table(rows: Sequence[Row]) -> str:
    """All of them, as Markdown."""
    lines = ["| What | Goal | Measured: median (lowest to highest) | Reached |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.goal} | {row.measured} | {_verdict(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _verdict(row: Row) -> str:
    return "" if not row.goal else "yes" if row.reached else "no"


def _both(ours: Sequence[Ran], theirs: Sequence[Ran]) -> str:
    return f"{seconds(ours).median:.3f} s against {seconds(theirs).median:.3f} s"
