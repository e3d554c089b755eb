"""From a registry's push notification to the images that it names.

A notification says of itself neither who sent it nor in which form: the form is known by its keys. An empty result
means that nothing was pushed (a delete, a pull), which is no mistake; a form that is not known is one.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from pydantic import ValidationError

from bumper.errors import Refused, expected
from bumper.image import DOCKER_HUB, is_digest, is_tag, read_repository
from bumper.registry.events import hosted, self_hosted
from bumper.registry.events.notification import Notification
from bumper.registry.events.pushed_image import PushedImage

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
