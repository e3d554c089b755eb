"""The shapes in which values files hold an image: which keys of a mapping are a pin, and of which image.

Everything is found by the keys' names and by what stands beside them; nothing is changed here.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from bumper.image import is_host, read_repository
from bumper.values.image_names import ImageName, name_of_image
from bumper.values.keys import (
    Kind,
    Origin,
    Place,
    Sibling,
    Surroundings,
    is_public_image,
    is_tag_of_something_else,
    key_name,
    repository_names,
    speaks_of_an_image,
)
from bumper.values.partners import (
    Digests,
    digests_beside,
    has_other_version,
    is_tag_of_an_image,
    partner_of,
    sole_tag,
    speaks_of_something_else,
)
from bumper.values.pin import Pin
from bumper.values.tag_scalars import (
    image_string,
    image_string_for_tag,
    is_placeholder,
    is_switch,
    plain_value,
    read_tag_scalar,
)
from bumper.values.yaml_tree import SequenceNode, resolve

# Keys that hold one half of a pin, so that there is something to say where the other half is not there.
_HALVES = ("repository", "repo", "image", "imagename")
_PORT = re.compile(r"\d{1,5}")
_NO_NAME = ImageName(None, (), unnamed="there is no repository beside it")


def pins_of_keys(place: Place) -> Iterator[Pin]:
    """The pins whose own keys stand in a mapping or are first put together there, those not to be set included."""
    claimed: set[str] = set()
    here = [key for key in place.keys.values() if key.origin is not Origin.LOWER]
    for kind in (Kind.TAG, Kind.VERSION):  # where both stand, the version is the chart's or the application's own
        for tag in here:
            if tag.name.kind is kind:
                yield from _pins_of_tag(place, tag, claimed)
    for key in here:
        if key.origin is Origin.OWN and key.name.name not in claimed:
            yield from _pins_of_name(place, key, claimed)


def pins_of_list(items: SequenceNode, around: Surroundings) -> Iterator[Pin]:
    """The pins of ``images: [repository:tag, ...]``."""
    for index, item in enumerate(items.items):
        if around.in_images or is_public_image(item):
            entry = Sibling("", key_name(""), resolve(item), item.line, Origin.OWN)
            yield from _loose_image(Place({}, around), entry, index)


def _pins_of_tag(place: Place, tag: Sibling, claimed: set[str]) -> Iterator[Pin]:
    """The pin of a key that is a tag by its name, with the repository that stands beside it or in a lower file."""
    partner = partner_of(place, tag, claimed)
    if partner is not None:
        yield from _pair(place, tag, partner, claimed)
    elif tag.origin is Origin.OWN and not is_switch(tag.node):
        # A whole image may stand in image.unifiedRepoTag and imageNameAndVersion.
        is_for_images = "image" in tag.name.name or (place.around.in_images and not is_tag_of_something_else(tag.name))
        is_tag = is_tag_of_an_image(place, tag)
        if (is_tag or is_for_images) and image_string_for_tag(plain_value(tag.node)) is not None:
            yield from _pin_of_image_string(place, tag)
        elif is_tag:
            yield make_pin(place, tag, shape=tag.key, name=_NO_NAME, digests=digests_beside(place, tag.name.prefix))


def _pair(place: Place, tag: Sibling, partner: Sibling, claimed: set[str]) -> Iterator[Pin]:
    """The pin of ``tag`` and the repository in ``partner``."""
    text = plain_value(partner.node) or ""
    name = name_of_image(place, text.partition("@")[0], tag.name.prefix, partner)
    if partner.name.name == "name" and tag.name.prefix != "" and "/" not in text and len(name.parts) == 1:
        name = replace(name, repository=None, unnamed=f"the registry of {text!r} is not known")
    claimed.update((tag.name.name, partner.name.name, *(key_name(key).name for key in name.keys)))
    if tag.origin is Origin.MERGED and partner.home is tag.home:
        return  # found where the anchor stands
    digests = digests_beside(place, tag.name.prefix)
    yield make_pin(place, tag, shape="+".join([*name.keys, tag.key]), name=name, digests=digests, partner=partner)


def _pins_of_name(place: Place, key: Sibling, claimed: set[str]) -> Iterator[Pin]:
    """The pins of a key that may name an image, no key beside it having been found to be its tag."""
    kind, value = key.name.kind, plain_value(key.node)
    # A tag or a digest is looked for that is called otherwise than image.name needs it.
    below_an_image = key.name.name == "name" and place.around.parent_name.endswith("image")
    names = kind in (Kind.IMAGE, Kind.REPOSITORY) or (below_an_image and image_string(value) is None)
    if names and not speaks_of_something_else(place, key):
        if image_string(value) is not None:
            yield from _pin_of_image_string(place, key)
        elif value is not None:
            yield from _pin_without_tag(place, key, value, claimed)
    elif kind in (None, Kind.IMAGES) and (place.around.in_images or _holds_an_image(place, key)):
        yield from _loose_image(place, key, key.key)


def _holds_an_image(place: Place, key: Sibling) -> bool:
    """Whether a key outside of images may hold one by its name or by its value: ``imageEnvoy``, ``quay.io/...:v1``."""
    is_parameter = key.name.name == "value" and "name" in place.keys  # found in its list
    if is_parameter or key.name.name.startswith("chart"):
        return False
    return key.name.speaks or is_public_image(key.node)


def _pin_without_tag(place: Place, key: Sibling, value: str, claimed: set[str]) -> Iterator[Pin]:
    tag = sole_tag(place, key) if key.name.prefix == "" or key.name.name == "name" else None
    if tag is not None and tag.name.name not in claimed:
        yield from _pair(place, tag, key, claimed)
        return
    name = name_of_image(place, value, key.name.prefix, key)
    digests = digests_beside(place, key.name.prefix if key.name.kind is not None else "")
    claimed.update(key_name(part).name for part in name.keys)
    below = _tag_below(place, key)
    if digests.value is not None and below is None:
        yield digest_only_pin(place, key, name, digests)
    elif name.repository is None or not key.name.name.endswith(_HALVES) or has_other_version(place, key):
        return
    elif below is not None:
        yield absent_pin(place, key, below.key, name, f"its tag is only in {below.file}:{below.line}, which is shared")
    elif key.name.kind is Kind.IMAGE:
        yield absent_pin(place, key, key.key, name, "it names no tag", prefix=f"{value}:")
    else:
        yield absent_pin(place, key, _tag_key(key.key), name, "there is no tag beside it")


def _tag_below(place: Place, key: Sibling) -> Sibling | None:
    """The tag of ``key``'s repository that stands in a lower file."""
    below = speaks_of_an_image(place.around.parent_name)
    for tag in place.keys.values():
        kind = tag.name.kind
        if (
            kind in (Kind.TAG, Kind.VERSION)
            and tag.origin is Origin.LOWER
            and key.name.name in repository_names(tag.name.prefix, kind, below_an_image=below)
        ):
            return tag
    return None


