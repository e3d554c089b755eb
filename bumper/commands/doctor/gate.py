"""Whether soak and freeze can be told: the freeze periods can be read, and the history reaches back far enough."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from bumper.clock import format_duration
from bumper.commands.doctor.check import Check, failed
from bumper.environments.repository import Target
from bumper.errors import BumperError, Refused
from bumper.gate.freeze import NEVER, frozen_until, read_periods
from bumper.gate.soak import show_time
from bumper.gitlab.connection import GitLab
from bumper.records.line import Line


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
    return Check(name, f"the history of {line.branch} tells what has stood for {format_duration(soak)}{without}")
