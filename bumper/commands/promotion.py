"""What a promotion is about, and which applications of it may go on: by what the source ran, freeze, soak and health.

``promote`` asks it for one promotion, ``status`` for all that could be made.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bumper.delivery.attempt import Session
from bumper.delivery.watch import find_unhealthy
from bumper.environments.applications import Sources
from bumper.environments.repository import RepositoryConfig, Target, open_environment
from bumper.errors import BumperError
from bumper.gate.freeze import Frozen, find_freeze
from bumper.gate.promotions import Judged, judge_promotions, unsoaked
from bumper.gate.rules import Waiting
from bumper.git.checkout import Checkout
from bumper.planning.promote import Choice, Matched, choose, differing, match
from bumper.planning.proposal import Rollout, expected_images
from bumper.records.line import Line
from bumper.values.change import Change


@dataclass(frozen=True, slots=True)
class Promotion:
    """Both environments at the tip, the source as it was ``then``, when what is promoted ran there, and what is chosen.

    ``line`` is the target branch's first-parent line.
    """

    source: Target
    target: Target
    then: Target
    line: Line
    choice: Choice
    session: Session

    @property
    def names(self) -> tuple[str, str]:
        """The two environments'."""
        return self.source.environment.name, self.target.environment.name

    def match(self) -> Matched:
        """The target's pins with the versions that the source ran then."""
        config = self.target.setup.config
        return match(self.then.gathered, self.target.gathered, self.choice, config, self.names)

    def find_waiting(
        self, changes: Sequence[Change], frozen: Frozen | None, soak: float | None, *, needs_health: bool
    ) -> dict[str, Waiting]:
        """The applications of the changes that may not go on now, each with the first reason for it."""
        found: dict[str, Waiting] = {}
        if frozen is not None:
            return {change.app: frozen.waiting(change.app) for change in changes}
        for one in self._waiting(changes, soak, needs_health=needs_health) if changes else ():
            found.setdefault(one.app, one)
        return found

    def _waiting(self, changes: Sequence[Change], soak: float | None, *, needs_health: bool) -> Iterator[Waiting]:
        environment, judged = self.target.environment, list[Judged]()
        if environment.config.promote_from is not None or soak is not None or self.then is not self.source:
            judged = judge_promotions(environment, changes, [self.source], self.line)
        for one in judged:
            yield from (Waiting(one.change.app, broken.message, fix=broken.fix) for broken in one.broken)
        yield from unsoaked(judged, environment.name, soak, self.line.now)
        if needs_health:
            for one in judged:
                if one.ran and all(ran.until is not None for ran in one.ran):
                    app, version = one.change.app, one.change.after
                    reason = f"{app} has moved on in {self.names[0]} since {version}"
                    fix = "promote what runs there now, or leave it out with --app"
                    yield Waiting(app, f"{reason}, so whether that is healthy is unknown", fix=fix)
            yield from self.find_unhealthy(changes)

    def find_unhealthy(self, changes: Sequence[Change]) -> Iterator[Waiting]:
        """The applications that Argo CD does not report healthy in the source."""
        environment, gathered = self.source.environment, self.source.gathered
        apps, sources = self.target.gathered.applications, Sources(gathered.applications, self.names)
        changed = {one.app for one in changes}
        targets = {sources.of(app): app.app for app in apps if app.app in changed}
        found = (one for one in gathered.with_shared if one.app in targets and self.choice.takes(one))
        argocd = environment.config.argocd
        rollout = Rollout(argocd, tuple(expected_images(found))) if argocd is not None else None
        unhealthy = find_unhealthy(rollout, environment.name, self.source.checkout.tip, self.session)
        named = rollout.applications() if rollout is not None else {}
        for name, reason in unhealthy.items():
            what = f"Argo CD does not report as healthy in {environment.name}, running what the values say: {name}"
            for app in dict.fromkeys(targets[image.app] for image in named[name]):
                yield Waiting(app, f"{what} ({reason})", fix="wait, fix it, or leave it out with --app")


def open_promotion(
    source: Target, target: Target, line: Line, session: Session, *, then: Target | None = None,
    apps: Sequence[str] = (), images: Sequence[str] = (),
) -> Promotion:  # fmt: skip
    """The promotion of what the source runs (or ran ``then``) of ``apps`` and ``images``, which are globs."""
    names = (source.environment.name, target.environment.name)
    choice = choose((then or source).gathered, target.gathered, apps, images, names)
    return Promotion(source, target, then or source, line, choice, session)


def find_all_waiting(
    checkout: Checkout, setup: RepositoryConfig, sources: Mapping[str, Sequence[str]], session: Session
) -> tuple[dict[str, list[Waiting]], list[str]]:
    """What waits for the environments, each with its ``sources``, and why of some nobody can tell."""
    waiting: dict[str, list[Waiting]] = {}
    unknown: list[str] = []
    for name, names in sources.items():
        try:
            waiting[name] = _waiting_for(checkout, setup, name, names, session, unknown)
        except BumperError as error:
            unknown.append(f"what waits to be promoted to {name} is not known: {error}")
    return waiting, unknown


def _waiting_for(
    checkout: Checkout, setup: RepositoryConfig, name: str, sources: Sequence[str], session: Session,
    unknown: list[str],
) -> list[Waiting]:  # fmt: skip
    """The applications that may come from none of the sources where they differ, each with the first reason.

    What Argo CD does not say is added to what is ``unknown``.
    """
    target = open_environment(checkout, setup, name)
    rules, now = target.environment.config, session.clock.now()
    since = now - timedelta(seconds=rules.soak) if rules.soak is not None else None
    line = Line(checkout, now, since, session.gitlab)
    ready: set[str] = set()
    found: dict[str, Waiting] = {}
    for source in sources:
        promotion = open_promotion(open_environment(checkout, setup, source), target, line, session)
        changes, _ = differing(promotion.match())
        frozen = find_freeze(target.environment, session.gitlab, now) if changes else None
        waiting = promotion.find_waiting(changes, frozen, rules.soak, needs_health=False)
        left = [change for change in changes if change.app not in waiting]
        if rules.require_healthy and left:
            try:
                waiting |= {one.app: one for one in promotion.find_unhealthy(left)}
            except BumperError as error:
                unknown.append(f"whether {source} is healthy, as {name} requires, is not known: {error}")
        ready |= {change.app for change in changes} - waiting.keys()
        found = {**waiting, **found}
    return [one for app, one in found.items() if app not in ready]
