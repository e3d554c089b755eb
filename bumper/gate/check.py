"""What `bumper check` finds: every rule of bumper.yaml that a change of the pins breaks, whoever made it."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import TypeAlias

from bumper.environments.config_models import CONFIG_FILE
from bumper.environments.layout import Environment
from bumper.environments.repository import (
    RepositoryConfig,
    Target,
    odd_layout,
    open_environment,
    read_repository_config,
)
from bumper.errors import BumperError, Refused
from bumper.gate.check_pins import PinChange, Pins, compare, config_of, read_pins
from bumper.gate.freeze import Frozen, find_freeze
from bumper.gate.promotions import broken_soak, judge_promotions, unsoaked
from bumper.gate.rules import (
    Broken,
    Finding,
    Rule,
    broken_tags,
    explain_refusal,
    held_at,
    missing_digests,
    or_refusal,
)
from bumper.git.checkout import Checkout, follow_links
from bumper.git.span import Span
from bumper.gitlab.connection import GitLab
from bumper.image import ImageReference
from bumper.records.line import Line
from bumper.records.runs import Place, place_of, read_periods
from bumper.registry.resolve import AnotherDigest, RegistryAccess, resolve_all
from bumper.values.pin import Version, format_path

# What going back to a version that ran there before may break, and what a recorded reason may.
_EXCUSED_BY_ROLLBACK = frozenset({Rule.PROMOTE_FROM, Rule.SOAK, Rule.FREEZE, Rule.TAGS, Rule.HOLD})
_EXCUSED_BY_URGENT = frozenset({Rule.SOAK, Rule.FREEZE})
_Found: TypeAlias = Iterator[tuple[PinChange, Broken]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a change is judged by: the target branch's rules and first-parent line, what GitLab and registries know.

    ``in_deploy_freeze`` is whether GitLab started the pipeline in one of the project's deploy freezes, None without it;
    ``access`` is None where no registry is asked, ``urgent`` are the reasons that the change's commits give.
    """

    setup: RepositoryConfig | None  # None where the target branch's bumper.yaml is broken
    line: Line
    gitlab: GitLab | None = None
    in_deploy_freeze: bool | None = None
    access: RegistryAccess | None = None
    urgent: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a change does, and what is wrong with it; ``odd`` is what is odd about bumper.yaml, whoever wrote it."""

    changes: tuple[PinChange, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()


def judge(span: Span, evidence: Evidence) -> Verdict:
    """The changes of the pins, each judged by the rules of its environment on the target branch."""
    changes: tuple[PinChange, ...] = ()
    findings: list[Finding] = []
    excused: list[Broken] = []
    for number, (before, after) in enumerate(span.steps):
        pins = read_pins(evidence.setup, span.tip, follow_links(before), follow_links(after))
        changed = compare(pins)
        changes = changes if number else tuple(changed)
        findings += [*_of_config(before, after), *pins.unknown]
        for change, broken in _broken(changed, pins, evidence):
            if evidence.urgent and broken.rule in _EXCUSED_BY_URGENT:
                excused.append(broken)
            else:
                found = change.pin.found
                place = (change.environment, found.app, found.file, found.pin.line)
                findings.append(Finding(*place, broken.rule, broken.message, broken.fix))
    warnings = [f"{one.message}; it passes as urgent: {'; '.join(evidence.urgent)}." for one in excused]
    known = {(one.environment, one.app, one.file, one.rule, one.message): one for one in reversed(findings)}
    listed = sorted(known.values(), key=lambda one: (one.environment or "", one.file, one.line))
    return Verdict(changes, tuple(listed), tuple(dict.fromkeys(warnings)), tuple(_odd(span)))


def _of_config(before: Checkout, after: Checkout) -> Iterator[Finding]:
    """What a change makes wrong about bumper.yaml; what was wrong before is not its doing."""
    was, now = (or_refusal(read_repository_config, side) for side in (before, after))
    is_changed = before.entries.get(CONFIG_FILE) != after.entries.get(CONFIG_FILE)
    if isinstance(now, Refused) and (is_changed or str(was) != str(now)):
        yield from explain_refusal(now, CONFIG_FILE)


def _odd(span: Span) -> Iterator[str]:
    """What is of no use in the change's bumper.yaml, or has effects that somebody may not expect."""
    with contextlib.suppress(Refused):
        setup = read_repository_config(span.head)
        yield from (f"{name}: {odd}" for name, odd in odd_layout(setup))
        for name in setup.layout.environments:
            refusal = or_refusal(setup.layout.environment, name)
            if isinstance(refusal, Refused):
                yield f"{name} cannot be read: {refusal}"


