"""What bumper.yaml and the repository hold: the files and pins of every environment, what cannot be edited.

And whether bumper can judge soak and freeze: by freeze periods that it can read, and a history that reaches back far
enough.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bumper.clock import format_duration, show_time
from bumper.commands.doctor.check import Check, failed, first_of, warned
from bumper.environments.config_models import CONFIG_FILE
from bumper.environments.gather import FoundPin
from bumper.environments.repository import (
    RepositoryConfig,
    Target,
    odd_layout,
    open_environment,
    read_repository_config,
)
from bumper.errors import BumperError, Refused
from bumper.gate.freeze import NEVER, frozen_until, read_periods
from bumper.git.checkout import Checkout
from bumper.gitlab.connection import GitLab
from bumper.records.line import Line
from bumper.values.values_file import describe


@dataclass(frozen=True, slots=True)
class Examined:
    """The checks of the environments, and those environments that could be read."""

    checks: tuple[Check, ...]
    targets: tuple[Target, ...]


def check_config(checkout: Checkout) -> tuple[Check, RepositoryConfig | None]:
    """bumper.yaml, or the usual layouts where there is none; None where it is wrong."""
    try:
        setup = read_repository_config(checkout)
    except BumperError as error:
        return failed("config", error), None
    names = ", ".join(setup.layout.environments)
    found = f"{CONFIG_FILE} is valid" if setup.written is not None else f"no {CONFIG_FILE}, usual layouts"
    if names:
        return Check("config", f"{found}; environments: {names}"), setup
    next_step = f"name them in {CONFIG_FILE} (bumper init writes one)"
    return Check("config", f"{found}; no environment is found", next_step, Refused.exit_code), setup


def environments_of(setup: RepositoryConfig) -> tuple[list[str], list[str]]:
    """The environments that are pushed straight to the branch, and those that take merge requests."""
    known = setup.config.environments
    by_commit = [name for name, config in known.items() if config.delivery == "commit"]
    return by_commit, [name for name in setup.layout.environments if name not in by_commit]


def examine_environments(checkout: Checkout, setup: RepositoryConfig) -> Examined:
    """Every environment's files and pins; one that is broken does not hide the others."""
    checks: list[Check] = []
    targets: list[Target] = []
    for name in setup.layout.environments:
        try:
            target = open_environment(checkout, setup, name)
        except BumperError as error:
            checks.append(failed(f"environment {name}", error))
            continue
        targets.append(target)
        checks.append(_check_environment(target))
    odd = (Check(f"environment {one.environment}", one.message, one.fix) for one in odd_layout(setup))
    return Examined((*checks, *odd, *uneditable(targets)), tuple(targets))


def _check_environment(target: Target) -> Check:
    name, gathered = f"environment {target.environment.name}", target.gathered
    settable = sum(found.pin.refusal is None and found.pin.repository is not None for found in gathered.pins)
    files = len({path for app in target.environment.apps for path in app.values})
    found = f"{_number(len(gathered.apps), 'application')}, {_number(files, 'file')}"
    if settable:
        return Check(name, f"{found}, {_number(settable, 'tag')} that can be set")
    next_step = f"give its files tags, or name the images of bare ones under images in {CONFIG_FILE}"
    if target.environment.config.at is not None and not gathered.pins:
        next_step = f"correct at ({target.environment.config.at}) in {CONFIG_FILE}: there is no image below it"
    return Check(name, f"{found}, but no tag that can be set", next_step, Refused.exit_code)


def uneditable(targets: Iterable[Target]) -> Iterator[Check]:
    """What bump leaves alone and why: files that it cannot read, tags that it cannot set."""
    for target in targets:
        name = f"values of {target.environment.name}"
        checks = [
            *(warned(name, refusal) for refusal in (*target.gathered.refusals, *target.gathered.idle_holds)),
            *_pins(name, target),
        ]
        yield from first_of(checks, "more that cannot be edited")
        if not checks:
            yield Check(name, "everything can be edited")


def _pins(name: str, target: Target) -> Iterator[Check]:
    gathered = target.gathered
    for found in gathered.pins:
        place = describe(gathered.values[found.file], found.pin)
        if found.pin.refusal is not None:
            yield Check(name, f"{place} cannot be set: {found.pin.refusal}", _next_step(found))
        elif found.pin.repository is None:
            yield Check(name, f"{place} names no image", f"name it under images in {CONFIG_FILE}")
    if gathered.shared:
        first = gathered.shared[0]
        places = describe(gathered.values[first.file], first.pin)
        what = f"{_number(len(gathered.shared), 'tag')} only in shared files, which are never written ({places})"
        yield Check(name, what, f"add those that a bump is to set to the environment's own files ({first.own_file})")


def _next_step(found: FoundPin) -> str:
    if found.pin.absent:
        return f"add the tag to {found.file}"
    return f"write it as a plain tag, or name the image under ignore in {CONFIG_FILE}"


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def examine_gate(targets: Iterable[Target], gitlab: GitLab | None, now: datetime) -> Iterator[Check]:
    """The checks of the environments that have a freeze or a soak."""
    for target in targets:
        rules, name = target.environment.config, target.environment.name
        if rules.freeze is not None:
            yield _check_freeze(target, gitlab, now)
        if rules.soak is not None:
            yield _check_soak(target, rules.soak, gitlab, now)
            if not rules.promote_from:
                what = (
                    f"soak applies to promotions, and {name} takes bumps as well (no promote_from), which need no soak"
                )
                yield Check(f"soak of {name}", what, f"write promote_from below environments.{name}, or leave soak out")


def _check_freeze(target: Target, gitlab: GitLab | None, now: datetime) -> Check:
    name = f"freeze of {target.environment.name}"
    try:
        periods = read_periods(target.environment, gitlab)
    except BumperError as error:
        return failed(name, error)
    whose = "bumper.yaml's" if target.environment.config.freeze else "GitLab's"
    listed = f"{len(periods)} of {whose} periods" if len(periods) != 1 else f"one of {whose} periods"
    until = frozen_until(periods, now)
    state = (
        "not frozen now" if until is None else f"frozen now{f', until {show_time(until)}' if until != NEVER else ''}"
    )
    if not periods:
        return Check(
            name, f"there are no freeze periods in GitLab; {state}", "add them in Settings > CI/CD > Deploy freezes"
        )
    return Check(name, f"{listed} can be read; {state}")


def _check_soak(target: Target, soak: float, gitlab: GitLab | None, now: datetime) -> Check:
    name, line = f"soak of {target.environment.name}", Line(target.checkout, now, now - timedelta(seconds=soak), gitlab)
    try:
        for _ in line.stretches():
            if line.is_old_enough:
                break
    except BumperError as error:
        return failed(name, error)
    if line.is_cut and not line.is_old_enough:
        found = f"the history of {line.branch} that can be read is younger than {format_duration(soak)}"
        return Check(name, found, "shorten soak: until then nothing has soaked", Refused.exit_code)
    without = "" if gitlab is not None else "; without a token for GitLab's API the commits' own dates count"
    return Check(name, f"the history of {line.branch} shows what has been there for {format_duration(soak)}{without}")
