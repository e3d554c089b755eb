"""Does this image exist, and what is its digest? The registry alone knows.

One algorithm serves every registry (OCI distribution specification, "Pulling manifests"): HEAD the manifest, answer a
401's challenge, read Docker-Content-Digest. Nexus answers 404 to HEAD, Artifactory may leave the header out, Amazon ECR
sends it on HEAD only; so GET follows where HEAD did not tell, and the digest is then that of the manifest's bytes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from bumper.errors import BumperError, Refused, Unavailable
from bumper.http.session import Response, Session, is_loopback
from bumper.image import DOCKER_HUB, ImageReference, is_digest
from bumper.log import report_step
from bumper.registry.client import NO_VERIFY, TRUSTED, Registry, RegistryDown, ask, explain_status, speaks_https
from bumper.registry.credentials import find_credentials

_DOCKER_HUB_API = "registry-1.docker.io"
_THREADS = 8
_ACCEPT = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
)
_SCHEMA = 2
# 401 and 403 of an image that is not there are usual too: registries do not tell strangers what they hold.
_NO_ENTRY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_NO_HEAD = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})


class AnotherDigest(Refused):
    """The tag means another digest than the one beside it."""


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """How registries are reached: ``insecure`` are the hosts that bumper.yaml lets speak plain HTTP."""

    environ: Mapping[str, str] = field(repr=False)
    insecure: frozenset[str] = frozenset()
    ca_file: Path | None = None


def resolve_all(images: Sequence[ImageReference], access: RegistryAccess) -> dict[ImageReference, str | BumperError]:
    """For each of ``images`` the digest, or why there is none; each is asked for once, all at the same time.

    Of an image with a tag and a digest it is the digest once the tag is found to mean it; without a tag the digest
    itself is looked for. An image that the registry does not have gets Refused, one whose tag means another digest
    AnotherDigest, and Unavailable says that the registry cannot tell.
    """
    wanted = tuple(dict.fromkeys(images))
    report_step(f"asking the registries about {len(wanted)} image{'s' if len(wanted) != 1 else ''}")
    hosts = tuple(dict.fromkeys(image.repository.host for image in wanted))
    with Session(access.ca_file) as session, ThreadPoolExecutor(_THREADS) as threads:
        registries = dict(zip(hosts, threads.map(lambda host: _open(session, host, access), hosts), strict=True))
        found = threads.map(lambda image: _resolve(registries[image.repository.host], image), wanted)
        return dict(zip(wanted, found, strict=True))


def resolve_digests(images: Sequence[ImageReference], access: RegistryAccess) -> dict[ImageReference, str]:
    """The digest of every image.

    Refused where one does not exist, or its tag means another digest; Unavailable where a registry cannot tell.
    """
    digests: dict[ImageReference, str] = {}
    for image, found in resolve_all(images, access).items():
        if isinstance(found, BumperError):
            raise found
        digests[image] = found
    return digests


def _open(session: Session, host: str, access: RegistryAccess) -> Registry:
    trusted = frozenset(access.environ.get(TRUSTED, "").replace(",", " ").split())
    registry = Registry(session, access.insecure, trusted)
    try:
        registry.login = find_credentials(host, access.environ)
        registry.url = _base_url(host, access)
    except BumperError as error:
        registry.failure = error
    return registry


def _base_url(host: str, access: RegistryAccess) -> str:
    """Plain HTTP where bumper.yaml says so, and on this machine where HTTPS is not spoken; else HTTPS."""
    if host == DOCKER_HUB:
        return f"https://{_DOCKER_HUB_API}"
    if host in access.insecure or (is_loopback(host) and not speaks_https(host, access.ca_file)):
        return f"http://{host}"
    return f"https://{host}"


def _resolve(registry: Registry, image: ImageReference) -> str | BumperError:
    if registry.failure is not None:
        return registry.failure
    try:
        digest = _find_digest(registry, image)
    except RegistryDown as error:
        registry.failure = error
        return error
    except BumperError as error:
        return error
    if image.digest is not None and image.digest != digest:
        asked = image.with_digest(None) if image.tag is not None else image
        return AnotherDigest(
            f"{asked} is {digest} in the registry, not {image.digest}: the tag was moved, or the digest is "
            "another image's",
            "give the right one",
        )
    return digest


def _find_digest(registry: Registry, image: ImageReference) -> str:
    head = _ask(registry, image, "HEAD")
    digest = head.headers.get("docker-content-digest", "")
    if head.status_code == HTTPStatus.OK and is_digest(digest):
        return digest
    if head.status_code != HTTPStatus.OK and head.status_code not in _NO_HEAD:
        raise _refusal(registry, image, head)
    answer = _ask(registry, image, "GET")
    if answer.status_code != HTTPStatus.OK:
        raise _refusal(registry, image, answer)
    return _digest_of(answer, image)


def _ask(registry: Registry, image: ImageReference, method: str) -> Response:
    name = image.repository.name
    path = f"/v2/{name}/manifests/{image.tag or image.digest}"
    return ask(registry, method, path, {"Accept": _ACCEPT}, f"repository:{name}:pull")


def _digest_of(answer: Response, image: ImageReference) -> str:
    """The digest of a manifest, of which header and bytes must tell the same."""
    computed = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    named = answer.headers.get("docker-content-digest", computed)
    try:
        manifest = json.loads(answer.content)
    except (ValueError, RecursionError):
        manifest = None
    # A proxy's login page is no manifest, and schema 1's digest is not that of its bytes.
    is_manifest = isinstance(manifest, dict) and manifest.get("schemaVersion") == _SCHEMA
    if not is_manifest or not is_digest(named) or (named.startswith("sha256:") and named != computed):
        raise Unavailable(
            f"{image.repository.host} answered for {image} with something that is not its manifest",
            f"check that this is a registry, {NO_VERIFY}",
        )
    return named


def _refusal(registry: Registry, image: ImageReference, answer: Response) -> BumperError:
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return Refused(f"the registry has no {image}", "check the tag, or push the image first")
    if answer.status_code in _NO_ENTRY:
        return Unavailable(
            f"{image.repository.host} does not show {image} to {registry.explain_login()} "
            f"({explain_status(answer.status_code)})",
            f"check the name and that the login may pull it, {NO_VERIFY}",
        )
    return Unavailable(
        f"{image.repository.host} answered {explain_status(answer.status_code)} for {image}", f"try again, {NO_VERIFY}"
    )