@dataclass(frozen=True)
class _Case:
    """The changes that enter an environment, to be judged by its rules."""

    environment: Environment  # with its rules, without its files
    changes: Sequence[PinChange]
    evidence: Evidence

    @cached_property
    def target(self) -> Target | None:
        """The environment at the tip of the target branch; None where it is not there, or broken there."""
        opened = or_refusal(self.open, self.environment.name)
        return opened if isinstance(opened, Target) else None

    def open(self, name: str) -> Target:
        setup = self.evidence.setup
        if setup is None:
            raise Refused(f"{CONFIG_FILE} on the target branch is broken", f"merge a correction of {CONFIG_FILE} first")
        return open_environment(self.evidence.line.checkout, setup, name)

    @property
    def named(self) -> list[tuple[PinChange, ImageReference]]:
        """The changes after which it is known which image runs."""
        return [(one, image) for one in self.changes if (image := one.image) is not None]


def _broken(changes: Iterable[PinChange], pins: Pins, evidence: Evidence) -> _Found:
    """What the changes break, environment by environment; what a rollback may break is left out."""
    for name, group in groupby(changes, key=lambda one: one.environment):
        known, environment = list(group), Environment(name, (), config_of(evidence.setup).rules_of(name))
        case = _Case(environment, [change for change in known if change.after is not None], evidence)
        rules = _RULES if evidence.setup is not None else (_broken_config,)
        found = [pair for rule in rules for pair in rule(case)]
        gone = (change for change in known if change.after is None and pins.is_left_out(change.pin))
        found += [pair for change in gone for pair in _without_image(case, change)]
        back = _rollbacks(case, [change for change, one in found if one.rule in _EXCUSED_BY_ROLLBACK])
        yield from ((change, one) for change, one in found
                    if change not in back or one.rule not in _EXCUSED_BY_ROLLBACK)  # fmt: skip


def _broken_config(case: _Case) -> _Found:
    why = f"the rules of {case.environment.name} are not known, because {CONFIG_FILE} on the target branch is broken"
    yield from ((one, Broken(Rule.CONFIG, why, f"merge a correction of {CONFIG_FILE} first")) for one in case.changes)


def _broken_pins(case: _Case) -> _Found:
    """What can be told from the pins alone."""
    for change in case.changes:
        if (image := change.image) is None:
            yield from _without_image(case, change)
            continue
        yield from ((change, broken) for broken in broken_tags(case.environment, [image]))
        for missing in missing_digests(case.environment, [image]):
            yield change, Broken(missing.rule, missing.message, f"write {image}@sha256:…, as bumper does")


def _without_image(case: _Case, change: PinChange) -> _Found:
    """A pin of which nobody can tell what it runs, where a rule says what may."""
    if not case.environment.config.chooses_images:
        return
    found = change.pin.found
    has_name = found.pin.repository is not None
    what = "has no tag any more, so that the chart's own runs" if has_name else "names no image"
    fix = "write the tag that is to run" if has_name else f"name it under images in {CONFIG_FILE}"
    where = f"{format_path(found.pin.path)} of {found.app}"
    yield change, Broken(Rule.IMAGE, f"{where} {what}: nobody can tell whether {case.environment.name} may run it", fix)


def _broken_holds(case: _Case) -> _Found:
    """The changes of a pin with a hold that stays: before the change, or put there on the target branch since."""
    for change in case.changes:
        reason = _hold(case, change)
        if reason is not None:
            app, where = change.pin.found.app, format_path(change.pin.found.pin.path)
            fix = f"run `bumper unhold {case.environment.name} --app {app}`, or take the hold out in this change"
            yield change, Broken(Rule.HOLD, f"{where} of {app} is held in {case.environment.name}: {reason}", fix)


def _hold(case: _Case, change: PinChange) -> str | None:
    if change.before is None or change.after is None:
        return None
    held = change.before.found.held
    if held is not None:
        return held if change.after.found.held is not None else None
    gathered, pin = case.target.gathered if case.target is not None else None, change.before
    names = {app.identity: app.app for app in gathered.applications} if gathered is not None else {}
    name = names.get(pin.app.identity)
    return held_at(gathered, name, pin.found.pin.path) if gathered is not None and name is not None else None


