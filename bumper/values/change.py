"""A change: a pin with its tag before and after."""

from collections.abc import Iterable
from dataclasses import dataclass

from bumper.image import ImageReference, Repository
from bumper.values.pin import Pin, format_path


@dataclass(frozen=True, slots=True)
class Version:
    """What a pin holds: a tag, a digest, both or neither."""

    tag: str | None
    digest: str | None

    def __str__(self) -> str:
        """``tag``, ``tag@digest`` shortened for people, or ``(empty)``."""
        digest = f"@{self.digest[:19]}" if self.digest is not None else ""
        return f"{self.tag or ''}{digest}" or "(empty)"


@dataclass(frozen=True, slots=True)
class Change:
    """One pin's change; ``path`` is written as ``--path`` takes it, ``line`` counts from 1."""

    app: str
    file: str
    path: str
    line: int
    image: Repository
    before: Version
    after: Version
    image_before: Repository | None = None  # where it was another one

    @property
    def reference(self) -> ImageReference:
        """The image that runs after the change."""
        return ImageReference(self.image, self.after.tag, self.after.digest)


@dataclass(frozen=True, slots=True)
class Held:
    """A change that a hold stopped."""

    change: Change
    reason: str


def make_change(app: str, file: str, pin: Pin, after: Version) -> Change:
    """The change of a pin whose repository is known."""
    if pin.repository is None:
        raise ValueError(f"{file}: {format_path(pin.path)} names no repository")
    before = Version(pin.tag, pin.digest)
    return Change(app, file, format_path(pin.path), pin.line, pin.repository, before, after)


def as_it_is(app: str, file: str, pin: Pin) -> Change:
    """The pin, whose tag stays."""
    return make_change(app, file, pin, Version(pin.tag, pin.digest))


def outcome(changes: Iterable[Change]) -> set[tuple[str, str, Version]]:
    """What the pins hold after ``changes``, whatever they held before."""
    return {(change.file, change.path, change.after) for change in changes}
