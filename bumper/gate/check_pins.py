"""What a change makes of the pins of every environment: read before and after, by the patterns of both versions.

bumper.yaml of the target branch, of the commit before and of the change each say where an environment's files are. An
environment is read by all of them, so that no file leaves or enters it unseen when a pattern changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bumper.environments.applications import AppFiles, Identity
from bumper.environments.config_models import CONFIG_FILE, Config, EnvironmentConfig
from bumper.environments.effective import running
from bumper.environments.gather import FoundPin, gather
from bumper.environments.layout import Environment, HasNoFile, Layout, read_layout
from bumper.environments.path_pattern import PathPattern
from bumper.environments.repository import RepositoryConfig, read_config, read_repository_config
from bumper.errors import Refused
from bumper.git.checkout import Checkout, changed_submodules, read_files
from bumper.values.pin import Version
from bumper.values.siblings import look_up
from bumper.values.values_file import EncryptedBySops
from bumper.values.yaml_tree import MappingNode, key_text

_OWN_IMAGE = 2  # steps: image.tag


@dataclass(frozen=True, slots=True)
class CheckedPin:
    """A pin that counts in an environment, with its application."""

    environment: str
    app: AppFiles
    found: FoundPin

    @property
    def identity(self) -> Identity:
        """Which application it is by its path."""
        return self.app.identity

    @property
    def version(self) -> Version:
        """What it holds."""
        return self.found.pin.version


@dataclass(frozen=True, slots=True)
class Unknown:
    """What cannot be read, so that nobody can tell what the change does to the environment."""

    environment: str | None
    app: str | None
    file: str
    reason: Refused


class Reading:
    """The pins of an environment's applications at one commit, and what of them cannot be told."""

    def __init__(self, environment: Environment, config: Config, side: Checkout, changed: frozenset[str]) -> None:
        self._name = environment.name
        self._changed = changed
        self._gathered = gather(environment, config, read_files(side, environment.files))
        self._running = running(self._gathered, environment.name, config)
        self._apps: Mapping[str, AppFiles] = {app.app: app for app in self._gathered.applications}
        self.unknown = list(self._unknown())

    def pins(self) -> Iterator[CheckedPin]:
        """The pins that count; where that cannot be told, those that stand in the application's files."""
        raw = self._gathered.with_shared
        found = (*self._running.pins, *(one for one in raw if one.app in self._running.unknown))
        return (CheckedPin(self._name, self._apps[one.app], one) for one in found)

    def left(self) -> Iterator[tuple[str, Identity, str]]:
        """The keys at the top of each application's values, and an empty one for the application itself.

        Of one with a file that the change made unreadable there is another finding.
        """
        for app in self._apps.values():
            if any(path in self._changed and path in self._gathered.unreadable_files for path in _files(app)):
                continue
            yield self._name, app.identity, ""
            for path in _files(app):
                values = self._gathered.values.get(path)
                node = look_up(values.documents[0].root, app.section) if values and values.documents else None
                if isinstance(node, MappingNode):
                    yield from ((self._name, app.identity, str(key_text(key))) for key, _ in node.pairs)

    def _unknown(self) -> Iterator[Unknown]:
        """Files of the change that cannot be read; an encrypted one only where it may say something about a pin."""
        unreadable = self._gathered.unreadable_files
        for path, refusal in unreadable.items():
            if path in self._changed and not isinstance(refusal, EncryptedBySops):
                yield Unknown(self._name, None, path, refusal)
        for name, reason in self._running.unknown.items():
            files = [path for path in _files(self._apps[name]) if path in unreadable]
            changed = [path for path in files if path in self._changed]
            if not files or any(isinstance(unreadable[path], EncryptedBySops) for path in changed):
                yield Unknown(self._name, name, (changed or _files(self._apps[name]))[-1], Refused(reason))


def _files(app: AppFiles) -> Sequence[str]:
    return *app.bases, *app.values


@dataclass(slots=True)
class Pins:
    """The pins before and after a change, of the applications whose files it touches.

    ``left`` is what there is after it: environment, application and the first step of each path.
    """

    before: list[CheckedPin] = field(default_factory=list)
    after: list[CheckedPin] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    left: set[tuple[str, Identity, str]] = field(default_factory=set)

    def is_left_out(self, pin: CheckedPin) -> bool:
        """Whether a pin is gone, and what it belonged to is not: then the chart's own tag runs.

        A component of an application goes with all of its values; the application's own image has no such values.
        """
        path = pin.found.pin.path[len(pin.app.section) :]
        key = str(path[0]) if len(path) > _OWN_IMAGE else ""
        return (pin.environment, pin.identity, key) in self.left


@dataclass(frozen=True, slots=True)
class Rules:
    """The repository as the target branch has it, whose rules count; None with what is wrong with bumper.yaml there."""

    setup: RepositoryConfig | None
    broken: Refused | None = None

    @property
    def config(self) -> Config:
        """bumper.yaml, or the defaults."""
        return self.setup.config if self.setup is not None else Config()

    def of(self, environment: str) -> EnvironmentConfig:
        """The rules of an environment."""
        return self.config.environments.get(environment) or EnvironmentConfig()

    def choose_images(self, environment: str) -> bool:
        """Whether there is a rule for which images the environment may run."""
        config = self.of(environment)
        return config.promote_from is not None or config.tags is not None or config.digests


