"""What `bumper check` finds: every rule of bumper.yaml that a change of the pins breaks, whoever made it."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from bumper.environments.config_models import CONFIG_FILE
from bumper.environments.repository import odd_layout, read_repository_config
from bumper.errors import BumperError, Refused
from bumper.gate.check_changes import PinChange, compare
from bumper.gate.check_past import Past
from bumper.gate.check_pins import Pins, Rules, Unknown, read_pins
from bumper.gate.rules import Broken, Rule, broken_tags, missing_digests
from bumper.git.checkout import Checkout, follow_links
from bumper.git.span import Span
from bumper.registry.resolve import AnotherDigest, RegistryAccess, resolve_all
from bumper.values.pin import format_path

_PLACE = re.compile(r"(?P<file>[^\s:]+):(?P<line>\d+): (?P<rest>.*)", re.DOTALL)
# What going back to a version that ran there before may break, and what a recorded reason may.
_EXCUSED_BY_ROLLBACK = frozenset({Rule.PROMOTE_FROM, Rule.SOAK, Rule.FREEZE, Rule.TAGS, Rule.HOLD})
_EXCUSED_BY_URGENT = frozenset({Rule.SOAK, Rule.FREEZE})


def _broken_images(changes: Sequence[PinChange], access: RegistryAccess) -> Iterator[tuple[PinChange, Broken]]:
    """The changes whose image the registry does not have as it is written; a registry that cannot tell is one, too."""
    wanted = [(one, known.reference) for one in changes if (known := one.change) is not None]
    if not wanted:
        return
    try:
        found = resolve_all([reference for _, reference in wanted], access)
    except BumperError as error:  # the CA file
        found = {reference: error for _, reference in wanted}
    for change, reference in wanted:
        answer = found[reference]
        if isinstance(answer, BumperError):
            rule = Rule.DIGESTS if isinstance(answer, AnotherDigest) else Rule.IMAGE
            yield change, Broken(rule, answer.what, answer.next_step)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a change breaks, or what nobody can tell; ``fix`` does it right."""

    environment: str | None
    app: str | None
    file: str
    line: int
    rule: Rule
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a change does, and what is wrong with it; ``odd`` is what is odd about bumper.yaml, whoever wrote it."""

    changes: tuple[PinChange, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()


def judge(
    span: Span, rules: Rules, past: Past, access: RegistryAccess | None, urgent: Sequence[str] = ()
) -> Verdict:  # fmt: skip
    """The changes of the pins, each judged by the rules of its environment on the target branch.

    ``access`` is None where no registry is asked; ``urgent`` are the reasons that the change's commits give.
    """
    changes: tuple[PinChange, ...] = ()
    findings: list[Finding] = []
    excused: list[Broken] = []
    for number, (before, after) in enumerate(span.steps):
        pins = read_pins(rules, span.tip, follow_links(before), follow_links(after))
        changed = compare(pins.before, pins.after)
        changes = changes if number else tuple(changed)
        findings += [*_of_config(before, after), *(one for unknown in pins.unknown for one in _unreadable(unknown))]
        found = list(_found(changed, pins, rules, past, access))
        if urgent:
            excused += [one for _, one in found if one.rule in _EXCUSED_BY_URGENT]
            found = [(change, one) for change, one in found if one.rule not in _EXCUSED_BY_URGENT]
        findings += [_finding(change, one) for change, one in found]
    warnings = [f"{one.message}; it passes as urgent: {'; '.join(urgent)}." for one in excused]
    known = {(one.environment, one.app, one.file, one.rule, one.message): one for one in reversed(findings)}
    listed = sorted(known.values(), key=lambda one: (one.environment or "", one.file, one.line))
    return Verdict(changes, tuple(listed), tuple(dict.fromkeys(warnings)), tuple(_odd(span)))


def _found(
    changes: Sequence[PinChange], pins: Pins, rules: Rules, past: Past, access: RegistryAccess | None
) -> Iterator[tuple[PinChange, Broken]]:
    """What the changes break, environment by environment; what a rollback may break is left out."""
    for environment, group in groupby(changes, key=lambda one: one.environment):
        known = list(group)
        entering = [change for change in known if change.after is not None]
        found = list(_broken(environment, entering, rules, past, access))
        gone = (change for change in known if change.after is None and pins.is_left_out(change.pin))
        found += [(change, one) for change in gone for one in _without_tag(change, rules)]
        back = past.rollbacks(environment, [change for change, one in found if one.rule in _EXCUSED_BY_ROLLBACK])
        yield from ((change, one) for change, one in found
                    if change not in back or one.rule not in _EXCUSED_BY_ROLLBACK)  # fmt: skip


def _of_config(before: Checkout, after: Checkout) -> Iterator[Finding]:
    """What a change makes wrong about bumper.yaml; what was wrong before is not its doing."""
    refusals = [_refusal(side) for side in (before, after)]
    is_changed = before.entries.get(CONFIG_FILE) != after.entries.get(CONFIG_FILE)
    if refusals[1] is not None and (is_changed or str(refusals[0]) != str(refusals[1])):
        yield from _explain(refusals[1], CONFIG_FILE, Rule.CONFIG)


def _refusal(side: Checkout) -> Refused | None:
    try:
        read_repository_config(side)
    except Refused as refusal:
        return refusal
    return None


def _odd(span: Span) -> Iterator[str]:
    """What is of no use in the change's bumper.yaml, or has effects that somebody may not expect."""
    with contextlib.suppress(Refused):
        setup = read_repository_config(span.head)
        yield from (f"{one.environment}: {one.message}; {one.fix}." for one in odd_layout(setup))
        for name in setup.layout.environments:
            try:
                setup.layout.environment(name)
            except Refused as refusal:
                yield f"{name} cannot be read: {refusal}"


