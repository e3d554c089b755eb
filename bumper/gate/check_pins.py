"""Which pins a change changes, from what to what, in every environment.

bumper.yaml of the target branch, of the commit before and of the change each say where an environment's files are. An
environment is read by all of them, so that no file leaves or enters it unseen when a pattern changes. Pins are compared
by environment, application and image: one that moves, or whose application is called otherwise, is unchanged as long
as it holds the same version.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from operator import attrgetter

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import CONFIG_FILE, Config
from bumper.environments.effective import Running, running
from bumper.environments.gather import FoundPin, Gathered, gather
from bumper.environments.layout import Environment, HasNoFile, Layout, read_layout
from bumper.environments.path_pattern import Identity, PathPattern
from bumper.environments.repository import RepositoryConfig, read_config
from bumper.errors import Refused
from bumper.gate.rules import Finding, explain_refusal, or_refusal
from bumper.git.checkout import Checkout, changed_submodules, read_files
from bumper.image import ImageReference
from bumper.values.change import Change
from bumper.values.pin import Version, format_path
from bumper.values.values_file import EncryptedBySops
from bumper.values.yaml_data import look_up
from bumper.values.yaml_tree import MappingNode, key_text

_NOTHING = Version(None, None)
_OWN_IMAGE = 2  # steps: image.tag


@dataclass(frozen=True, slots=True)
class CheckedPin:
    """A pin that counts in an environment, with its application."""

    environment: str
    app: AppFiles
    found: FoundPin

    @property
    def version(self) -> Version:
        """What it holds."""
        return self.found.pin.version


@dataclass(frozen=True, slots=True)
class PinChange:
    """A pin before and after; None where it was not there, or is there no more."""

    before: CheckedPin | None
    after: CheckedPin | None

    @property
    def pin(self) -> CheckedPin:
        """The pin as it is now, or as it was last."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - one of the two is there
        return found

    @property
    def environment(self) -> str:
        """Where it changes something."""
        return self.pin.environment

    @property
    def change(self) -> Change | None:
        """The change as other commands write it; None where nobody knows the image."""
        pin, found = self.pin, self.pin.found
        image = found.pin.repository
        if image is None:
            return None
        before = self.before.found.pin.repository if self.before is not None else None
        return Change(
            found.app, found.file, format_path(found.pin.path), found.pin.line, image,
            self.before.version if self.before is not None else _NOTHING,
            pin.version if self.after is not None else _NOTHING,
            before if before != image else None,
        )  # fmt: skip

    @property
    def image(self) -> ImageReference | None:
        """The image that runs after the change, where it is known by a tag or a digest."""
        change = self.change
        if change is None or (change.after.tag or change.after.digest) is None:
            return None
        return change.reference


@dataclass(slots=True)
class Pins:
    """The pins before and after a change by their places, of the applications whose files it touches.

    ``left`` is what there is after it: environment, application and the first step of each path.
    """

    before: dict[object, list[CheckedPin]] = field(default_factory=dict)
    after: dict[object, list[CheckedPin]] = field(default_factory=dict)
    unknown: list[Finding] = field(default_factory=list)
    left: set[tuple[str, Identity, str]] = field(default_factory=set)

    def is_left_out(self, pin: CheckedPin) -> bool:
        """Whether a pin is gone, and what it belonged to is not: then the chart's own tag runs.

        A component of an application goes with all of its values; the application's own image has no such values.
        """
        path = pin.found.pin.path[len(pin.app.section) :]
        key = str(path[0]) if len(path) > _OWN_IMAGE else ""
        return (pin.environment, pin.app.identity, key) in self.left


def read_pins(setup: RepositoryConfig | None, tip: Checkout, before: Checkout, head: Checkout) -> Pins:
    """The pins of both sides, by the patterns of every version of bumper.yaml; ``setup`` is the target branch's."""
    paths = {*before.entries, *head.entries}
    changed = frozenset(path for path in paths if before.entries.get(path) != head.entries.get(path))
    pins, views = Pins(), list(_views(setup, tip, before, head))
    for view in views:
        config = config_of(setup)
        if view is not None and (setup is None or view is not setup.written):
            # Images that only another version names count as well.
            config = config.model_copy(update={"images": (*config.images, *view.images)})
        _read_by(view, config, (before, head), changed, pins)
    moved = changed_submodules(before, head)
    for view in views if moved else ():
        pins.unknown += _hidden(or_refusal(_layout, view, head), config_of(setup), moved)
    return pins