def _broken_promotions(case: _Case) -> _Found:
    """The changes whose version no environment that promotions come from ran, or has taken back since."""
    evidence, environment = case.evidence, case.environment
    name, config = environment.name, environment.config
    known = [(one, change) for one, _ in case.named if (change := one.change) is not None]
    if not known or not config.promote_from:
        return
    apps = tuple({one.pin.app.app: one.pin.app for one, _ in known}.values())
    try:  # of the sources those that can be read: one that ran the version is enough
        opened = [or_refusal(case.open, source) for source in config.promote_from]
        sources = [one for one in opened if isinstance(one, Target)]
        if not sources:
            raise next(one for one in reversed(opened) if isinstance(one, Refused))
        changes = [change for _, change in known]
        judged = judge_promotions(replace(environment, apps=apps), changes, sources, evidence.line)
    except BumperError as error:
        why = f"whether {' or '.join(config.promote_from)} has run it is not known: {error.what}"
        yield from ((one, Broken(Rule.PROMOTE_FROM, why, error.next_step)) for one, _ in known)
        return
    for (one, _), found in zip(known, judged, strict=True):
        yield from ((one, broken) for broken in found.broken)
        waiting = unsoaked([found], name, config.soak, evidence.line.now)
        yield from ((one, broken) for broken in broken_soak(waiting, found.ran[0].source if found.ran else "", name))


def _broken_freeze(case: _Case) -> _Found:
    """The changes that enter an environment while it is frozen, or while nobody can tell whether it is."""
    evidence, environment = case.evidence, case.environment
    name, config = environment.name, environment.config
    try:
        if config.freeze == () and evidence.gitlab is None and evidence.in_deploy_freeze is not None:
            frozen = Frozen(name, None) if evidence.in_deploy_freeze else None
        else:
            frozen = find_freeze(environment, evidence.gitlab, evidence.line.now)
    except BumperError as error:
        yield from ((one, Broken(Rule.FREEZE, error.what, error.next_step)) for one in case.changes)
        return
    if frozen is not None:
        fix = "merge it afterwards, or write `Bumper-Urgent: REASON` at the end of a commit's message"
        yield from ((one, Broken(Rule.FREEZE, str(frozen), fix)) for one in case.changes)


def _broken_images(case: _Case) -> _Found:
    """The changes whose image the registry does not have as it is written, or cannot tell."""
    access, images = case.evidence.access, [image for _, image in case.named]
    if access is None or not images:
        return
    try:
        found = resolve_all(images, access)
    except BumperError as error:  # the CA file
        found = dict.fromkeys(images, error)
    for change, image in case.named:
        if isinstance(answer := found[image], BumperError):
            rule = Rule.DIGESTS if isinstance(answer, AnotherDigest) else Rule.IMAGE
            yield change, Broken(rule, answer.what, answer.next_step)


_RULES = (_broken_pins, _broken_holds, _broken_promotions, _broken_freeze, _broken_images)


def _rollbacks(case: _Case, changes: Sequence[PinChange]) -> list[PinChange]:
    """The changes to a version that the application ran in the environment before."""
    target = case.target if changes else None
    if target is None:
        return []
    names = {app.identity: app.app for app in target.gathered.applications}
    wanted: dict[Place, list[ImageReference]] = {}
    places: list[tuple[PinChange, Place, ImageReference]] = []
    for one in changes:
        change, name = one.change, names.get(one.pin.app.identity)
        if change is not None and name is not None:
            place = place_of(target.setup.config, name, change.image)
            wanted.setdefault(place, []).append(change.reference)
            places.append((one, place, change.reference))
    try:
        periods = read_periods(target, case.evidence.line, wanted)
    except BumperError:
        return []
    ran = {place: {version for period in found for version in period.versions} for place, found in periods.items()}
    return [one for one, place, image in places if any(_is_same(version, image) for version in ran[place])]


def _is_same(version: Version, image: ImageReference) -> bool:
    """Whether the application ran the image: its tag, and its digest where both of them are known."""
    digests = {version.digest, image.digest} - {None}
    return version.tag == image.tag and (len(digests) == 1 or (not digests and image.tag is not None))
