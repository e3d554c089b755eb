"""What cannot be promoted yet, and why: what promote asks, for every environment that is promoted to."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from bumper.commands.promote_gate import PromotionGate
from bumper.delivery.session import Session
from bumper.environments.repository import RepositoryConfig, Target, open_environment
from bumper.errors import BumperError
from bumper.gate.freeze import find_freeze
from bumper.gate.rules import Waiting
from bumper.git.checkout import Checkout
from bumper.planning.promote import choose, differing, match
from bumper.records.line import Line


def find_waiting(
    checkout: Checkout, setup: RepositoryConfig, environments: Iterable[str], session: Session
) -> tuple[dict[str, tuple[Waiting, ...]], list[str]]:
    """What waits for each of the environments, and why of some nobody can tell."""
    waiting: dict[str, tuple[Waiting, ...]] = {}
    unknown: list[str] = []
    for name in environments:
        rules = setup.config.environments.get(name)
        if rules is not None and rules.promote_from:
            try:
                found = _of_environment(checkout, setup, name, rules.promote_from, session, unknown)
            except BumperError as error:
                unknown.append(f"what waits to be promoted to {name} is not known: {error}")
            else:
                waiting |= {name: tuple(found)} if found else {}
    return waiting, unknown


def _of_environment(
    checkout: Checkout, setup: RepositoryConfig, name: str, sources: Sequence[str], session: Session,
    unknown: list[str],
) -> list[Waiting]:  # fmt: skip
    """The applications that may come from none of the sources where they differ, each with the first reason.

    What Argo CD does not say is added to what is ``unknown``.
    """
    target = open_environment(checkout, setup, name)
    now, soak = session.clock.now(), target.environment.config.soak
    line = Line(checkout, now, now - timedelta(seconds=soak) if soak is not None else None, session.gitlab)
    ready: set[str] = set()
    found: dict[str, Waiting] = {}
    for source in sources:
        apps, waiting = _from_source(open_environment(checkout, setup, source), target, line, session, unknown)
        ready |= apps - waiting.keys()
        found = {**waiting, **found}
    return [one for app, one in found.items() if app not in ready]


def _from_source(
    source: Target, target: Target, line: Line, session: Session, unknown: list[str]
) -> tuple[set[str], Mapping[str, Waiting]]:
    """The applications that differ from the source, and those of them that wait."""
    names, rules = (source.environment.name, target.environment.name), target.environment.config
    choice = choose(source.gathered, target.gathered, (), (), names)
    matched = match(source.gathered, target.gathered, choice, target.setup.config, names)
    changes = differing(target.gathered, matched).changes
    frozen = find_freeze(target.environment, session.gitlab, line.now) if changes else None
    gate = PromotionGate(
        source, target, line, choice, session, frozen, soak=rules.soak, needs_health=False, as_of=False
    )  # fmt: skip
    waiting = gate.find_waiting(changes)
    left = [change for change in changes if change.app not in waiting]
    if rules.require_healthy and left:
        try:
            waiting |= {one.app: one for one in gate.find_unhealthy(left)}
        except BumperError as error:
            unknown.append(f"whether {names[0]} is healthy, as {names[1]} requires, is not known: {error}")
    return {change.app for change in changes}, waiting