def config_of(setup: RepositoryConfig | None) -> Config:
    """The bumper.yaml that counts; the defaults where the target branch's is broken."""
    return setup.config if setup is not None else Config()


def _views(setup: RepositoryConfig | None, tip: Checkout, before: Checkout, head: Checkout) -> Iterator[Config | None]:
    """The versions of bumper.yaml, the target branch's first; None stands for the usual layouts."""
    known = []
    if setup is not None:
        known.append(tip.entries.get(CONFIG_FILE))
        yield setup.written
    for checkout in (before, head):
        entry = checkout.entries.get(CONFIG_FILE)
        if entry not in known:
            known.append(entry)
            view = or_refusal(read_config, checkout)
            if not isinstance(view, Refused):  # of the change's own, there is a finding
                yield view


def _layout(view: Config | None, side: Checkout) -> Layout:
    return read_layout(view, side.files, side.settings.address.name)


def _hidden(layout: Layout | Refused, config: Config, moved: Sequence[str]) -> Iterator[Finding]:
    """The submodules that the change moves, where they may hold values of an environment with rules for its images."""
    if isinstance(layout, Refused):
        return
    for name in layout.environments:
        settings = layout.source.settings(name)
        patterns = [*settings.values, *settings.base] if config.rules_of(name).chooses_images else []
        for path in moved:
            if any(PathPattern(pattern).reaches_into(path) for pattern in patterns):
                what = f"{path} is a submodule, which bumper does not read, and may hold values of {name}"
                yield from explain_refusal(Refused(what, "keep them in this repository"), path, name)


def _read_by(
    view: Config | None, config: Config, sides: tuple[Checkout, Checkout], changed: frozenset[str], pins: Pins
) -> None:  # fmt: skip
    """Add the pins by one version of bumper.yaml: of every environment the applications whose files are changed."""
    was, now = (or_refusal(_layout, view, side) for side in sides)
    if isinstance(now, Refused):
        pins.unknown += explain_refusal(now, CONFIG_FILE)
        return
    earlier = was.environments if isinstance(was, Layout) else ()
    for name in dict.fromkeys((*earlier, *now.environments)):
        opened = (_open(was, name), _open(now, name))
        if isinstance(broken := opened[1], Refused):
            is_new = str(opened[0]) != str(broken)
            if is_new or not changed.isdisjoint(now.claimed(name)):
                pins.unknown += explain_refusal(broken, CONFIG_FILE, name)
        whole = [one for one in opened if isinstance(one, Environment)]
        touched = {app.identity for one in whole for app in one.apps if not changed.isdisjoint(app.files)}
        for one, side, found in zip(opened, sides, (pins.before, pins.after), strict=True):
            if isinstance(one, Environment) and touched:
                part = replace(one, apps=tuple(app for app in one.apps if app.identity in touched))
                gathered = gather(part, config, read_files(side, part.files))
                known = running(gathered, name, config)
                by_place: defaultdict[object, list[CheckedPin]] = defaultdict(list)
                for pin in _pins_of(name, gathered, known):
                    by_place[_PLACE(pin)].append(pin)
                found.update({place: there for place, there in by_place.items() if place not in found})
                if side is sides[1]:
                    pins.unknown += _unknown_of(name, gathered, known, changed)
                    pins.left.update(_left_of(name, gathered, changed))


def _open(layout: Layout | Refused, name: str) -> Environment | Refused | None:
    if isinstance(layout, Refused) or name not in layout.environments:
        return None
    opened = or_refusal(layout.environment, name)
    return None if isinstance(opened, HasNoFile) else opened


def _pins_of(name: str, gathered: Gathered, known: Running) -> Iterator[CheckedPin]:
    """The pins that count; where that cannot be told, those that stand in the application's files."""
    apps = {app.app: app for app in gathered.applications}
    raw = (found for found in gathered.with_shared if found.app in known.unknown)
    return (CheckedPin(name, apps[found.app], found) for found in (*known.pins, *raw))


