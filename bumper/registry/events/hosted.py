"""The push notifications of hosted registries: Docker Hub, GitHub, Amazon, Google, Quay (also where one hosts it).

Deletes, failed pushes, vulnerability scans and manifests without a tag give no image.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import AliasChoices, Field

from bumper.image import DOCKER_HUB, split_reference
from bumper.registry.events.notification import Body, Notification, with_tag
from bumper.registry.events.pushed_image import PushedImage


class _HubPush(Body):
    tag: str


class _HubRepository(Body):
    repo_name: str


class DockerHub(Notification):
    """Docker Hub's; it names no digest."""

    push_data: _HubPush
    repository: _HubRepository

    def pushed(self) -> Iterator[PushedImage]:
        """The one image."""
        yield from with_tag(DOCKER_HUB, self.repository.repo_name, self.push_data.tag, None)


class _GithubTag(Body):
    name: str | None = None
    digest: str | None = None


class _GithubContainer(Body):
    tag: _GithubTag = _GithubTag()


class _GithubVersion(Body):
    container_metadata: _GithubContainer | None = None


class _GithubOwner(Body):
    login: str


class _GithubPackage(Body):
    name: str
    package_type: str
    owner: _GithubOwner
    package_version: _GithubVersion | None = None


class Github(Notification):
    """GitHub's ``package`` and ``registry_package`` webhooks."""

    action: str
    package: _GithubPackage = Field(validation_alias=AliasChoices("package", "registry_package"))

    def pushed(self) -> Iterator[PushedImage]:
        """The container image; GitHub keeps the owner's capitals, the registry knows none."""
        package, version = self.package, self.package.package_version
        is_push = self.action in {"published", "updated"} and package.package_type.lower() == "container"
        if is_push and version is not None and version.container_metadata is not None:
            tag = version.container_metadata.tag
            yield from with_tag("ghcr.io", f"{package.owner.login}/{package.name}".lower(), tag.name, tag.digest)


class _EcrDetail(Body):
    result: str = ""
    action: str = Field(default="", validation_alias="action-type")
    repository: str = Field(validation_alias="repository-name")
    tag: str | None = Field(default=None, validation_alias="image-tag")
    digest: str | None = Field(default=None, validation_alias="image-digest")


class Ecr(Notification):
    """Amazon ECR's, as EventBridge delivers it."""

    source: Literal["aws.ecr"]
    account: str
    region: str
    detail: _EcrDetail

    def pushed(self) -> Iterator[PushedImage]:
        """The image of a push that succeeded."""
        if self.detail.action == "PUSH" and self.detail.result == "SUCCESS":
            host = _ecr_host(self.account, self.region)
            yield from with_tag(host, self.detail.repository, self.detail.tag, self.detail.digest)


class _EcrData(Body):
    repository: str = Field(validation_alias="repositoryName")
    tag: str | None = Field(default=None, validation_alias="imageTag")
    digest: str | None = Field(default=None, validation_alias="imageDigest")


class EcrCloudEvent(Notification):
    """Amazon ECR's, as an EventBridge input transformer makes a CloudEvent of it."""

    type: str
    source: str = Field(pattern=r"^(urn|arn):aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]+:")
    data: _EcrData

    def pushed(self) -> Iterator[PushedImage]:
        """The image; account and region stand in the source."""
        if self.type.endswith(".push"):
            _, _, _, region, account, _ = self.source.split(":", 5)
            yield from with_tag(_ecr_host(account, region), self.data.repository, self.data.tag, self.data.digest)


def _ecr_host(account: str, region: str) -> str:
    return f"{account}.dkr.ecr.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


class Google(Notification):
    """The message that gcr.io and Artifact Registry publish; tag and digest are whole references."""

    action: str
    tag: str | None = None
    digest: str | None = None

    def pushed(self) -> Iterator[PushedImage]:
        """The image, when it was pushed under a tag."""
        if self.action == "INSERT" and self.tag:
            repository, tag, _ = split_reference(self.tag)
            host, _, path = repository.partition("/")
            yield from with_tag(host, path, tag, split_reference(self.digest or "")[2])


class Quay(Notification):
    """Quay's; it names no digest. Its other notifications have no ``updated_tags``."""

    docker_url: str
    updated_tags: tuple[str, ...] = ()

    def pushed(self) -> Iterator[PushedImage]:
        """An image for each tag that was set."""
        host, _, path = self.docker_url.partition("/")
        for tag in self.updated_tags:
            yield from with_tag(host, path, tag, None)
