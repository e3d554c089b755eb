"""The keys that go with a tag: the one that names its image, and those that hold its digests.

What looks like an image's tag and is another thing's is told apart here, too. Digests are every sibling of a tag that
holds one, whatever its key is called: one that is left behind wins when the chart puts the image together, and the old
image goes on running.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bumper.image import has_host, is_address, is_digest, is_host, read_repository, split_reference
from bumper.values.keys import (
    NAMES_BELOW_AN_IMAGE,
    KeyName,
    Kind,
    Origin,
    Place,
    Sibling,
    is_tag_of_something_else,
    key_name,
    repository_names,
    siblings_of,
    speaks_of_an_image,
)
from bumper.values.pin import DigestScalar, LeftDigest, PinPath
from bumper.values.tag_scalars import (
    is_null,
    is_placeholder,
    is_switch,
    plain_value,
    why_not_a_scalar,
    why_not_spliced,
)
from bumper.values.yaml_tree import MappingNode, Resolved, Scalar, SequenceNode, resolve

# Beside these keys, `repository` and `version` speak of a Helm chart, not of an image.
_CHART_KEYS = frozenset({"chart", "chartname"})
_CHART_PARENTS = frozenset({"chart", "charts", "dependencies"})

# Below these keys, or beside these, a repository without a registry is one of git; a machine's image is no container's.
_CODE_PARENT = re.compile(r"git(hub|lab)?(repo|repos|repository|repositories|source|sync|ops)?")
_CODE_KEYS = frozenset({"owner", "branch", "revision", "commit", "giturl", "gitref"})
_MACHINE_PARENTS = frozenset({"machineimage", "machineimages", "amiimage", "osimage", "osimages"})

_SHA256 = "sha256:"
_BARE_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_COMMIT = re.compile(r"[0-9a-f]{40}")
_OF_A_DIGEST = re.compile(r"digest|sha(256)?$|hash|checksum")  # in a key's name (see KeyName)
_FOR_A_DIGEST = ("digest", "sha", "sha256")  # what a key's name ends in that is there for a digest
_ON = frozenset({"true", "yes", "on"})


def speaks_of_something_else(place: Place, key: Sibling) -> bool:
    """Whether what ``key`` names is a chart, a git repository, a machine's image or the path of another value."""
    around, text = place.around, plain_value(key.node) or ""
    if around.parent_name in _CHART_PARENTS or around.parent_name in _MACHINE_PARENTS or is_address(text):
        return True
    return _is_path(text) or (not key.name.name.startswith("image") and _is_code(place, text))


def _is_code(place: Place, text: str) -> bool:
    parent = place.around.parent_name
    if speaks_of_an_image(parent) or place.value("registry") is not None:
        return False
    if parent in ("git", "github") or parent.startswith(("gitrepo", "gitsource")):
        return True
    code = _CODE_PARENT.fullmatch(parent) is not None or not _CODE_KEYS.isdisjoint(place.keys)
    return code and not has_host(text)


def _is_path(text: str) -> bool:
    """Whether ``text`` is the path of a repository in values rather than a repository: ``image.repository``."""
    steps = text.split(".")
    return len(steps) > 1 and "/" not in text and key_name(steps[-1]).kind in (Kind.REPOSITORY, Kind.IMAGE, Kind.TAG)


def partner_of(place: Place, tag: Sibling, claimed: set[str]) -> Sibling | None:
    """The key that holds the repository of ``tag``'s image."""
    kind = tag.name.kind or Kind.TAG
    if kind is Kind.VERSION and (tag.name.prefix.endswith("chart") or not _CHART_KEYS.isdisjoint(place.keys)):
        return None  # it is a chart's
    below = place.around.in_images or speaks_of_an_image(place.around.parent_name)
    keys = (place.keys.get(name) for name in repository_names(tag.name.prefix, kind, below_an_image=below))
    found = [
        key for key in keys
        if key is not None and key is not tag and key.name.name not in claimed and _may_name_the_image(place, key, kind)
    ]  # fmt: skip
    # image_repository may hold the registry's host alone, beside image_name.
    return next((key for key in found if not is_host(plain_value(key.node))), found[0] if found else None)


def _may_name_the_image(place: Place, key: Sibling, kind: Kind) -> bool:
    value = plain_value(key.node)
    if not value or speaks_of_something_else(place, key):
        return False
    name, tag, digest = split_reference(value)
    if (tag is not None and not is_placeholder(value)) or not (digest in (None, "sha256") or is_digest(digest)):
        return False
    if key.name.name in NAMES_BELOW_AN_IMAGE and not _weak_name_counts(place, key, name, kind):
        return False
    if kind is Kind.TAG:
        return True
    return read_repository(value) is not None and (key.name.kind is not Kind.REPOSITORY or _is_image(place, key, value))


