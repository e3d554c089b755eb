"""An environment's pins at one commit, as far as a change touches their applications, and what of them is unknown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.applications import AppFiles, Identity
from bumper.environments.config_models import Config
from bumper.environments.effective import running
from bumper.environments.gather import FoundPin, gather
from bumper.environments.layout import Environment
from bumper.errors import Refused
from bumper.git.checkout import Checkout, read_files
from bumper.values.pin import Version
from bumper.values.siblings import look_up
from bumper.values.values_file import EncryptedBySops
from bumper.values.yaml_tree import MappingNode, key_text


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
        raw = (*self._gathered.pins, *self._gathered.shared)
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
