"""What every registry's push notification is read into."""

from abc import abstractmethod
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from bumper.image import is_digest
from bumper.registry.events.pushed_image import PushedImage


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