def _unknown_of(name: str, gathered: Gathered, known: Running, changed: frozenset[str]) -> Iterator[Finding]:
    """Files of the change that cannot be read; an encrypted one only where it may say something about a pin."""
    unreadable = gathered.unreadable_files
    for path, refusal in unreadable.items():
        if path in changed and not isinstance(refusal, EncryptedBySops):
            yield from explain_refusal(refusal, path, name)
    for app in gathered.applications:
        files = [path for path in app.files if path in unreadable]
        own = [path for path in files if path in changed]
        if app.app in known.unknown and (
            not files or any(isinstance(unreadable[path], EncryptedBySops) for path in own)
        ):
            reason = Refused(known.unknown[app.app])
            yield from explain_refusal(reason, (own or app.files)[-1], name, app.app)


def _left_of(name: str, gathered: Gathered, changed: frozenset[str]) -> Iterator[tuple[str, Identity, str]]:
    """The keys at the top of each application's values, and an empty one for the application itself.

    Of one with a file that the change made unreadable there is another finding.
    """
    for app in gathered.applications:
        if any(path in changed and path in gathered.unreadable_files for path in app.files):
            continue
        yield name, app.identity, ""
        for path in app.files:
            values = gathered.values.get(path)
            node = look_up(values.documents[0].root, app.section) if values and values.documents else None
            if isinstance(node, MappingNode):
                yield from ((name, app.identity, str(key_text(key))) for key, _ in node.pairs)


_APP, _IMAGE, _PATH = "app.identity", "found.pin.repository", "found.pin.path"
_PLACE = attrgetter("environment", "found.own_file", "found.file", _PATH, _IMAGE)
# By what a pin after is found among those before, the nearest first; the last ones find other versions.
_SAME = (
    attrgetter("environment", _APP, _IMAGE, "version", _PATH),
    attrgetter("environment", _APP, _IMAGE, "version"),
)
_RENAMED = (
    attrgetter("environment", _IMAGE, "version", _PATH),
    attrgetter("environment", _IMAGE, "version"),
)
_CHANGED = (
    attrgetter("environment", _APP, _IMAGE, _PATH),
    attrgetter("environment", _APP, _IMAGE),
    attrgetter("environment", _APP, _PATH),
)
_application = attrgetter("environment", _APP)


def compare(pins: Pins) -> list[PinChange]:
    """The pins that are not as they were: by environment and file, in the order of lines."""
    left, right = list(chain(*pins.before.values())), list(chain(*pins.after.values()))
    stay = set(map(_application, left)) & set(map(_application, right))  # these hand nothing on to others
    for key in _SAME:
        _pair(left, right, key)
    for key in _RENAMED:
        _pair(left, right, key, lambda pin: _application(pin) not in stay)
    changes = [PinChange(*pair) for key in _CHANGED for pair in _pair(left, right, key)]
    changes += [PinChange(None, pin) for pin in right if pin.version != _NOTHING]
    changes += [PinChange(pin, None) for pin in left if pin.version != _NOTHING]
    return sorted(changes, key=lambda one: (one.environment, one.pin.found.file, one.pin.found.pin.line))


def _pair(
    left: list[CheckedPin], right: list[CheckedPin], key: Callable[[CheckedPin], object],
    among: Callable[[CheckedPin], bool] = lambda _: True,
) -> list[tuple[CheckedPin, CheckedPin]]:  # fmt: skip
    """Take the pins out of both lists whose keys are equal."""
    before: defaultdict[object, list[CheckedPin]] = defaultdict(list)
    for pin in filter(among, left):
        before[key(pin)].append(pin)
    pairs = [(before[key(pin)].pop(0), pin) for pin in filter(among, right) if before[key(pin)]]
    for pins, paired in zip((left, right), zip(*pairs, strict=True) if pairs else ((), ()), strict=True):
        gone = set(map(id, paired))
        pins[:] = [pin for pin in pins if id(pin) not in gone]
    return pairs
