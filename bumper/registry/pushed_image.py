"""An image that a registry says was pushed, and which image of an environment that is. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bumper.errors import Refused
from bumper.image import DOCKER_HUB, ImageReference, Repository, is_digest, is_tag, read_repository

NEXT_STEP = "give --event the body of a registry's push notification as it came"


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


def tagged(
    host: str | None, path: str, tag: str | None, digest: str | None, key: str | None = None
) -> list[PushedImage]:
    """The image, unless it has no tag: registries report a manifest pushed by digest with that digest for a tag.

    Refused where it cannot be an image.
    """
    if not tag or is_digest(tag):
        return []
    pushed = PushedImage(host, path, tag, digest or None, key)
    named = read_repository(f"{host or DOCKER_HUB}/{path}")
    if named is None or not is_tag(tag) or (pushed.digest is not None and not is_digest(pushed.digest)):
        raise Refused(f"the push notification names {str(pushed)[:200]!r}, which is not an image reference", NEXT_STEP)
    return [pushed if host is None else replace(pushed, host=named.host, path=named.name)]


def match_pushed(
    pushed: PushedImage, repositories: Iterable[Repository], registry: str | None
) -> ImageReference | None:
    """The image among ``repositories`` (an environment's pins) that was pushed; None where none of them is it.

    With a host the repository must be the same. A notification with a path alone is of ``registry`` (a host, or a host
    and the beginning of a path), and of that registry's pins the one is meant whose path ends with the longest part of
    key/path, whole segments compared: ``docker-local/backend/app`` before ``backend/app``. Artifactory has
    the key in the path or in the host's first label, and a virtual repository is another word there than the
    notification's.

    Refused where by path alone, several repositories are meant equally well, or it is not known of which registry.
    """
    if pushed.host is None and registry is None:
        raise Refused(
            f"the push notification of {pushed} does not say which registry it is from",
            "give --event-registry HOST, or name it as registry in bumper.yaml",
        )
    known = [each for each in repositories if pushed.host is not None or _is_in(registry or "", each)]
    ranked = {repository: _rank(pushed, repository) for repository in known}
    highest = max(ranked.values(), default=0)
    best = {repository for repository, rank in ranked.items() if rank == highest > 0}
    if len(best) > 1:
        names = ", ".join(str(repository) for repository in sorted(best))
        raise Refused(
            f"the push notification names no host, and its {pushed.path} may be any of {names}",
            "name the image instead of --event",
        )
    return ImageReference(best.pop(), pushed.tag, pushed.digest) if best else None


def _is_in(registry: str, repository: Repository) -> bool:
    host, _, prefix = registry.partition("/")
    base = read_repository(f"{host}/any/name")
    is_host = base is not None and base.host == repository.host
    return is_host and (not prefix or repository.name.startswith(f"{prefix}/"))


def _rank(pushed: PushedImage, repository: Repository) -> int:
    """How well ``pushed`` names it: 4 by host, 3 by path with the key, 2 the whole path, 1 its end, 0 not at all."""
    if pushed.host is not None:
        return 4 if repository == Repository(pushed.host, pushed.path) else 0
    with_key = f"/{pushed.key}/{pushed.path}"
    if pushed.key and f"/{repository.name}".endswith(with_key):
        return 3
    if repository.name == pushed.path:
        return 3 if repository.host.partition(".")[0] == pushed.key else 2
    return 1 if repository.name.endswith(f"/{pushed.path}") else 0
