"""A file that is one environment's values and another's base: who changes the first changes the second as well."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import EnvironmentConfig
from bumper.environments.gather import Gathered, gather, overrides
from bumper.environments.layout import Environment
from bumper.environments.repository import Target
from bumper.errors import Refused
from bumper.git.checkout import read_files
from bumper.image import ImageReference
from bumper.values.change import Change
from bumper.values.pin import Pin
from bumper.values.requested import lines_to_add


@dataclass(frozen=True, slots=True)
class _Heir:
    """An application of another environment that runs what a change sets."""

    environment: Environment
    app: AppFiles
    held: str | None  # why a hold in its own files keeps the pin as it is


def check_heirs(target: Target, changes: Sequence[Change], source: str | None = None) -> list[str]:
    """A sentence for every other environment that a change reaches through a base.

    ``source`` is the environment that the changes are promoted from; None for a bump.

    Raises:
        Refused: the rules of such an environment would not let the tag in.

    """
    pins = {found.place: found.pin for found in target.gathered.pins}
    warnings: list[str] = []
    refusals: list[str] = []
    for change, heir in _heirs(target, changes, pins):
        name, place = heir.environment.name, f"{change.file}:{change.line}: {change.path}"
        reason = _against(heir, change, source)
        reaches = (
            f"{place} is what {name} of {heir.app.app} runs too, because the file is its base and nothing overrides it"
        )
        if reason is None:
            warnings.append(f"{reaches}; {name} gets {change.after} as well.")
        else:
            now = ImageReference(change.image, change.before.tag)
            lines = lines_to_add(pins[change.place], now)
            refusals.append(f"{reaches}, but {reason}; to keep {name} as it is add to {heir.app.values[-1]}\n{lines}")
    if refusals:
        raise Refused("\n".join(dict.fromkeys(refusals)))
    return list(dict.fromkeys(warnings))


def _against(heir: _Heir, change: Change, source: str | None) -> str | None:
    """Why the heir's environment does not take the change."""
    rules: EnvironmentConfig = heir.environment.config
    if rules.promote_from is not None and source not in rules.promote_from:
        return f"{heir.environment.name} takes promotions from {', '.join(rules.promote_from)} only (promote_from)"
    if change.after.tag is not None and not rules.admits(change.after.tag):
        return f"{heir.environment.name} does not admit {change.after.tag} (tags)"
    return f"it is held there: {heir.held}" if heir.held is not None else None


def _heirs(
    target: Target, changes: Sequence[Change], pins: Mapping[tuple[str, str], Pin]
) -> Iterator[tuple[Change, _Heir]]:
    files = {change.file for change in changes}
    for environment in _others(target, files):
        apps = tuple(app for app in environment.apps if not files.isdisjoint(app.bases))
        if apps:
            part = replace(environment, apps=apps)
            gathered = gather(part, target.setup.config, read_files(target.checkout, part.files))
            for app in apps:
                for change in changes:
                    pin = pins[change.place]
                    if change.file in app.bases and not _is_overridden(gathered, app, change.file, pin):
                        yield change, _Heir(environment, app, _hold(gathered, app, pin))


def _others(target: Target, files: Collection[str]) -> Iterator[Environment]:
    """The other environments that may have one of ``files`` for a base; one that is broken is doctor's to report."""
    layout = target.setup.layout
    for name in layout.environments:
        if name != target.environment.name and layout.may_be_bases(name, files):
            try:
                yield layout.environment(name)
            except Refused:
                continue


def _is_overridden(gathered: Gathered, app: AppFiles, file: str, pin: Pin) -> bool:
    """Whether a file above ``file`` decides the pin; one that cannot be read is not counted on."""
    files = (*app.bases, *app.values)
    above = files[files.index(file) + 1 :]
    return any(overrides(gathered.values[path], pin.path) for path in above if path in gathered.values)


def _hold(gathered: Gathered, app: AppFiles, pin: Pin) -> str | None:
    found = (one for one in gathered.with_shared if one.app == app.app and one.pin.path == pin.path)
    return next((one.held for one in found if one.held is not None), None)
