"""What bumper.yaml lets into an environment. Pure.

A rule is a function that yields what breaks it (``Broken``). Commands that make a change refuse the first (``refuse``),
`bumper check` lists all.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ParamSpec, TypeVar

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import CONFIG_FILE, Config
from bumper.environments.gather import Gathered, gather, overrides
from bumper.environments.layout import Environment
from bumper.environments.repository import Target
from bumper.environments.selection import is_ignored
from bumper.errors import Refused
from bumper.git.checkout import read_files
from bumper.image import ImageReference
from bumper.values.change import Change
from bumper.values.pin import Pin, PinPath
from bumper.values.requested import lines_to_add

_P = ParamSpec("_P")
_T = TypeVar("_T")
_PLACE = re.compile(r"(?P<file>[^\s:]+):(?P<line>\d+): (?P<rest>.*)", re.DOTALL)


class Rule(StrEnum):
    """What can be broken, by the key of bumper.yaml where there is one; the ``rule`` of check's findings."""

    PROMOTE_FROM = "promote_from"
    TAGS = "tags"
    DIGESTS = "digests"
    IGNORE = "ignore"
    SOAK = "soak"
    FREEZE = "freeze"
    HOLD = "hold"
    IMAGE = "image"
    VALUES = "values"
    CONFIG = "bumper.yaml"