def _broken(
    environment: str, changes: Sequence[PinChange], rules: Rules, past: Past, access: RegistryAccess | None
) -> Iterator[tuple[PinChange, Broken]]:
    """What the changes of an environment break, rollbacks and urgent ones not told apart yet."""
    if rules.setup is None:
        for change in changes:
            why = f"the rules of {environment} are not known, because {CONFIG_FILE} on the target branch is broken"
            yield change, Broken(Rule.CONFIG, why, f"merge a correction of {CONFIG_FILE} first")
        return
    for change in changes:
        yield from ((change, one) for one in _of_pin(environment, change, rules))
    named = [change for change in changes if _is_known(change)]
    yield from past.broken_holds(environment, changes)
    yield from past.broken_promotions(environment, named)
    yield from past.broken_freeze(environment, changes)
    if access is not None:
        yield from _broken_images(named, access)


def _is_known(change: PinChange) -> bool:
    """Whether it is known which image runs after the change, by a tag or a digest."""
    known, pin = change.change, change.pin
    return known is not None and (pin.version.tag is not None or pin.version.digest is not None)


def _of_pin(environment: str, change: PinChange, rules: Rules) -> Iterator[Broken]:
    """What can be told from the pin alone."""
    config, known = rules.of(environment), change.change
    if known is not None and _is_known(change):
        yield from broken_tags(config, environment, [known.reference])
        for missing in missing_digests(config, environment, [known.reference]):
            yield Broken(missing.rule, missing.message, f"write {known.reference}@sha256:…, as bumper does")
    else:
        yield from _without_tag(change, rules)


def _without_tag(change: PinChange, rules: Rules) -> Iterator[Broken]:
    """A pin of which nobody can tell what it runs, where a rule says what may."""
    if not rules.choose_images(change.environment):
        return
    found = change.pin.found
    has_name = found.pin.repository is not None
    what = "has no tag any more, so that the chart's own runs" if has_name else "names no image"
    fix = "write the tag that is to run" if has_name else f"name it under images in {CONFIG_FILE}"
    where = f"{format_path(found.pin.path)} of {found.app}"
    yield Broken(Rule.IMAGE, f"{where} {what}: nobody can tell whether {change.environment} may run it", fix)


def _finding(change: PinChange, broken: Broken) -> Finding:
    found = change.pin.found
    return Finding(
        change.environment, found.app, found.file, found.pin.line, broken.rule, broken.message, broken.fix
    )  # fmt: skip


def _unreadable(unknown: Unknown) -> Iterator[Finding]:
    rule = Rule.CONFIG if unknown.file == CONFIG_FILE else Rule.VALUES
    for finding in _explain(unknown.reason, unknown.file, rule):
        yield Finding(
            unknown.environment, unknown.app, finding.file, finding.line, rule, finding.message, finding.fix
        )  # fmt: skip


def _explain(reason: Refused, file: str, rule: Rule) -> Iterator[Finding]:
    """A finding for each mistake that a refusal names, at the place that it names."""
    for line in reason.what.splitlines():
        place = _PLACE.fullmatch(line)
        where, number, what = (place["file"], int(place["line"]), place["rest"]) if place else (file, 1, line)
        yield Finding(None, None, where, number, rule, what, reason.next_step or "correct it")