def read_rules(tip: Checkout) -> Rules:
    """The rules, of the target branch's newest commit."""
    try:
        return Rules(read_repository_config(tip))
    except Refused as refusal:
        return Rules(None, refusal)


def read_pins(rules: Rules, tip: Checkout, before: Checkout, head: Checkout) -> Pins:
    """The pins of both sides, by the patterns of every version of bumper.yaml."""
    changed = frozenset(
        path for path in {*before.entries, *head.entries} if before.entries.get(path) != head.entries.get(path)
    )
    pins = Pins()
    seen: tuple[set[tuple[str, ...]], set[tuple[str, ...]]] = (set(), set())
    for config in _views(rules, tip, before, head):
        _read_by(config, rules, (before, head), changed, pins, seen)
    pins.unknown += _hidden(rules, tip, before, head)
    return pins


def _hidden(rules: Rules, tip: Checkout, before: Checkout, head: Checkout) -> Iterator[Unknown]:
    """The submodules that the change moves, where they may hold values of an environment with rules for its images."""
    moved = changed_submodules(before, head)
    for view in _views(rules, tip, before, head) if moved else ():
        layout = _layout(view, head)
        if isinstance(layout, Refused):
            continue
        for name in layout.environments:
            patterns = [PathPattern(text) for text in layout.patterns(name)] if rules.choose_images(name) else []
            for path in (path for path in moved if any(one.reaches_into(path) for one in patterns)):
                what = f"{path} is a submodule, which bumper does not read, and may hold values of {name}"
                yield Unknown(name, None, path, Refused(what, "keep them in this repository"))


def _views(rules: Rules, tip: Checkout, before: Checkout, head: Checkout) -> Iterator[Config | None]:
    """The versions of bumper.yaml, the target branch's first; None stands for the usual layouts."""
    known = []
    if rules.setup is not None:
        known.append(tip.entries.get(CONFIG_FILE))
        yield rules.setup.written
    for checkout in (before, head):
        entry = checkout.entries.get(CONFIG_FILE)
        if entry not in known:
            known.append(entry)
            try:
                yield read_config(checkout)
            except Refused:  # of the change's own, there is a finding
                continue


def _read_by(
    view: Config | None, rules: Rules, sides: tuple[Checkout, Checkout], changed: frozenset[str], pins: Pins,
    seen: tuple[set[tuple[str, ...]], set[tuple[str, ...]]],
) -> None:  # fmt: skip
    """Add the pins by one version of bumper.yaml, those left out that another one has found."""
    config = _reading(rules, view)
    layouts = [_layout(view, side) for side in sides]
    if isinstance(layouts[1], Refused):
        pins.unknown.append(Unknown(None, None, CONFIG_FILE, layouts[1]))
        return
    known = [layout for layout in layouts if isinstance(layout, Layout)]
    for name in dict.fromkeys(name for layout in known for name in layout.environments):
        opened = [_open(layout, name) for layout in layouts]
        broken = opened[1]
        if isinstance(broken, Refused):
            is_new = not isinstance(opened[0], Refused) or str(opened[0]) != str(broken)
            if is_new or not changed.isdisjoint(known[-1].claimed(name)):
                pins.unknown.append(Unknown(name, None, CONFIG_FILE, broken))
        whole = [one if isinstance(one, Environment) else None for one in opened]
        touched = {app.identity for one in whole if one is not None for app in one.apps if _is_touched(app, changed)}
        for number, (side, one) in enumerate(zip(sides, whole, strict=True)):
            if one is not None and touched:
                part = replace(one, apps=tuple(app for app in one.apps if app.identity in touched))
                reading = Reading(part, config, side, changed)
                found = [pin for pin in reading.pins() if _key(pin) not in seen[number]]
                (pins.after if number else pins.before).extend(found)
                seen[number].update(map(_key, found))
                if number:
                    pins.unknown += reading.unknown
                    pins.left.update(reading.left())


def _reading(rules: Rules, view: Config | None) -> Config:
    """By what pins are read: the target branch's settings; images that only the other version names count as well."""
    if view is None or (rules.setup is not None and view is rules.setup.written):
        return rules.config
    return rules.config.model_copy(update={"images": (*rules.config.images, *view.images)})


def _layout(view: Config | None, side: Checkout) -> Layout | Refused:
    try:
        return read_layout(view, side.files, side.settings.address.name)
    except Refused as refusal:
        return refusal


def _open(layout: Layout | Refused, name: str) -> Environment | Refused | None:
    if isinstance(layout, Refused) or name not in layout.environments:
        return None
    try:
        return layout.environment(name)
    except HasNoFile:
        return None
    except Refused as refusal:
        return refusal


def _is_touched(app: AppFiles, changed: frozenset[str]) -> bool:
    return not changed.isdisjoint((*app.values, *app.bases))


def _key(pin: CheckedPin) -> tuple[str, ...]:
    found = pin.found
    return pin.environment, found.own_file, found.file, str(found.pin.path), str(found.pin.repository)
