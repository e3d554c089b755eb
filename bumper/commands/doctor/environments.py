"""What bumper.yaml and the repository hold: the files and pins of every environment, what cannot be edited.

And whether bumper can judge soak and freeze: by freeze periods that it can read, and a history that reaches back far
enough.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bumper.clock import format_duration, show_time
from bumper.commands.doctor.check import Report, in_one_line
from bumper.environments.config_models import CONFIG_FILE
from bumper.environments.repository import (
    RepositoryConfig,
    Target,
    odd_layout,
    open_environment,
    read_repository_config,
)
from bumper.errors import Refused
from bumper.gate.freeze import NEVER, frozen_until, read_periods
from bumper.git.checkout import Checkout
from bumper.gitlab.connection import GitLab
from bumper.records.line import Line
from bumper.values.values_file import describe


def check_config(report: Report, checkout: Checkout) -> RepositoryConfig | None:
    """Check bumper.yaml, or the usual layouts where there is none; None where it is wrong."""
    setup = None
    with report.check("config"):
        setup = read_repository_config(checkout)
        names = ", ".join(setup.layout.environments)
        found = f"{CONFIG_FILE} is valid" if setup.written is not None else f"no {CONFIG_FILE}, usual layouts"
        if not names:
            next_step = f"name them in {CONFIG_FILE} (bumper init writes one)"
            raise Refused(f"{found}; no environment is found", next_step)
        report.add("config", f"{found}; environments: {names}")
    return setup


def examine_environments(report: Report, checkout: Checkout, setup: RepositoryConfig) -> list[Target]:
    """Check every environment's files and pins; one that is broken does not hide the others, which are returned."""
    targets: list[Target] = []
    for name in setup.layout.environments:
        with report.check(f"environment {name}"):
            targets.append(open_environment(checkout, setup, name))
            _check_environment(report, targets[-1])
    for name, odd in odd_layout(setup):
        report.add(f"environment {name}", odd.what, odd.next_step)
    for target in targets:
        _report_uneditable(report, target)
    return targets


def _check_environment(report: Report, target: Target) -> None:
    gathered, at = target.gathered, target.environment.config.at
    settable = sum(found.pin.refusal is None and found.pin.repository is not None for found in gathered.pins)
    files = len({path for app in target.environment.apps for path in app.values})
    found = f"{_number(len(gathered.apps), 'application')}, {_number(files, 'file')}"
    if not settable:
        next_step = f"give its files tags, or name the images of bare ones under images in {CONFIG_FILE}"
        if at is not None and not gathered.pins:
            next_step = f"correct at ({at}) in {CONFIG_FILE}: there is no image below it"
        raise Refused(f"{found}, but no tag that can be set", next_step)
    report.add(f"environment {target.environment.name}", f"{found}, {_number(settable, 'tag')} that can be set")


def _report_uneditable(report: Report, target: Target) -> None:
    """Report what bump leaves alone and why: files that it cannot read, tags that it cannot set."""
    gathered, name = target.gathered, f"values of {target.environment.name}"
    found = [in_one_line(refusal) for refusal in (*gathered.refusals, *gathered.idle_holds)]
    for one in gathered.pins:
        place = describe(gathered.values[one.file], one.pin)
        if one.pin.refusal is not None:
            by_hand = f"write it as a plain tag, or name the image under ignore in {CONFIG_FILE}"
            next_step = f"add the tag to {one.file}" if one.pin.absent else by_hand
            found.append((f"{place} cannot be set: {one.pin.refusal}", next_step))
        elif one.pin.repository is None:
            found.append((f"{place} names no image", f"name it under images in {CONFIG_FILE}"))
    if gathered.shared:
        first, tags = gathered.shared[0], _number(len(gathered.shared), "tag")
        place = describe(gathered.values[first.file], first.pin)
        what = f"{tags} only in shared files, which are never written ({place})"
        next_step = f"add those that a bump is to set to the environment's own files ({first.own_file})"
        found.append((what, next_step))
    report.add_first(name, found, "more that cannot be edited")
    if not found:
        report.add(name, "everything can be edited")


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def examine_gate(report: Report, targets: Iterable[Target], gitlab: GitLab | None, now: datetime) -> None:
    """Check whether bumper can judge the freeze and the soak of the environments that have them."""
    for target in targets:
        rules, name = target.environment.config, target.environment.name
        if rules.freeze is not None:
            with report.check(f"freeze of {name}"):
                report.add(f"freeze of {name}", *_explain_freeze(target, gitlab, now))
        if rules.soak is not None:
            with report.check(f"soak of {name}"):
                report.add(f"soak of {name}", _explain_soak(target, rules.soak, gitlab, now))
            if not rules.promote_from:
                report.add(
                    f"soak of {name}",
                    f"soak applies to promotions, and {name} takes bumps as well (no promote_from), which need no soak",
                    f"write promote_from below environments.{name}, or leave soak out",
                )


def _explain_freeze(target: Target, gitlab: GitLab | None, now: datetime) -> tuple[str, str | None]:
    periods = read_periods(target.environment, gitlab)
    whose = "bumper.yaml's" if target.environment.config.freeze else "GitLab's"
    listed = f"{len(periods)} of {whose} periods" if len(periods) != 1 else f"one of {whose} periods"
    until = frozen_until(periods, now)
    state = "not frozen now" if until is None else "frozen now"
    if until is not None and until != NEVER:
        state += f", until {show_time(until)}"
    if not periods:
        return f"there are no freeze periods in GitLab; {state}", "add them in Settings > CI/CD > Deploy freezes"
    return f"{listed} can be read; {state}", None


def _explain_soak(target: Target, soak: float, gitlab: GitLab | None, now: datetime) -> str:
    line = Line(target.checkout, now, now - timedelta(seconds=soak), gitlab)
    for _ in line.stretches():
        if line.is_old_enough:
            break
    if line.is_cut and not line.is_old_enough:
        what = f"the history of {line.branch} that can be read is younger than {format_duration(soak)}"
        raise Refused(what, "shorten soak: until then nothing has soaked")
    without = "" if gitlab is not None else "; without a token for GitLab's API the commits' own dates count"
    return f"the history of {line.branch} shows what has been there for {format_duration(soak)}{without}"
