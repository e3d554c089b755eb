"""The shapes in which values files hold an image: which keys of a mapping are a pin, and of which image.

Everything is found by the keys' names and by what stands beside them; nothing is changed here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bumper.values.digests import digests_beside
from bumper.values.image_names import ImageName, name_of_image
from bumper.values.key_names import (
    Kind,
    is_tag_of_something_else,
    key_name,
    repository_names,
    speaks_of_an_image,
)
from bumper.values.partners import (
    has_other_version,
    is_tag_of_an_image,
    partner_of,
    sole_tag,
    speaks_of_something_else,
)
from bumper.values.pin import Pin
from bumper.values.pin_making import absent_pin, digest_only_pin, loose_image, make_pin, pin_of_image_string
from bumper.values.siblings import Origin, Sibling, is_public_image, siblings_of
from bumper.values.surroundings import Place, Surroundings
from bumper.values.tag_scalars import image_string, image_string_for_tag, is_switch, plain_value
from bumper.values.yaml_tree import MappingNode, SequenceNode, resolve

# Keys that hold one half of a pin, so that there is something to say where the other half is not there.
_HALVES = ("repository", "repo", "image", "imagename")


def pins_of_mapping(mapping: MappingNode, around: Surroundings) -> Iterator[Pin]:
    """The pins whose own keys stand in ``mapping`` or are first put together there, those not to be set included."""
    yield from pins_of_keys(siblings_of(mapping, around.lower, every=around.in_images), around)


def pins_of_keys(keys: Mapping[str, Sibling], around: Surroundings) -> Iterator[Pin]:
    """The pins of the keys of one mapping by name, wherever they stand."""
    place = Place(keys, around)
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
    place = Place({}, around)
    for index, item in enumerate(items.items):
        if around.in_images or is_public_image(item):
            entry = Sibling("", key_name(""), resolve(item), item.line, Origin.OWN)
            yield from loose_image(place, entry, (index,))


def _pins_of_tag(place: Place, tag: Sibling, claimed: set[str]) -> Iterator[Pin]:
    """The pin of a key that is a tag by its name, with the repository that stands beside it or in a lower file."""
    partner = partner_of(place, tag, claimed)
    if partner is not None:
        yield from _pair(place, tag, partner, claimed)
    elif tag.origin is Origin.OWN and not is_switch(tag.node):
        is_image = image_string_for_tag(plain_value(tag.node)) is not None
        if is_image and (is_tag_of_an_image(place, tag) or _is_named_for_images(place, tag)):
            yield from pin_of_image_string(place, tag)
        elif is_tag_of_an_image(place, tag):
            yield make_pin(place, tag, shape=tag.key, digests=digests_beside(place, tag.name.prefix))


def _is_named_for_images(place: Place, tag: Sibling) -> bool:
    """Whether a whole image may stand in ``tag``: ``image.unifiedRepoTag``, ``imageNameAndVersion``."""
    return "image" in tag.name.name or (place.around.in_images and not is_tag_of_something_else(tag.name))


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
    kind = key.name.kind
    names = kind in (Kind.IMAGE, Kind.REPOSITORY) or _is_name_below_an_image(place, key)
    if names and not speaks_of_something_else(place, key):
        yield from _pin_without_tag(place, key, claimed)
    elif kind in (None, Kind.IMAGES) and (place.around.in_images or _holds_an_image(place, key)):
        yield from loose_image(place, key, (key.key,))


def _holds_an_image(place: Place, key: Sibling) -> bool:
    """Whether a key outside of images may hold one by its name or by its value: ``imageEnvoy``, ``quay.io/...:v1``."""
    is_parameter = key.name.name == "value" and "name" in place.keys  # found in its list
    if is_parameter or key.name.name.startswith("chart"):
        return False
    return key.name.speaks or (key.node is not None and is_public_image(key.node))


def _is_name_below_an_image(place: Place, key: Sibling) -> bool:
    """Whether ``key`` is ``image.name``, for which a tag or a digest is looked for that is called otherwise."""
    if key.name.name != "name" or not place.around.parent_name.endswith("image"):
        return False
    return image_string(plain_value(key.node)) is None


def _pin_without_tag(place: Place, key: Sibling, claimed: set[str]) -> Iterator[Pin]:
    value = plain_value(key.node)
    if value is None:
        return
    if image_string(value) is not None:
        yield from pin_of_image_string(place, key)
        return
    tag = sole_tag(place, key) if key.name.prefix == "" or key.name.name == "name" else None
    if tag is not None and tag.name.name not in claimed:
        yield from _pair(place, tag, key, claimed)
        return
    name = name_of_image(place, value, key.name.prefix, key)
    digests = digests_beside(place, key.name.prefix if key.name.kind is not None else "")
    claimed.update(key_name(part).name for part in name.keys)
    if digests.value is not None and _tag_below(place, key) is None:
        yield digest_only_pin(place, key, name, digests)
    elif name.repository is not None and key.name.name.endswith(_HALVES) and not has_other_version(place, key):
        yield _absent(place, key, name, value)


def _absent(place: Place, key: Sibling, name: ImageName, value: str) -> Pin:
    """The pin of a repository whose tag stands in a lower file only, or nowhere."""
    tag = _tag_below(place, key)
    if tag is not None:
        reason = f"its tag is only in {tag.file}:{tag.line}, which is shared"
        return absent_pin(place, key, (tag.key,), name, reason)
    if key.name.kind is Kind.IMAGE:
        return absent_pin(place, key, (key.key,), name, "it names no tag", prefix=f"{value}:")
    return absent_pin(place, key, (_tag_key(key.key),), name, "there is no tag beside it")


def _tag_below(place: Place, key: Sibling) -> Sibling | None:
    """The tag of ``key``'s repository that stands in a lower file."""
    below = speaks_of_an_image(place.around.parent_name)
    for tag in place.keys.values():
        kind = tag.name.kind
        is_tag = kind in (Kind.TAG, Kind.VERSION) and tag.origin is Origin.LOWER
        if is_tag and key.name.name in repository_names(tag.name.prefix, kind or Kind.TAG, below_an_image=below):
            return tag
    return None


def _tag_key(repository_key: str) -> str:
    """What the tag beside ``repository_key`` would be called: imageTag for imageRepository, tag for repository."""
    for ending in ("repository", "imageName", "imagename", "repo"):
        stem = repository_key[: -len(ending)]
        if repository_key.lower() == f"{stem}{ending}".lower():
            return f"{stem}tag" if stem == "" or stem[-1] in "._-" else f"{stem}Tag"
    return "tag"
