"""What every registry's push notification is read into."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from bumper.image import is_digest


@dataclass(frozen=True, slots=True)
class PushedImage:
    """An image that a registry says was pushed.

    ``host`` is None where the notification names only a path; ``key`` is then the registry's own name of the
    repository that holds it (Artifactory's repository key, Nexus's repository), which may be part of the pin's path.
    """

    host: str | None
    path: str
    tag: str
    digest: str | None
    key: str | None = None

    def __str__(self) -> str:
        """The image as a message names it."""
        return f"{self.host or self.key or '…'}/{self.path}:{self.tag}"


def with_tag(
    host: str | None, path: str, tag: str | None, digest: str | None, key: str | None = None
) -> Iterator[PushedImage]:
    """The image, unless it has no tag: registries report a manifest pushed by digest with that digest for a tag."""
    if tag and not is_digest(tag):
        yield PushedImage(host, path, tag, digest or None, key)


class Body(BaseModel):
    """A part of a notification; what bumper has no use for is left unread."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Notification(Body):
    """The body of a push notification."""

    @abstractmethod
    def pushed(self) -> Iterator[PushedImage]:
        """The images that were pushed with a tag."""
