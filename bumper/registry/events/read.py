"""From a registry's push notification to the images that it names, and from those to an environment's pins.

A notification says of itself neither who sent it nor in which form: the form is known by its keys. An empty result
means that nothing was pushed (a delete, a pull), which is no mistake; a form that is not known is one.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from pydantic import ValidationError

from bumper.errors import Refused
from bumper.expected import expected
from bumper.image import DOCKER_HUB, ImageReference, Repository, is_digest, is_tag, read_repository
from bumper.registry.events import hosted, self_hosted
from bumper.registry.events.notification import Notification, PushedImage

_LONGEST = 1024 * 1024  # bytes; the largest known, Distribution's with many events, stay below 100 kB
_DEEPEST = 4  # a list of CloudEvents around Pub/Sub around the message
_NEXT = "give --event the body of a registry's push notification as it came"

_Form: TypeAlias = type[Notification]
_FORMS: tuple[tuple[frozenset[str], _Form], ...] = (
    (frozenset({"events"}), self_hosted.Distribution),
    (frozenset({"action", "target"}), self_hosted.AzurePush),
    (frozenset({"push_data", "repository"}), hosted.DockerHub),
    (frozenset({"action", "package"}), hosted.Github),
    (frozenset({"action", "registry_package"}), hosted.Github),
    (frozenset({"source", "detail"}), hosted.Ecr),
    (frozenset({"type", "event_data"}), self_hosted.Harbor),
    (frozenset({"docker_url"}), hosted.Quay),
    (frozenset({"repositoryName", "action"}), self_hosted.Nexus),
    (frozenset({"domain", "event_type", "data"}), self_hosted.Artifactory),
    (frozenset({"action", "digest"}), hosted.Google),
    (frozenset({"action", "tag"}), hosted.Google),
)
# The CloudEvents whose data alone does not say what happened; the data of others is a registry's own body.
_CLOUD_EVENTS: tuple[tuple[str, _Form], ...] = (
    ("harbor.", self_hosted.HarborCloudEvent),
    ("com.amazon.ecr.", hosted.EcrCloudEvent),
)


def read_push_event(body: bytes) -> tuple[PushedImage, ...]:
    """The images that ``body`` says were pushed, each once; none for a delete, a pull or another event.

    Raises:
        Refused: it is no JSON, too large, no push notification that bumper knows, or names what cannot be an image.

    """
    if len(body) > _LONGEST:
        raise Refused(f"The push notification is larger than {_LONGEST} bytes", _NEXT)
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused("The push notification is not JSON", _NEXT) from error
    return tuple(dict.fromkeys(_checked(pushed) for pushed in _read(event, _DEEPEST)))


def match_pushed(
    pushed: PushedImage, repositories: Iterable[Repository], registry: str | None
) -> ImageReference | None:
    """The image among ``repositories`` (an environment's pins) that was pushed; None where none of them is it.

    With a host the repository must be the same. A notification with a path alone is of ``registry`` (a host, or a host
    and the beginning of a path), and of that registry's pins the one is meant whose path ends with the longest part of
    key/path, whole segments compared: ``docker-local/backend/app`` before ``backend/app``. Artifactory has
    the key in the path or in the host's first label, and a virtual repository is another word there than the
    notification's.

    Raises:
        Refused: by path alone, several repositories are meant equally well, or it is not known of which registry.

    """
    if pushed.host is None and registry is None:
        raise Refused(
            f"The push notification of {pushed} does not say which registry it is from",
            "give --event-registry HOST, or name it as registry in bumper.yaml",
        )
    known = [each for each in repositories if pushed.host is not None or _is_in(registry or "", each)]
    ranked = {repository: _rank(pushed, repository) for repository in known}
    highest = max(ranked.values(), default=0)
    best = {repository for repository, rank in ranked.items() if rank == highest > 0}
    if len(best) > 1:
        names = ", ".join(str(repository) for repository in sorted(best))
        raise Refused(
            f"The push notification names no host, and its {pushed.path} may be any of {names}",
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


def _read(event: Any, depth: int) -> Iterator[PushedImage]:  # noqa: ANN401 - JSON of an unknown form
    if isinstance(event, list) and depth > 0:
        for one in event:
            yield from _read(one, depth - 1)
        return
    if not isinstance(event, dict):
        raise Refused("The push notification is not a JSON object", _NEXT)
    form = _form(event)
    if form is not None:
        yield from _parse(form, event).pushed()
    elif depth > 0 and (wrapped := _unwrap(event)) is not None:
        yield from _read(wrapped, depth - 1)
    else:
        seen = ", ".join(repr(key[:40]) for key in list(event)[:10])
        raise Refused(f"The push notification is not from a registry that bumper knows (its keys: {seen})", _NEXT)


def _form(event: Mapping[str, Any]) -> _Form | None:
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
        raise Refused("The push notification's data is not JSON in base64", _NEXT) from error


def _parse(form: _Form, event: Mapping[str, Any]) -> Notification:
    try:
        return form.model_validate(event)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        wrong = "is missing" if first["type"] == "missing" else f"has to be {expected(first)}"
        raise Refused(
            f"The push notification looks like one of {form.__name__}'s, but {where} {wrong}", _NEXT
        ) from error


def _checked(pushed: PushedImage) -> PushedImage:
    """``pushed``, as an image reference may name it."""
    named = read_repository(f"{pushed.host or DOCKER_HUB}/{pushed.path}")
    if named is None or not is_tag(pushed.tag) or (pushed.digest is not None and not is_digest(pushed.digest)):
        raise Refused(f"The push notification names {str(pushed)[:200]!r}, which is not an image reference", _NEXT)
    return pushed if pushed.host is None else PushedImage(named.host, named.name, pushed.tag, pushed.digest)
