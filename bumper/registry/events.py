"""Push notifications of registries: which images were pushed.

A notification says of itself neither who sent it nor in which form: the form is known by its keys. Deletes, pulls,
failed pushes, layers, scans and manifests without a tag give no image, which is no mistake; an unknown form is one.
"""

import base64
import binascii
import json
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, ValidationError

from bumper.errors import Refused, expected
from bumper.image import DOCKER_HUB, split_reference
from bumper.registry.pushed_image import NEXT_STEP, PushedImage, tagged

_MAX_BYTES = 1024 * 1024  # the largest known, Distribution's with many events, stay below 100 kB
_MAX_DEPTH = 4  # a list of CloudEvents around Pub/Sub around the message


def _at(*paths: str, default: Any = ...) -> Any:  # noqa: ANN401 - as pydantic's Field has it
    """A field by its keys from the outside in, the first of ``paths`` that is there; required without a default."""
    return Field(default, validation_alias=AliasChoices(*(AliasPath(*path.split(".")) for path in paths)))


class _Notification(BaseModel):
    """The body of a push notification; what bumper has no use for is left unread."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    @abstractmethod
    def pushed(self) -> Iterable[PushedImage]:
        """The images that were pushed with a tag."""


class _AzurePush(_Notification):
    """Azure Container Registry's; also an event of Distribution's. A layer has no tag."""

    action: str
    path: str = _at("target.repository")
    tag: str | None = _at("target.tag", default=None)
    digest: str | None = _at("target.digest", default=None)
    url: str = _at("target.url", default="")
    host: str = _at("request.host", default="")

    def pushed(self) -> Iterable[PushedImage]:
        host = self.host or urlsplit(self.url).netloc or None
        return tagged(host, self.path, self.tag, self.digest) if self.action == "push" else ()


class _Distribution(_Notification):
    """Docker Distribution's, and that of GitLab's registry, which is built on it."""

    events: tuple[_AzurePush, ...]

    def pushed(self) -> Iterable[PushedImage]:
        return (image for event in self.events for image in event.pushed())


class _HarborResource(BaseModel):
    digest: str | None = None
    tag: str | None = None
    resource_url: str = ""


class _HarborData(BaseModel):
    resources: tuple[_HarborResource, ...] = ()


class _Harbor(_Notification):
    """Harbor's own form, or its payload format CloudEvents."""

    type: str
    data: _HarborData = _at("event_data", "data")

    def pushed(self) -> Iterable[PushedImage]:
        if self.type in {"PUSH_ARTIFACT", "harbor.artifact.pushed"}:
            for resource in self.data.resources:
                host, _, path = split_reference(resource.resource_url)[0].partition("/")
                yield from tagged(host, path, resource.tag, resource.digest)


class _NexusItem(BaseModel):
    format: str
    name: str
    version: str | None = None


class _Nexus(_Notification):
    """Nexus's, for a component or for an asset; it names neither host nor digest."""

    repository: str = _at("repositoryName")
    action: str
    component: _NexusItem | None = None
    asset: _NexusItem | None = None

    def pushed(self) -> Iterable[PushedImage]:
        """The image that was made or made anew; an asset's name is the path of its manifest."""
        for item in (self.component, self.asset):
            if item is None or item.format != "docker" or self.action not in {"CREATED", "UPDATED"}:
                continue
            manifest = re.fullmatch(r"/?v2/(.+)/manifests/([^/]+)", item.name)
            name, tag = manifest.groups() if manifest is not None else (item.name, item.version)
            yield from tagged(None, name, tag, None, self.repository)


class _Artifactory(_Notification):
    """Artifactory's docker events; it names no host, and the digest without its algorithm."""

    domain: Literal["docker"]
    event_type: str
    key: str = _at("data.repo_key")
    path: str = _at("data.image_name")
    tag: str | None = _at("data.tag", default=None)
    sha256: str | None = _at("data.sha256", default=None)

    def pushed(self) -> Iterable[PushedImage]:
        digest = f"sha256:{self.sha256}" if self.sha256 else None
        return tagged(None, self.path, self.tag, digest, self.key) if self.event_type == "pushed" else ()


class _DockerHub(_Notification):
    """Docker Hub's; it names no digest."""

    path: str = _at("repository.repo_name")
    tag: str = _at("push_data.tag")

    def pushed(self) -> Iterable[PushedImage]:
        return tagged(DOCKER_HUB, self.path, self.tag, None)


class _GithubPackage(BaseModel):
    name: str
    package_type: str
    owner: str = _at("owner.login")
    tag: str | None = _at("package_version.container_metadata.tag.name", default=None)
    digest: str | None = _at("package_version.container_metadata.tag.digest", default=None)


class _Github(_Notification):
    """GitHub's ``package`` and ``registry_package`` webhooks."""

    action: str
    package: _GithubPackage = _at("package", "registry_package")

    def pushed(self) -> Iterable[PushedImage]:
        """The container image; GitHub keeps the owner's capitals, the registry knows none."""
        package = self.package
        is_push = self.action in {"published", "updated"} and package.package_type.lower() == "container"
        path = f"{package.owner}/{package.name}".lower()
        return tagged("ghcr.io", path, package.tag, package.digest) if is_push else ()


class _Ecr(_Notification):
    """Amazon ECR's, as EventBridge delivers it."""

    source: Literal["aws.ecr"]
    account: str
    region: str
    action: str = _at("detail.action-type", default="")
    result: str = _at("detail.result", default="")
    path: str = _at("detail.repository-name")
    tag: str | None = _at("detail.image-tag", default=None)
    digest: str | None = _at("detail.image-digest", default=None)

    def pushed(self) -> Iterable[PushedImage]:
        is_push = self.action == "PUSH" and self.result == "SUCCESS"
        return tagged(_ecr_host(self.account, self.region), self.path, self.tag, self.digest) if is_push else ()