def or_refusal(read: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | Refused:
    """What ``read`` returns, or the refusal that it raises."""
    try:
        return read(*args, **kwargs)
    except Refused as refusal:
        return refusal


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a change breaks: why, and the command or the line that does it right."""

    rule: Rule
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a change of the repository breaks, or what nobody can tell; ``fix`` does it right."""

    environment: str | None
    app: str | None
    file: str
    line: int
    rule: Rule
    message: str
    fix: str


def explain_refusal(
    reason: Refused, file: str, environment: str | None = None, app: str | None = None
) -> Iterator[Finding]:
    """A finding for each mistake that the refusal to read ``file`` names, at the place that it names."""
    rule = Rule.CONFIG if file == CONFIG_FILE else Rule.VALUES
    for line in reason.what.splitlines():
        place = _PLACE.fullmatch(line)
        where, number, what = (place["file"], int(place["line"]), place["rest"]) if place else (file, 1, line)
        yield Finding(environment, app, where, number, rule, what, reason.next_step or "correct it")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An application that may not go on yet: why, until when as far as anybody knows, and what to do."""

    app: str
    reason: str
    until: datetime | None = None
    fix: str = ""


def refuse(broken: Iterable[Broken]) -> None:
    """Raise Refused for the first of the broken rules, if there is any."""
    for found in broken:
        raise Refused(found.message, found.fix)


def broken_by_bump(config: Config, environment: Environment, images: Sequence[ImageReference]) -> Iterator[Broken]:
    """The rules that a bump of the images would break."""
    name, rules = environment.name, environment.config
    if rules.promote_from is not None:
        yield Broken(
            Rule.PROMOTE_FROM,
            f"{name} takes promotions only (promote_from in bumper.yaml)",
            f"run `bumper promote {rules.promote_from[0]} {name}`",
        )
    yield from broken_tags(environment, images)
    for image in images:
        if is_ignored(config, image.repository):
            yield Broken(
                Rule.IGNORE,
                f"{image.repository} is among the images that bumper.yaml's `ignore` leaves alone",
                "take it out there",
            )


def broken_tags(environment: Environment, images: Iterable[ImageReference]) -> Iterator[Broken]:
    """The images whose tag bumper.yaml does not let into the environment."""
    name, rules = environment.name, environment.config
    for image in images:
        if image.tag is not None and not rules.admits(image.tag):
            yield Broken(
                Rule.TAGS,
                f"{image} may not enter {name}: its tag does not match '{rules.tags}' (tags in bumper.yaml)",
                "deploy a tag that matches, or change the expression",
            )


def missing_digests(environment: Environment, images: Iterable[ImageReference]) -> Iterator[Broken]:
    """The images without a digest, where bumper.yaml demands one."""
    for image in images:
        if environment.config.digests and image.digest is None:
            yield Broken(
                Rule.DIGESTS,
                f"{environment.name} takes images with their digest only (digests in bumper.yaml), and the digest of "
                f"{image} is not known",
                f"leave --no-verify out, or write {image}@sha256:…",
            )


def check_heirs(target: Target, changes: Sequence[Change], source: str | None = None) -> list[str]:
    """A sentence for every other environment that a change reaches through a file that is its base, or an anchor.

    ``source`` is the environment that the changes are promoted from; None for a bump. Refused where the rules of such
    an environment would not let the tag in.
    """
    pins = {found.place: found.pin for found in target.gathered.pins}
    warnings: list[str] = []
    refusals: list[str] = []
    for environment, gathered in _heirs(target, {change.file for change in changes}):
        for change in changes:
            name, pin = environment.name, pins[change.place]
            refusals += _refused_by_anchor(environment, gathered, change, pin, source)
            for app in environment.apps:
                if change.file not in app.bases or _is_overridden(gathered, app, change.file, pin):
                    continue
                reaches = (
                    f"{change.file}:{change.line}: {change.path} is what {name} of {app.app} runs too, because the "
                    "file is its base and nothing overrides it"
                )
                reason = _why_not(environment, change, source, held_at(gathered, app.app, pin.path))
                if reason is None:
                    warnings.append(f"{reaches}; {name} gets {change.after} as well.")
                else:
                    lines, own = lines_to_add(pin, ImageReference(change.image, change.before.tag)), app.values[-1]
                    refusals.append(f"{reaches}, but {reason}; to keep {name} as it is add to {own}\n{lines}")
    if refusals:
        raise Refused("\n".join(dict.fromkeys(refusals)))
    return list(dict.fromkeys(warnings))


def _refused_by_anchor(
    environment: Environment, gathered: Gathered, change: Change, pin: Pin, source: str | None
) -> Iterator[str]:
    """Why the environment's pins in another section of the file, which change along, may not."""
    starts = {scalar.start for scalar in pin.scalars}
    for found in gathered.pins:
        if found.file == change.file and not starts.isdisjoint(scalar.start for scalar in found.pin.scalars):
            reason = _why_not(environment, change, source, found.held)
            if reason is not None:
                place = f"{change.file}:{change.line}: {change.path} shares an anchor with {found.place[1]}"
                yield f"{place} of {environment.name}, but {reason}; give each its own value"


def _heirs(target: Target, files: Collection[str]) -> Iterator[tuple[Environment, Gathered]]:
    """The other environments that have one of ``files`` for a base, or a section of one for values; of each those apps.

    An environment that is broken is doctor's to report.
    """
    layout = target.setup.layout
    for name in layout.environments:
        if name == target.environment.name or not layout.source.may_read(name, files):
            continue
        environment = or_refusal(layout.environment, name)
        if isinstance(environment, Environment):
            apps = tuple(app for app in environment.apps if not set(files).isdisjoint(app.files))
            part = replace(environment, apps=apps)
            yield part, gather(part, target.setup.config, read_files(target.checkout, part.files))


def _why_not(environment: Environment, change: Change, source: str | None, held: str | None) -> str | None:
    """Why the environment does not take the change."""
    rules = environment.config
    if rules.promote_from is not None and source not in rules.promote_from:
        return f"{environment.name} takes promotions from {', '.join(rules.promote_from)} only (promote_from)"
    if change.after.tag is not None and not rules.admits(change.after.tag):
        return f"{environment.name} does not admit {change.after.tag} (tags)"
    return f"it is held there: {held}" if held is not None else None


def _is_overridden(gathered: Gathered, app: AppFiles, file: str, pin: Pin) -> bool:
    """Whether a file above ``file`` decides the pin; one that cannot be read is not counted on."""
    files = app.files
    above = files[files.index(file) + 1 :]
    return any(overrides(gathered.values[path], pin.path) for path in above if path in gathered.values)


def held_at(gathered: Gathered, app: str, path: PinPath) -> str | None:
    """Why a hold keeps the application's pin at ``path`` as it is; None without a hold."""
    found = (one.held for one in gathered.with_shared if (one.app, one.pin.path) == (app, path))
    return next((reason for reason in found if reason is not None), None)
