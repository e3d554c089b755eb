"""The push notifications of registries that one runs: Distribution (GitLab's, Azure's), Harbor, Nexus, Artifactory.

Deletes, pulls, layers, files of other formats and manifests without a tag give no image.
"""

import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from bumper.image import split_reference
from bumper.registry.events.notification import Body, Notification, with_tag
from bumper.registry.events.pushed_image import PushedImage


class _Target(Body):
    repository: str = ""
    tag: str | None = None
    digest: str | None = None
    url: str = ""


class _Request(Body):
    host: str = ""


class AzurePush(Notification):
    """Azure Container Registry's; also one event of Distribution's."""

    action: str
    target: _Target
    request: _Request = _Request()

    def pushed(self) -> Iterator[PushedImage]:
        """The manifest that was pushed under a tag; a layer has none."""
        if self.action == "push":
            host = self.request.host or urlsplit(self.target.url).netloc
            yield from with_tag(host or None, self.target.repository, self.target.tag, self.target.digest)


class Distribution(Notification):
    """Docker Distribution's, and GitLab's registry, which is built on it."""

    events: tuple[AzurePush, ...]

    def pushed(self) -> Iterator[PushedImage]:
        """Every tagged manifest among the events."""
        for event in self.events:
            yield from event.pushed()


class _HarborResource(Body):
    digest: str | None = None
    tag: str | None = None
    resource_url: str = ""


class _HarborData(Body):
    resources: tuple[_HarborResource, ...] = ()

    def pushed(self) -> Iterator[PushedImage]:
        for resource in self.resources:
            host, _, path = split_reference(resource.resource_url)[0].partition("/")
            yield from with_tag(host, path, resource.tag, resource.digest)


class Harbor(Notification):
    """Harbor's own form."""

    type: str
    event_data: _HarborData

    def pushed(self) -> Iterator[PushedImage]:
        """Every resource of a push."""
        if self.type == "PUSH_ARTIFACT":
            yield from self.event_data.pushed()


class HarborCloudEvent(Notification):
    """Harbor's, with the payload format CloudEvents."""

    type: str
    data: _HarborData

    def pushed(self) -> Iterator[PushedImage]:
        """Every resource of a push."""
        if self.type == "harbor.artifact.pushed":
            yield from self.data.pushed()


class _NexusComponent(Body):
    format: str
    name: str
    version: str | None = None


class Nexus(Notification):
    """Nexus's, for a component or for an asset; it names neither host nor digest."""

    repository: str = Field(validation_alias="repositoryName")
    action: str
    component: _NexusComponent | None = None
    asset: _NexusComponent | None = None

    def pushed(self) -> Iterator[PushedImage]:
        """The image that was made or made anew; an asset's name is the path of its manifest."""
        if self.action not in {"CREATED", "UPDATED"}:
            return
        if self.component is not None and self.component.format == "docker":
            yield from with_tag(None, self.component.name, self.component.version, None, self.repository)
        if self.asset is not None and self.asset.format == "docker":
            manifest = re.fullmatch(r"/?v2/(.+)/manifests/([^/]+)", self.asset.name)
            if manifest is not None:
                yield from with_tag(None, manifest[1], manifest[2], None, self.repository)


class _ArtifactoryData(Body):
    key: str = Field(validation_alias="repo_key")
    image: str = Field(validation_alias="image_name")
    tag: str | None = None
    sha256: str | None = None


class Artifactory(Notification):
    """Artifactory's docker events; it names no host, and the digest without its algorithm."""

    domain: Literal["docker"]
    event_type: str
    data: _ArtifactoryData

    def pushed(self) -> Iterator[PushedImage]:
        """The one image."""
        if self.event_type == "pushed":
            digest = f"sha256:{self.data.sha256}" if self.data.sha256 else None
            yield from with_tag(None, self.data.image, self.data.tag, digest, self.data.key)