class _EcrCloudEvent(_Notification):
    """Amazon ECR's, as an EventBridge input transformer makes a CloudEvent of it."""

    type: str
    source: str = Field(pattern=r"^(urn|arn):aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]+:")
    path: str = _at("data.repositoryName")
    tag: str | None = _at("data.imageTag", default=None)
    digest: str | None = _at("data.imageDigest", default=None)

    def pushed(self) -> Iterable[PushedImage]:
        _, _, _, region, account, _ = self.source.split(":", 5)
        is_push = self.type.endswith(".push")
        return tagged(_ecr_host(account, region), self.path, self.tag, self.digest) if is_push else ()


def _ecr_host(account: str, region: str) -> str:
    return f"{account}.dkr.ecr.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


class _Google(_Notification):
    """The message that gcr.io and Artifact Registry publish; tag and digest are whole references."""

    action: str
    tag: str | None = None
    digest: str | None = None

    def pushed(self) -> Iterable[PushedImage]:
        repository, tag, _ = split_reference(self.tag or "")
        host, _, path = repository.partition("/")
        digest = split_reference(self.digest or "")[2]
        return tagged(host, path, tag, digest) if self.action == "INSERT" else ()


class _Quay(_Notification):
    """Quay's, also where one hosts it; it names no digest. Its other notifications have no ``updated_tags``."""

    docker_url: str
    updated_tags: tuple[str, ...] = ()

    def pushed(self) -> Iterable[PushedImage]:
        host, _, path = self.docker_url.partition("/")
        return (image for tag in self.updated_tags for image in tagged(host, path, tag, None))


_FORMS: tuple[tuple[frozenset[str], type[_Notification]], ...] = (
    (frozenset({"events"}), _Distribution),
    (frozenset({"action", "target"}), _AzurePush),
    (frozenset({"push_data", "repository"}), _DockerHub),
    (frozenset({"action", "package"}), _Github),
    (frozenset({"action", "registry_package"}), _Github),
    (frozenset({"source", "detail"}), _Ecr),
    (frozenset({"type", "event_data"}), _Harbor),
    (frozenset({"docker_url"}), _Quay),
    (frozenset({"repositoryName", "action"}), _Nexus),
    (frozenset({"domain", "event_type", "data"}), _Artifactory),
    (frozenset({"action", "digest"}), _Google),
    (frozenset({"action", "tag"}), _Google),
)
# The CloudEvents whose data alone does not say what happened; the data of others is a registry's own body.
_CLOUD_EVENTS: tuple[tuple[str, type[_Notification]], ...] = (("harbor.", _Harbor), ("com.amazon.ecr.", _EcrCloudEvent))


def read_push_event(body: bytes) -> tuple[PushedImage, ...]:
    """The images that ``body`` says were pushed, each once; none for a delete, a pull or another event.

    Refused where it is no JSON, too large, no push notification that bumper knows, or names what cannot be an image.
    """
    if len(body) > _MAX_BYTES:
        raise Refused(f"the push notification is larger than {_MAX_BYTES} bytes", NEXT_STEP)
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused("the push notification is not JSON", NEXT_STEP) from error
    return tuple(dict.fromkeys(_read(event, _MAX_DEPTH)))


def _read(event: Any, depth: int) -> Iterator[PushedImage]:  # noqa: ANN401 - JSON of an unknown form
    if isinstance(event, list) and depth > 0:
        for one in event:
            yield from _read(one, depth - 1)
        return
    if not isinstance(event, dict):
        raise Refused("the push notification is not a JSON object", NEXT_STEP)
    form = _form(event)
    if form is not None:
        yield from _parse(form, event).pushed()
    elif depth > 0 and (wrapped := _unwrap(event)) is not None:
        yield from _read(wrapped, depth - 1)
    else:
        seen = ", ".join(repr(key[:40]) for key in list(event)[:10])
        raise Refused(f"the push notification is not from a registry that bumper knows (its keys: {seen})", NEXT_STEP)


def _form(event: Mapping[str, Any]) -> type[_Notification] | None:
    if "specversion" in event:
        return next((form for start, form in _CLOUD_EVENTS if str(event.get("type")).startswith(start)), None)
    return next((form for keys, form in _FORMS if keys <= event.keys()), None)


def _unwrap(event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON of an unknown form
    """What a CloudEvent, an Event Grid event or a Pub/Sub push carries; None where it is none of them."""
    if "specversion" in event and "data_base64" in event:
        return _decode(event["data_base64"])
    if "specversion" in event or "eventType" in event:
        return event.get("data")
    message = event.get("message")
    return _decode(message["data"]) if isinstance(message, dict) and "data" in message else None


def _decode(text: object) -> Any:  # noqa: ANN401 - JSON of an unknown form
    try:
        return json.loads(base64.b64decode(str(text), validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Refused("the push notification's data is not JSON in base64", NEXT_STEP) from error


def _parse(form: type[_Notification], event: Mapping[str, Any]) -> _Notification:
    try:
        return form.model_validate(event)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        wrong = "is missing" if first["type"] == "missing" else f"has to be {expected(first)}"
        place = f"{form.__name__.removeprefix('_')}'s, but {'.'.join(map(str, first['loc']))} {wrong}"
        raise Refused(f"the push notification looks like one of {place}", NEXT_STEP) from error
