"""Pins from the keys that hold them: a tag, a digest alone, an image as one text, an image of Kustomize's.

Kustomize's ``images: [{name, newName, newTag, digest}]`` stands in Flux's Kustomization and its post-renderers and in
Argo CD's Application, too. It replaces the image ``name`` in what it renders: ``newName`` is then what runs, or
``name`` where there is none.
"""

import re
from collections.abc import Iterator

from bumper.image import is_address, read_repository
from bumper.values.digests import Digests, digests_beside
from bumper.values.image_names import ImageName, name_of_image, scalars_here
from bumper.values.key_names import Kind
from bumper.values.pin import Pin, PinPath
from bumper.values.siblings import Sibling, siblings_of
from bumper.values.surroundings import Place, Surroundings, is_host
from bumper.values.tag_scalars import image_string, is_placeholder, plain_value, read_tag_scalar
from bumper.values.yaml_tree import MappingNode, Scalar

_PORT = re.compile(r"\d{1,5}")
_NO_NAME = ImageName(None, (), unnamed="there is no repository beside it")


def make_pin(
    place: Place,
    key: Sibling,
    *,
    shape: str,
    digests: Digests,
    name: ImageName = _NO_NAME,
    partner: Sibling | None = None,
    prefix: str = "",
    steps: PinPath = (),
) -> Pin:
    """A pin whose tag stands in ``key``'s value, after ``prefix`` and a colon or an at sign."""
    held = read_tag_scalar(key.node, place.around.text, prefix)
    refusal = place.around.duplicate or _twice(key, partner) or name.refusal or held.refusal or digests.refusal
    if partner is not None and "@" in (plain_value(partner.node) or ""):
        refusal = "a digest begins in its repository; write the repository alone there, and the digest in a key digest"
    return Pin(
        path=(*place.around.path, *(steps or (key.key,))),
        line=key.node.line if key.node is not None else key.line,
        repository=name.repository,
        tag=held.tag,
        digest=held.digest or digests.value,
        shape=shape + (f"+{digests.key}" if digests.key else "@digest" if held.digest else ""),
        refusal=refusal,
        tag_scalar=held.scalar,
        prefix=f"{prefix}:" if prefix else "",
        digest_scalars=digests.scalars,
        reads_as_text=held.reads_as_text,
        unnamed=name.unnamed,
        name_parts=name.parts,
        name_scalars=name.scalars,
        digest_switch=digests.switch,
        left_digests=digests.left,
    )


def digest_only_pin(place: Place, key: Sibling, name: ImageName, digests: Digests) -> Pin:
    """The pin of a repository in ``key`` beside which a digest stands and no tag."""
    digest = digests.scalars[0]
    return Pin(
        path=digest.path,
        line=digest.scalar.line,
        repository=name.repository,
        tag=None,
        digest=digest.value,
        shape="+".join([*name.keys, digests.key]),
        refusal=place.around.duplicate or _twice(key) or name.refusal or digests.refusal,
        digest_scalars=digests.scalars,
        unnamed=name.unnamed,
        name_parts=name.parts,
        name_scalars=name.scalars,
        left_digests=digests.left,
    )


def absent_pin(place: Place, key: Sibling, steps: PinPath, name: ImageName, reason: str, *, prefix: str = "") -> Pin:
    """The pin of an image whose tag is not in this file; ``steps`` lead to where it is to be added."""
    path = (*place.around.path, *steps)
    refusal = place.around.duplicate or name.refusal or reason
    return Pin(
        path=path,
        line=key.line,
        repository=name.repository,
        tag=None,
        digest=None,
        shape=key.key,
        refusal=refusal,
        absent=True,
        prefix=prefix,
        name_scalars=name.scalars,
    )


def _twice(*keys: Sibling | None) -> str | None:
    for key in keys:
        if key is not None and key.twice:
            where = f"{key.file}:{key.line}" if key.file else f"line {key.line}"
            return f"the key {key.key!r} is twice in one mapping (again in {where}); delete one"
    return None


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


def is_kustomize_image(item: MappingNode, parent_name: str) -> bool:
    """Whether ``item`` of a list is an image of Kustomize's by its keys."""
    if "name" not in item.keys or parent_name != "images":
        return False
    return "newName" in item.keys or "newTag" in item.keys or item.keys.keys() == {"name", "digest"}


def pins_of_kustomize_image(item: MappingNode, around: Surroundings) -> Iterator[Pin]:
    """The pin of one image."""
    place = Place(siblings_of(item, ()), around)
    partner = next((place.keys[key] for key in ("newname", "name") if place.value(key)), None)
    if partner is None:
        return
    name = _kustomize_name(partner, place.keys["name"])
    tag, digests = place.keys.get("newtag"), digests_beside(place, "")
    if tag is not None:
        shape = f"Kustomize's {partner.key}+{tag.key}"
        yield make_pin(place, tag, shape=shape, name=name, digests=digests, partner=partner)
    elif digests.value is not None:
        yield digest_only_pin(place, partner, name, digests)
    elif name.repository is not None:
        yield absent_pin(place, partner, ("newTag",), name, "there is no newTag beside it")


def _kustomize_name(partner: Sibling, replaced: Sibling) -> ImageName:
    """The image of ``partner``; Kustomize knows no registry but the one in the name itself."""
    text = plain_value(partner.node) or ""
    repository = None if is_placeholder(text) else read_repository(text)
    unnamed = "" if repository is not None else f"{text!r} is not a repository"
    parts = (text, plain_value(replaced.node) or "")
    return ImageName(repository, parts, (partner.key,), unnamed, scalars=scalars_here(partner, replaced))
