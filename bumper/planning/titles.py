"""The title of a merge request and the first line of its commit: what changes, by application. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from bumper.records.record import Command
from bumper.values.change import Change, Version

_MAX_NAMED = 3  # applications that a title has room for
_MAX_STEPS = 2  # different ones


def title_of(command: Command, environment: str, changes: Sequence[Change], note: str = "") -> str:
    """``backend 1.0.3 -> 1.0.9 in staging``, or how many applications; a ``note`` follows in parentheses."""
    ending = f" in {environment}" + (f" ({note})" if note else "")
    if command is Command.HOLD:
        tags = dict.fromkeys(change.after.tag or "" for change in changes)
        return f"{_names(changes)} held{f' at {next(iter(tags))}' if len(tags) == 1 else ''}{ending}"
    if command is Command.UNHOLD:
        return f"{_names(changes)} no longer held{ending}"
    return _what_changes(changes) + ending


def _what_changes(changes: Sequence[Change]) -> str:
    steps = {_step(change.before, change.after) for change in changes}
    if len(steps) == 1:
        return f"{_names(changes)} {steps.pop()}"
    if len({change.after for change in changes}) == 1:
        return f"{_names(changes)} to {_short(changes[0].after)}"
    by_app = _by_app(changes)
    if len(by_app) > _MAX_STEPS:
        return _names(changes)
    return ", ".join(f"{app} {_steps(own)}" for app, own in by_app.items())


def _steps(changes: Iterable[Change]) -> str:
    """An application's step, or of how many images it has other ones."""
    changes = list(changes)
    steps = {_step(change.before, change.after) for change in changes}
    return steps.pop() if len(steps) == 1 else f"({len({change.image for change in changes})} images)"


def _step(before: Version, after: Version) -> str:
    if before.tag is not None and before.tag == after.tag:
        return f"{after.tag} with another digest"
    if before.tag is None and before.digest is None:
        return f"to {_short(after)}"
    return f"{_short(before)} -> {_short(after)}"


def _short(version: Version) -> str:
    return version.tag or str(version)


def _names(changes: Iterable[Change]) -> str:
    """``backend``, ``backend and web``, ``5 applications``."""
    names = list(_by_app(changes))
    if len(names) > _MAX_NAMED:
        return f"{len(names)} applications"
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _by_app(changes: Iterable[Change]) -> Mapping[str, list[Change]]:
    by_app: dict[str, list[Change]] = {}
    for change in changes:
        by_app.setdefault(change.app, []).append(change)
    return by_app
