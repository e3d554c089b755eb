"""Image references: read, check and compare them as Docker does.

The grammar is the OCI distribution specification's (name, tag) and the reference grammar of Docker
Distribution (host, digest); the normalisation is Docker's: no host means Docker Hub, and a one-part
name there lives under ``library/``.
"""

import re
from dataclasses import dataclass, replace
from typing import Self

from bumper.errors import WrongUsage

DOCKER_HUB = "docker.io"
_DOCKER_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_CODE_HOSTS = frozenset({"github.com", "gitlab.com", "bitbucket.org"})  # of code alone: their registries are others

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
                   r"|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?")  # fmt: skip
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
_MAX_NAME = 255
_PUBLIC_REGISTRY = re.compile(
    r"(?:(?:index\.|registry-1\.)?docker\.io|registry\.hub\.docker\.com|quay\.io|ghcr\.io|(?:[\w-]+\.)?gcr\.io|registry\.k8s\.io|public\.ecr\.aws|mcr\.microsoft\.com"
    r"|nvcr\.io|docker\.elastic\.co|registry\.gitlab\.com|registry\.redhat\.io|cr\.yandex|\d+\.dkr\.ecr\.[\w-]+\.amazonaws\.com"
    r"|[\w-]+\.azurecr\.io|[\w-]+\.pkg\.dev)/"
)


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """A repository in a registry, normalised: ``docker.io/library/redis`` for ``redis``."""

    host: str
    name: str

    def __str__(self) -> str:
        """The one spelling by which bumper shows, compares and finds it."""
        return f"{self.host}/{self.name}"


@dataclass(frozen=True, slots=True)
class ImageReference:
    """``repository[:tag][@digest]``, with the repository normalised."""

    repository: Repository
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        """The reference as a registry's client would take it."""
        tag = f":{self.tag}" if self.tag is not None else ""
        digest = f"@{self.digest}" if self.digest is not None else ""
        return f"{self.repository}{tag}{digest}"

    def with_digest(self, digest: str | None) -> Self:
        """The image with the digest that a registry named."""
        return replace(self, digest=digest)


def is_tag(text: str) -> bool:
    """Whether ``text`` is a tag by the OCI distribution specification."""
    return _TAG.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether ``text`` is a digest; a sha256 one must have its 64 lower-case digits."""
    if text.startswith("sha256:"):
        return _SHA256.fullmatch(text) is not None
    return _DIGEST.fullmatch(text) is not None


def has_host(repository: str) -> bool:
    """Whether the first part of ``repository`` is a registry's host, by Docker's rule."""
    first, slash, _ = repository.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost" or first.lower() != first)


def is_host(text: str | None) -> bool:
    """Whether ``text`` is a registry's host and nothing else: Docker Hub has no repository with a dot in one part."""
    return text is not None and "/" not in text.rstrip("/") and has_host(f"{text.rstrip('/')}/name") and "." in text


def is_at_public_registry(text: str) -> bool:
    """Whether ``text`` begins with the host of a registry that everybody knows for one."""
    return _PUBLIC_REGISTRY.match(text) is not None


def is_address(text: str) -> bool:
    """Whether ``text`` names a git repository, a Helm repository or another address rather than an image."""
    first = text.partition("/")[0]
    return "://" in text or text.startswith("git@") or text.endswith(".git") or first.lower() in _CODE_HOSTS


def read_repository(text: str) -> Repository | None:
    """The normalised repository that ``text`` names, or None where it is none (a URL, a template, upper case)."""
    if has_host(text):
        host, _, name = text.partition("/")
        host = host.lower() if has_host(text.lower()) else host  # in lower case, Shop/api would be another image
        if _HOST.fullmatch(host) is None:
            return None
    else:
        host, name = DOCKER_HUB, text
    if len(text) > _MAX_NAME or _NAME.fullmatch(name) is None:
        return None
    if host in _DOCKER_HUB_HOSTS:
        host = DOCKER_HUB
        if "/" not in name:
            name = f"library/{name}"
    return Repository(host, name)


def split_reference(text: str) -> tuple[str, str | None, str | None]:
    """Cut ``repository[:tag][@digest]`` into its three texts without checking them.

    A colon before the last slash belongs to the registry's port, not to a tag.
    """
    rest, at, digest = text.partition("@")
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    if colon < 0:
        return rest, None, digest if at else None
    return rest[:colon], rest[colon + 1 :], digest if at else None


def read_reference(text: str) -> ImageReference | None:
    """The image that ``text`` names, or None where it breaks the grammar."""
    name, tag, digest = split_reference(text)
    repository = read_repository(name)
    if repository is None or (tag is not None and not is_tag(tag)) or (digest is not None and not is_digest(digest)):
        return None
    return ImageReference(repository, tag, digest)


def parse_image(text: str) -> ImageReference:
    """The image of a command line argument.

    Raises:
        WrongUsage: it is not an image reference, or it names neither a tag nor a digest.

    """
    reference = read_reference(text)
    if reference is None:
        raise WrongUsage(f"{text!r} is not an image reference; write registry/repository:tag, in lower case.")
    if reference.tag is None and reference.digest is None:
        raise WrongUsage(f"{text!r} names no tag", f"write {text}:TAG, or {text}@sha256:DIGEST for a digest alone")
    return reference
