"""Images that are written as one text: ``image: registry/repository:tag``, and Kustomize's ``old=new:tag``."""

import re
from collections.abc import Iterator

from bumper.image import is_address, read_repository
from bumper.values.digests import Digests, digests_beside
from bumper.values.image_names import ImageName, name_of_image
from bumper.values.key_names import Kind
from bumper.values.pin import Pin, PinPath
from bumper.values.pin_making import make_pin
from bumper.values.siblings import Sibling
from bumper.values.surroundings import Place, is_host
from bumper.values.tag_scalars import image_string, is_placeholder, plain_value
from bumper.values.yaml_tree import Scalar

_PORT = re.compile(r"\d{1,5}")


def pin_of_image_string(place: Place, key: Sibling) -> Iterator[Pin]:
    """The pin of ``image: repository:tag``."""
    value = plain_value(key.node)
    parts = image_string(value)
    if value is None or parts is None or not isinstance(key.node, Scalar) or is_address(value) or _is_port(parts):
        return
    text, tag, digest = parts
    name = name_of_image(place, text, key.name.name)
    if _is_listed(name, tag or digest or ""):
        shape = "+".join([*name.keys, "image string"])
        beside = digests_beside(place, key.name.name)
        yield make_pin(place, key, shape=shape, name=name, digests=beside, prefix=text)


def loose_image(place: Place, key: Sibling, steps: PinPath) -> Iterator[Pin]:
    """The pin of an image string among images, whatever its key is: ``images: {tags: {api: registry/api:v1}}``."""
    value = plain_value(key.node) or ""
    renamed, equals, rest = value.partition("=")
    if equals and (read_repository(renamed) is None or not isinstance(steps[-1], int)):
        return
    parts = image_string(rest if equals else value)
    if parts is None or _is_port(parts) or key.name.kind is Kind.REGISTRY:
        return
    text, tag, digest = parts
    if "/" not in text and not place.around.parent_name.endswith("images"):
        return
    name = name_of_image(place, text, "")
    if _is_listed(name, tag or digest or ""):
        shape = "renamed image string" if equals else "+".join([*name.keys, "image string"])
        prefix = f"{renamed}{equals}{text}" if equals else text
        yield make_pin(place, key, shape=shape, name=name, digests=Digests(), prefix=prefix, steps=steps)


def _is_port(parts: tuple[str, str | None, str | None]) -> bool:
    """Whether the text is a host and a port rather than an image and its tag."""
    text, tag, _ = parts
    return tag is not None and _PORT.fullmatch(tag) is not None and (is_host(text) or text == "localhost")


def _is_listed(name: ImageName, version: str) -> bool:
    """Whether the text is an image for sure: a name that is a text or a template throughout is none."""
    if name.repository is not None and name.refusal is None:
        return True
    if name.is_text or is_placeholder(version):
        return False
    return any("/" in part for part in name.parts) or read_repository(name.parts[0]) is not None