def _weak_name_counts(place: Place, key: Sibling, value: str, kind: Kind) -> bool:
    """Whether a key that is called ``name``, ``path`` or ``source`` holds an image's name."""
    has_registry = any(place.value(name) for name in ("registry", "hub", "imageregistry"))
    several = "/" in value or has_registry or any(place.value(name) for name in ("host", "organization", "org"))
    if key.name.name == "name":
        below = place.around.parent_name.endswith(("image", "images")) or (place.around.in_images and "/" in value)
        above = place.around.in_images and bool(place.around.scope.registries)
        return has_host(value) or has_registry or above or (below and (several or kind is Kind.TAG))
    return read_repository(value) is not None and several


def _is_image(place: Place, key: Sibling, value: str) -> bool:
    """Whether ``repository`` beside a version names an image: most such pairs are of charts, plug-ins and models."""
    if "chart" in value:
        return False
    named = key.name.prefix.endswith("image") or key.name.name.startswith("image")
    below = place.around.in_images or speaks_of_an_image(place.around.parent_name)
    beside = any(place.value(name) for name in ("registry", "image", "imageregistry"))
    return has_host(value) or named or below or beside


def has_other_version(place: Place, repository: Sibling) -> bool:
    """Whether a version stands beside ``repository`` that was not taken for an image's tag."""
    version = place.keys.get(f"{repository.name.prefix}version")
    return repository.name.kind is Kind.REPOSITORY and version is not None and version.origin is not Origin.LOWER


def is_tag_of_an_image(place: Place, tag: Sibling) -> bool:
    """Whether ``tag`` is an image's by its own name or by where it stands, although nothing beside it names one."""
    name, parent = tag.name, place.around.parent_name
    value = plain_value(tag.node)
    if parent in _MACHINE_PARENTS or is_tag_of_something_else(name) or (value is not None and _is_path(value)):
        return False
    if name.kind is Kind.VERSION:
        alone = parent.endswith("image") and "tag" not in place.keys and _CHART_KEYS.isdisjoint(place.keys)
        return name.prefix == "image" or (name.prefix == "" and alone)
    if name.prefix.endswith("image"):
        return True
    loose = place.around.in_images or "hub" in place.keys
    return name.prefix == "" and (parent.endswith("image") or (loose and isinstance(tag.node, Scalar)))


def sole_tag(place: Place, repository: Sibling) -> Sibling | None:
    """The one key beside ``repository`` that is called a tag with some word before it: ``defaultTag``, ``prefectTag``.

    Outside of images the word has to be the default's or a part of the repository's name.
    """
    tags = [key for key in place.keys.values() if key.name.kind is Kind.TAG and key.origin is not Origin.LOWER]
    tags = [key for key in tags if not is_tag_of_something_else(key.name)]
    if len(tags) != 1 or tags[0].name.prefix in ("", "image"):
        return None
    word, last = tags[0].name.prefix, (plain_value(repository.node) or "").rpartition("/")[2]
    known = place.around.in_images or word == "default" or word in last.replace("-", "")
    return tags[0] if known else None


@dataclass(frozen=True, slots=True)
class Digests:
    """What stands beside a tag in the way of digests.

    ``scalars`` are those that hold a digest; where none does, the one into which a digest may be written. ``switch`` is
    the key that tells the chart to use the digest, where it is on.
    """

    scalars: tuple[DigestScalar, ...] = ()
    refusal: str | None = None
    switch: PinPath | None = None
    left: tuple[LeftDigest, ...] = ()

    @property
    def value(self) -> str | None:
        """The digest that the first of them holds."""
        return self.scalars[0].value if self.scalars else None

    @property
    def key(self) -> str:
        """The first key, for the name of a shape."""
        return str(self.scalars[0].path[-1]) if self.scalars else ""


def digests_beside(place: Place, prefix: str) -> Digests:
    """The digests of ``<prefix>tag``'s image that stand in keys of their own."""
    own = list(_own_keys(place, prefix.removesuffix("image")))
    read = [_read(place, key) for key in own]
    scalars = tuple(found for found in read if isinstance(found, DigestScalar))
    standing = tuple(scalar for scalar in scalars if scalar.value is not None)
    return Digests(
        scalars=standing or scalars[:1],
        refusal=next((found for found in read if isinstance(found, str)), None),
        switch=switch_among(own, place.around.path),
        left=tuple(left for key in own for left in _digests_within(key, (*place.around.path, key.key))),
    )


