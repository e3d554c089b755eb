"""Which applications of a promotion may go on now: by what the source ran, freeze, soak and health."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bumper.delivery.attempt import Session
from bumper.delivery.watch import find_unhealthy
from bumper.environments.repository import Target
from bumper.errors import Refused
from bumper.gate.freeze import Frozen
from bumper.gate.promotions import Judged, find_source, judge_promotions, unsoaked
from bumper.gate.rules import Waiting
from bumper.planning.draft import Rollout, expected_images
from bumper.planning.promote import Choice
from bumper.records.line import Line
from bumper.values.change import Change


@dataclass(frozen=True, slots=True)
class PromotionGate:
    """What a promotion has to pass.

    ``source`` and ``target`` are the environments at the tip, ``choice`` is what it is about.
    ``as_of``: what is promoted is what the source ran at an earlier commit.
    """

    source: Target
    target: Target
    line: Line
    choice: Choice
    session: Session
    frozen: Frozen | None
    soak: float | None
    needs_health: bool
    as_of: bool

    def find_waiting(self, changes: Sequence[Change]) -> dict[str, Waiting]:
        """The applications of the changes that may not go on now, each with the first reason for it.

        Raises:
            Refused: whether they may cannot be told.

        """
        found: dict[str, Waiting] = {}
        for one in self._waiting(changes) if changes else ():
            found.setdefault(one.app, one)
        return found

    def _waiting(self, changes: Sequence[Change]) -> Iterator[Waiting]:
        if self.frozen is not None:
            yield from (self.frozen.waiting(change.app) for change in changes)
            return
        judged = self._judge(changes)
        for one in judged:
            yield from (Waiting(one.change.app, broken.message, fix=broken.fix) for broken in one.broken)
        yield from unsoaked(judged, self.target.environment.name, self.soak, self.line.now)
        if self.needs_health:
            yield from self._moved_on(judged)
            yield from self.find_unhealthy(changes)

    def _judge(self, changes: Sequence[Change]) -> list[Judged]:
        if self.target.environment.config.promote_from is None and self.soak is None and not self.as_of:
            return []
        apps = self.target.gathered.applications
        return judge_promotions(self.target.environment, apps, changes, [self.source], self.line)

    def _moved_on(self, judged: Sequence[Judged]) -> Iterator[Waiting]:
        """The applications of which Argo CD can no longer tell whether the version was healthy."""
        for one in judged:
            if one.ran and all(ran.until is not None for ran in one.ran):
                name, version = self.source.environment.name, one.change.after
                reason = (
                    f"{one.change.app} has moved on in {name} since {version}, so whether that is healthy is unknown"
                )
                yield Waiting(one.change.app, reason, fix="promote what runs there now, or leave it out with --app")

    def find_unhealthy(self, changes: Sequence[Change]) -> Iterator[Waiting]:
        """The applications that Argo CD does not report healthy in the source."""
        environment, gathered = self.source.environment, self.source.gathered
        apps = {app.app: app for app in self.target.gathered.applications}
        names = environment.name, self.target.environment.name
        targets = {find_source(apps[one.app], gathered.applications, names): one.app for one in changes}
        found = (one for one in gathered.with_shared if one.app in targets and self.choice.takes(one))
        argocd = environment.config.argocd
        rollout = Rollout(argocd, tuple(expected_images(found))) if argocd is not None else None
        unhealthy = find_unhealthy(rollout, environment.name, self.source.checkout.tip, self.session)
        named = rollout.applications() if rollout is not None else {}
        for name, reason in unhealthy.items():
            for app in dict.fromkeys(targets[image.app] for image in named[name]):
                what = (
                    f"Argo CD does not report as healthy in {names[0]}, running what the values say: {name} ({reason})"
                )
                yield Waiting(app, what, fix="wait, fix it, or leave it out with --app")


def refuse_waiting(waiting: dict[str, Waiting]) -> None:
    """Refuse a request that is not content with what is ready.

    Raises:
        Refused: with a sentence for each application that has to wait.

    """
    sentences = list(dict.fromkeys(f"{one.reason}; {one.fix}" for one in waiting.values()))
    if sentences:
        first = next(iter(waiting.values()))
        raise Refused(first.reason, first.fix) if len(sentences) == 1 else Refused(".\n".join(sentences))
