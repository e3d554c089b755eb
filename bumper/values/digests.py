"""The digests that belong to a pin: every sibling of its tag that holds one, whatever its key is called.

A digest that is left behind wins when the chart puts the image together, and the old image goes on running.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bumper.image import is_digest
from bumper.values.keys import KeyName, Origin, Place, Sibling, siblings_of
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

_SHA256 = "sha256:"
_BARE_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_COMMIT = re.compile(r"[0-9a-f]{40}")
_OF_A_DIGEST = re.compile(r"digest|sha(256)?$|hash|checksum")  # in a key's name (see key_names)
_FOR_A_DIGEST = ("digest", "sha", "sha256")  # what a key's name ends in that is there for a digest
_ON = frozenset({"true", "yes", "on"})


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
    read = [reading for key in own if (reading := _read(place, key)) is not None]
    scalars = tuple(one for one in read if isinstance(one, DigestScalar))
    standing = tuple(one for one in scalars if one.value is not None)
    return Digests(
        scalars=standing or scalars[:1],
        refusal=next((one for one in read if isinstance(one, str)), None),
        switch=switch_among(own, place.around.path),
        left=tuple(left for key in own for left in _digests_within(key, (*place.around.path, key.key))),
    )


def _digests_within(key: Sibling, path: PinPath) -> Iterator[LeftDigest]:
    """The digests in a mapping or a list, as those of several platforms are."""
    if isinstance(key.node, MappingNode):
        yield from digests_among(siblings_of(key.node, ()).values(), path)
    elif isinstance(key.node, SequenceNode):
        for index, item in enumerate(key.node.items):
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
    is_place = key.name.name.endswith(_FOR_A_DIGEST)
    if key.origin is Origin.LOWER:
        where = f"its digest is only in {key.file}:{key.line}, and wins there"
        return f'{where}; add {key.key}: "" beside the tag' if holds_digest(key.name, key.node) else None
    found = _parse((*place.around.path, key.key), key)
    if found is None or (found.value is None and not is_place):
        return _malformed(place, key) if is_place else None
    text, twice = place.around.text, "it is twice in one mapping; delete one" if key.twice else None
    problem = twice or why_not_a_scalar(key.node, text) or why_not_spliced(found.scalar, text, "")
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


def _malformed(place: Place, key: Sibling) -> str | None:
    """Why what stands in the place of a digest stops the pin; a git commit and a switch do not."""
    node = key.node
    if not isinstance(node, Scalar) or is_placeholder(node.value):
        problem = why_not_a_scalar(node, place.around.text)
        return f"its digest, in {key.key!r}, cannot be set: {problem}" if problem is not None else None
    if is_switch(node) or _GIT_COMMIT.fullmatch(node.value) is not None:
        return None
    return f"{key.key!r} beside it holds {node.value!r}, which is not a digest; write a whole digest or empty quotes"


def _is_on(key: Sibling) -> bool:
    """Whether ``key`` tells the chart to use the digest, like ``useDigest: true``."""
    named = "digest" in key.name.name or key.name.name.endswith(_FOR_A_DIGEST)
    return named and is_switch(key.node) and (plain_value(key.node) or "").lower() in _ON