def _digests_within(key: Sibling, path: PinPath) -> Iterator[LeftDigest]:
    """The digests in a mapping or a list, as those of several platforms are."""
    if isinstance(key.node, MappingNode):
        yield from digests_among(siblings_of(key.node, ()).values(), path)
    for index, item in enumerate(key.node.items) if isinstance(key.node, SequenceNode) else ():
        if holds_digest(key.name, resolve(item)):
            yield LeftDigest((*path, index), item.line)


def digests_among(keys: Iterable[Sibling], path: PinPath) -> Iterator[LeftDigest]:
    """The digests that keys of the mapping at ``path`` hold, if their names speak of digests or of platforms."""
    for key in keys:
        if key.origin is not Origin.LOWER and holds_digest(key.name, key.node):
            yield LeftDigest((*path, key.key), key.line)


def switch_among(keys: Iterable[Sibling], path: PinPath) -> PinPath | None:
    """The key of the mapping at ``path`` that tells the chart to use digests, where one does."""
    return next(((*path, key.key) for key in keys if _is_on(key)), None)


def holds_digest(name: KeyName, node: Resolved | None) -> bool:
    """Whether a key holds a sha256 digest: any key one with its algorithm, one of a fitting name the bare digits."""
    if not isinstance(node, Scalar):
        return False
    text = node.value.strip().removeprefix("@")
    if text.startswith(_SHA256):
        return is_digest(text)
    return _BARE_SHA256.fullmatch(text) is not None and speaks_of_a_digest(name)


def speaks_of_a_digest(name: KeyName) -> bool:
    """Whether a key of this name may hold an image's digest, or tell the chart to use it."""
    return _OF_A_DIGEST.search(name.name) is not None


def _own_keys(place: Place, own: str) -> Iterator[Sibling]:
    """The keys that may hold digests of the image whose keys begin with ``own``, those with the usual names first.

    Where several images share a mapping, a key belongs to the one with whose name its own begins.
    """
    images = place.image_prefixes
    alone = not images or images == {own}
    usual = [f"{start}{ending}" for start in (own, f"{own}image") for ending in _FOR_A_DIGEST]
    for name in dict.fromkeys((*usual, *place.near_digests)):
        key = place.near_digests.get(name)
        if key is not None:
            beginnings = (name[:end] for end in range(len(name), -1, -1))
            owner = next((start for start in beginnings if start == own or start in images), None)
            if alone or owner == own:
                yield key


def _read(place: Place, key: Sibling) -> DigestScalar | str | None:
    """The digest in ``key`` or the place for one; or why the pin cannot be set because of it; None for other keys."""
    if key.origin is Origin.LOWER:
        where = f"its digest is only in {key.file}:{key.line}, and wins there"
        return f'{where}; add {key.key}: "" beside the tag' if holds_digest(key.name, key.node) else None
    found = _parse((*place.around.path, key.key), key)
    if not key.name.name.endswith(_FOR_A_DIGEST) and (found is None or found.value is None):
        return None
    problem = why_not_a_scalar(key.node, place.around.text)
    if found is not None:
        problem = problem or why_not_spliced(found.scalar, place.around.text, "")
        problem = f"it is twice in one mapping; {key.twice}" if key.twice else problem
    elif isinstance(key.node, Scalar) and not is_placeholder(key.node.value):
        if is_switch(key.node) or _GIT_COMMIT.fullmatch(key.node.value) is not None:
            return None
        what = f"{key.key!r} beside it holds {key.node.value!r}, which is not a digest"
        return f"{what}; write a whole digest or empty quotes"
    return found if problem is None else f"its digest, in {key.key!r}, cannot be set: {problem}"


def _parse(path: PinPath, key: Sibling) -> DigestScalar | None:
    node, name = key.node, key.name.name
    if not isinstance(node, Scalar):
        return None
    text = node.value.strip()
    if text == "" or is_null(node) or (is_switch(node) and not _is_on(key)):
        return DigestScalar(path, node, None, "" if name.endswith(("sha", "sha256")) else _SHA256)
    if holds_digest(key.name, node):
        return DigestScalar(path, node, f"{_SHA256}{text[-64:]}", text[:-64])
    return DigestScalar(path, node, text, _SHA256) if is_digest(text) and speaks_of_a_digest(key.name) else None


def _is_on(key: Sibling) -> bool:
    """Whether ``key`` tells the chart to use the digest, like ``useDigest: true``."""
    named = "digest" in key.name.name or key.name.name.endswith(_FOR_A_DIGEST)
    return named and is_switch(key.node) and (plain_value(key.node) or "").lower() in _ON
