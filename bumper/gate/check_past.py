"""What the target branch's past says of a change: where its versions ran, and whether it goes back to one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bumper.environments.layout import Environment
from bumper.environments.repository import RepositoryConfig, Target, open_environment
from bumper.errors import BumperError, Refused
from bumper.gate.check_changes import PinChange
from bumper.gate.check_pins import Rules
from bumper.gate.freeze import Frozen, broken_freeze, find_freeze
from bumper.gate.promotions import broken_soak, judge_promotions, unsoaked
from bumper.gate.rules import Broken, Rule
from bumper.git.checkout import Checkout
from bumper.gitlab.connection import GitLab
from bumper.image import ImageReference
from bumper.records.line import Line
from bumper.records.runs import Place, place_of, read_periods
from bumper.values.pin import Version, format_path


@dataclass(frozen=True, slots=True)
class Past:
    """The target branch at its newest commit, its first-parent line, and what its GitLab knows.

    ``in_deploy_freeze`` is whether GitLab started the pipeline in one of the project's deploy freezes, None without it.
    """

    tip: Checkout
    rules: Rules
    line: Line
    gitlab: GitLab | None = None
    in_deploy_freeze: bool | None = None
    _opened: dict[str, Target | None] = field(default_factory=dict, repr=False)

    def broken_promotions(self, environment: str, changes: Sequence[PinChange]) -> Iterator[tuple[PinChange, Broken]]:
        """The changes whose version no environment that promotions come from ran, or has taken back since."""
        config, setup = self.rules.of(environment), self.rules.setup
        known = [(one, change) for one in changes if (change := one.change) is not None]
        if not known or not config.promote_from or setup is None:
            return
        apps = tuple({one.pin.app.app: one.pin.app for one, _ in known}.values())
        try:
            sources = _open_sources(self.tip, setup, config.promote_from)
            judged = judge_promotions(
                Environment(environment, apps, config), apps, [change for _, change in known], sources, self.line
            )
        except BumperError as error:
            why = f"whether {' or '.join(config.promote_from)} has run it is not known: {error.what}"
            yield from ((one, Broken(Rule.PROMOTE_FROM, why, error.next_step)) for one, _ in known)
            return
        for (one, _), found in zip(known, judged, strict=True):
            yield from ((one, broken) for broken in found.broken)
            waiting = unsoaked([found], environment, config.soak, self.line.now)
            source = found.ran[0].source if found.ran else ""
            yield from ((one, broken) for broken in broken_soak(waiting, source, environment))

    def broken_freeze(self, environment: str, changes: Sequence[PinChange]) -> Iterator[tuple[PinChange, Broken]]:
        """The changes that enter an environment while it is frozen, or while nobody can tell whether it is."""
        config = self.rules.of(environment)
        try:
            if config.freeze == () and self.gitlab is None and self.in_deploy_freeze is not None:
                frozen = Frozen(environment, None) if self.in_deploy_freeze else None
            else:
                frozen = find_freeze(Environment(environment, (), config), self.gitlab, self.line.now)
        except BumperError as error:
            yield from ((one, Broken(Rule.FREEZE, error.what, error.next_step)) for one in changes)
            return
        fix = "merge it afterwards, or write `Bumper-Urgent: REASON` at the end of a commit's message"
        for found in broken_freeze(frozen):
            yield from ((one, Broken(found.rule, found.message, fix)) for one in changes)

    def rollbacks(self, environment: str, changes: Sequence[PinChange]) -> list[PinChange]:
        """The changes to a version that the application ran in the environment before."""
        target = self._open(environment) if changes else None
        if target is None:
            return []
        apps = {app.identity: app for app in target.gathered.applications}
        wanted: dict[Place, list[ImageReference]] = {}
        places: list[tuple[PinChange, Place, ImageReference]] = []
        for one in changes:
            change, app = one.change, apps.get(one.pin.identity)
            if change is not None and app is not None:
                place = place_of(target.setup.config, app.app, change.image)
                wanted.setdefault(place, []).append(change.reference)
                places.append((one, place, change.reference))
        try:
            periods = read_periods(target, self.line, wanted)
        except BumperError:
            return []
        ran = {place: {version for period in found for version in period.versions} for place, found in periods.items()}
        return [one for one, place, image in places if any(_is_same(version, image) for version in ran[place])]

    def broken_holds(self, environment: str, changes: Sequence[PinChange]) -> Iterator[tuple[PinChange, Broken]]:
        """The changes of a pin with a hold that stays: before the change, or put there on the target branch since."""
        for one in changes:
            reason = self._hold(environment, one)
            if reason is not None:
                app, where = one.pin.found.app, format_path(one.pin.found.pin.path)
                yield one, Broken(
                    Rule.HOLD, f"{where} of {app} is held in {environment}: {reason}",
                    f"run `bumper unhold {environment} --app {app}`, or take the hold out in this change",
                )  # fmt: skip

    def _hold(self, environment: str, change: PinChange) -> str | None:
        if change.before is None or change.after is None:
            return None
        held = change.before.found.held
        if held is not None:
            return held if change.after.found.held is not None else None
        target, pin = self._open(environment), change.before
        if target is None:
            return None
        names = {app.identity: app.app for app in target.gathered.applications}
        found = target.gathered.with_shared
        here = (one for one in found if (one.app, one.pin.path) == (names.get(pin.identity), pin.found.pin.path))
        return next((one.held for one in here if one.held is not None), None)

    def _open(self, environment: str) -> Target | None:
        """The environment at the tip; None where it is not there, or broken there."""
        if environment not in self._opened:
            try:
                found = open_environment(self.tip, self.rules.setup, environment) if self.rules.setup else None
            except Refused:
                found = None
            self._opened[environment] = found
        return self._opened[environment]


def _open_sources(tip: Checkout, setup: RepositoryConfig, names: Sequence[str]) -> list[Target]:
    """The environments that promotions come from, as far as they can be read; one that ran the version is enough.

    Raises:
        BumperError: none of them can.

    """
    found: list[Target] = []
    for number, name in enumerate(names, start=1):
        try:
            found.append(open_environment(tip, setup, name))
        except Refused:
            if number == len(names) and not found:
                raise
    return found


def _is_same(version: Version, image: ImageReference) -> bool:
    """Whether the application ran the image: its tag, and its digest where both of them are known."""
    digests = {version.digest, image.digest} - {None}
    return version.tag == image.tag and (len(digests) == 1 or (not digests and image.tag is not None))