def _tag_key(repository_key: str) -> str:
    """What the tag beside ``repository_key`` would be called: imageTag for imageRepository, tag for repository."""
    ending = re.search(r"(?i:repository|imagename|repo)$", repository_key)
    stem = repository_key[: ending.start()] if ending is not None else ""
    return f"{stem}tag" if stem == "" or stem[-1] in "._-" else f"{stem}Tag"


def _pin_of_image_string(place: Place, key: Sibling) -> Iterator[Pin]:
    """The pin of ``image: repository:tag``."""
    parts = image_string(plain_value(key.node))
    if parts is not None and not _is_port(*parts):
        name = name_of_image(place, parts[0], key.name.name)
        if _is_listed(name, parts[1] or parts[2] or ""):
            shape, digests = "+".join([*name.keys, "image string"]), digests_beside(place, key.name.name)
            yield make_pin(place, key, shape=shape, name=name, digests=digests, prefix=parts[0])


def _loose_image(place: Place, key: Sibling, step: str | int) -> Iterator[Pin]:
    """The pin of an image string among images, whatever its key is: ``images: {tags: {api: registry/api:v1}}``."""
    value = plain_value(key.node) or ""
    renamed, equals, rest = value.partition("=")
    if equals and (read_repository(renamed) is None or not isinstance(step, int)):
        return
    parts = image_string(rest if equals else value)
    if parts is None or _is_port(*parts) or key.name.kind is Kind.REGISTRY:
        return
    text, tag, digest = parts
    if "/" not in text and not place.around.parent_name.endswith("images"):
        return
    name = name_of_image(place, text, "")
    if _is_listed(name, tag or digest or ""):
        shape = "renamed image string" if equals else "+".join([*name.keys, "image string"])
        prefix = f"{renamed}{equals}{text}" if equals else text
        yield make_pin(place, key, shape=shape, name=name, digests=Digests(), prefix=prefix, step=step)


def _is_port(text: str, tag: str | None, _digest: str | None) -> bool:
    """Whether the text is a host and a port rather than an image and its tag."""
    return tag is not None and _PORT.fullmatch(tag) is not None and (is_host(text) or text == "localhost")


def _is_listed(name: ImageName, version: str) -> bool:
    """Whether the text is an image for sure: a name that is a text or a template throughout is none."""
    if name.repository is not None and name.refusal is None:
        return True
    if name.is_text or is_placeholder(version):
        return False
    return any("/" in part for part in name.parts) or read_repository(name.parts[0]) is not None


def make_pin(
    place: Place,
    key: Sibling,
    *,
    shape: str,
    name: ImageName,
    digests: Digests,
    partner: Sibling | None = None,
    prefix: str = "",
    step: str | int = "",
) -> Pin:
    """A pin whose tag stands in ``key``'s value, after ``prefix`` and a colon or an at sign."""
    held = read_tag_scalar(key.node, place.around.text, prefix)
    refusal = place.around.duplicate or _twice(key, partner) or name.refusal or held.refusal or digests.refusal
    if partner is not None and "@" in (plain_value(partner.node) or ""):
        refusal = "a digest begins in its repository; write the repository alone there, and the digest in a key digest"
    return Pin(
        path=(*place.around.path, key.key if step == "" else step),
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


def absent_pin(place: Place, key: Sibling, tag_key: str, name: ImageName, reason: str, *, prefix: str = "") -> Pin:
    """The pin of an image whose tag is not in this file; it is to be added in ``tag_key``."""
    return Pin(
        path=(*place.around.path, tag_key),
        line=key.line,
        repository=name.repository,
        tag=None,
        digest=None,
        shape=key.key,
        refusal=place.around.duplicate or name.refusal or reason,
        absent=True,
        prefix=prefix,
        name_scalars=name.scalars,
    )


def _twice(*keys: Sibling | None) -> str | None:
    for key in keys:
        if key is not None and key.twice:
            where = f"{key.file}:{key.line}" if key.file else f"line {key.line}"
            return f"the key {key.key!r} is twice in one mapping (again in {where}); {key.twice}"
    return None
