"""Keys of values files: what they are called, which belong together, what stands beside one and around it.

Charts spell the same thing in many ways: ``imageTag``, ``image_tag``, ``image.tag``, ``webImageTag``. A name here
is a key in lower case without ``-``, ``_`` and ``.``; two keys belong together when their names share a prefix.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property, lru_cache
from typing import NamedTuple, TypeAlias

from bumper.image import is_at_public_registry
from bumper.values.pin import PinPath
from bumper.values.tag_scalars import image_string, plain_value
from bumper.values.yaml_data import Way, keys_twice, merged_mappings, path_of
from bumper.values.yaml_tree import MappingNode, Node, Resolved, Scalar, SequenceNode, key_text, resolve

# The same mapping in files of lower precedence, with their names; the highest precedence first.
Lower: TypeAlias = Sequence[tuple[str, MappingNode]]


class Kind(Enum):
    """What a key is for."""

    TAG = auto()
    VERSION = auto()
    IMAGE = auto()
    IMAGES = auto()
    REPOSITORY = auto()
    REGISTRY = auto()


_SEPARATORS = str.maketrans("", "", "-_.")
_ENDINGS = (
    ("tag", Kind.TAG),
    ("version", Kind.VERSION),
    ("images", Kind.IMAGES),
    ("image", Kind.IMAGE),
    *((f"image{ending}", Kind.REPOSITORY) for ending in ("name", "url", "uri", "path")),
    *((f"repository{ending}", Kind.REPOSITORY) for ending in ("", "name", "uri", "url")),
    ("repo", Kind.REPOSITORY),
    *((ending, Kind.REGISTRY) for ending in ("registry", "registryurl", "registryhost", "mirror")),
    *((f"{beginning}prefix", Kind.REGISTRY) for beginning in ("registry", "repository", "image")),
)
_BEGINNINGS = (("relatedimage", Kind.IMAGE), ("repositorydefault", Kind.REPOSITORY), ("tagdefault", Kind.TAG))
_HUBS = ("hub", "imagehub")
_COMPANIONS = (
    *("digest", "sha", "sha256", "name", "chart", "owner", "branch", "revision", "commit", "gitref"),
    *("repouri", "repourl", "organization", "org", "namespace", "global", "docker"),
)
_ABOVE = frozenset({"global", "docker", "image", "imagenamespace", "imageorganization", "imageorg"})
# A key that ends in "tag" and says of itself that it is another thing's.
_OTHER_TAGS = ("git", "chart", "log", "release", "site", "instance", "asset", "selector", "env", "environment")
# Below a key of such a name nearly every key speaks of an image, whatever it is called itself.
_IMAGE_PARENTS = ("image", "images", "container", "containers", "docker")
# Below such a key the name of an image is called so; anywhere else these keys hold addresses of other things.
NAMES_BELOW_AN_IMAGE = ("name", "fullname", "url", "uri", "path", "source", "src", "base", "location")


@dataclass(frozen=True, slots=True)
class KeyName:
    """A key by its name and kind; ``prefix`` is the name without the kind's ending.

    ``speaks``: the word image is in it. ``is_above``: it may hold a registry or an organization for what stands below.
    ``may_matter``: it speaks of an image or a digest, or may stand beside a key that does.
    """

    name: str
    kind: Kind | None
    prefix: str
    speaks: bool = True
    is_above: bool = False
    may_matter: bool = True


@lru_cache(maxsize=8192)
def key_name(key: str) -> KeyName:
    """What ``key`` is called and what it is for."""
    name = key.translate(_SEPARATORS).lower()
    for ending, kind in _ENDINGS:
        if name.endswith(ending):
            return KeyName(name, kind, name[: -len(ending)], is_above=kind is Kind.REGISTRY or name in _ABOVE)
    for beginning, kind in _BEGINNINGS:
        if name.startswith(beginning):
            return KeyName(name, kind, name)
    if name in _HUBS:
        return KeyName(name, Kind.REGISTRY, name, is_above=True)
    speaks = "image" in name
    matters = speaks or name.endswith(_COMPANIONS) or _is_named_after_a_digest(name)
    return KeyName(name, None, name, speaks, name in _ABOVE, matters)


def _is_named_after_a_digest(name: str) -> bool:
    return "digest" in name or name.endswith(("hash", "checksum", "sha", "sha256"))


def speaks_of_an_image(parent_name: str) -> bool:
    """Whether the keys below a key of this name are an image's."""
    return parent_name.endswith(_IMAGE_PARENTS)


def is_tag_of_something_else(name: KeyName) -> bool:
    """Whether a key that is a tag by its ending says that it is none of an image: ``gitTag``, ``logTag``."""
    return name.prefix.endswith(_OTHER_TAGS)


@lru_cache(maxsize=1024)
def repository_names(prefix: str, kind: Kind, *, below_an_image: bool = False) -> tuple[str, ...]:
    """The names of the keys that may hold the repository of ``<prefix>tag``, likeliest first."""
    if prefix == "":
        bare = ("imagerepository", "imagerepo", "imagename", "image", "imageurl", "imageuri", "imagepath")
        more = NAMES_BELOW_AN_IMAGE if below_an_image else ("name",) if kind is Kind.TAG else ()
        return (*_repository_endings(""), *bare, *more)
    if prefix == "tagdefault":
        return ("repositorydefault",)
    if prefix.endswith("image"):
        own = (f"{prefix}{ending}" for ending in ("name", "url", "uri", "path"))
        return (*_repository_endings(prefix), *own, prefix, *_repository_endings(prefix.removesuffix("image")))
    image = f"{prefix}image"
    return (image, *_repository_endings(image), f"{image}name", *_repository_endings(prefix))


def _repository_endings(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix}{stem}{ending}" for ending in ("", "name", "uri", "url") for stem in ("repository", "repo"))


@lru_cache(maxsize=1024)
def companion_names(prefix: str, *endings: str) -> tuple[str, ...]:
    """The names of the keys that may go with ``<prefix>tag``, each ending in one of ``endings``."""
    bare = prefix.removesuffix("image")
    beginnings = (prefix, bare) if prefix != bare else (prefix, f"{prefix}image")
    return tuple(f"{beginning}{ending}" for beginning in beginnings for ending in endings)


class Origin(Enum):
    """Where a sibling stands."""

    OWN = auto()
    MERGED = auto()  # in this file, reached by a merge key
    LOWER = auto()  # in a file of lower precedence


@dataclass(frozen=True, slots=True)
class Sibling:
    """A key of a mapping and the value it leads to (None for an alias that stands inside its own anchor)."""

    key: str
    name: KeyName
    node: Resolved | None
    line: int
    origin: Origin
    home: MappingNode | None = None  # the mapping in which it stands, where that is known to matter
    file: str = ""  # the file of lower precedence that it stands in
    twice: str = ""  # where its mapping has the key again, in ``line``, what to do about it


def siblings_of(mapping: MappingNode, lower: Lower, *, every: bool = True) -> dict[str, Sibling]:
    """The effective keys of ``mapping`` by name; only those that may speak of images, unless ``every``."""
    found: dict[str, Sibling] = {}
    for part, origin, file in _parts(mapping, lower):
        twice = keys_twice(part)
        for key, value in part.pairs:
            text = key.value if type(key) is Scalar else key_text(key)
            if text is None:
                continue
            name = key_name(text)
            if name.name not in found and (every or name.may_matter or _is_telling(value)):
                line, advice = twice.get(text, (key.line, ""))
                found[name.name] = Sibling(text, name, resolve(value), line, origin, part, file, advice)
    return found


def _parts(mapping: MappingNode, lower: Lower) -> Iterator[tuple[MappingNode, Origin, str]]:
    """The mappings whose keys are effective in ``mapping``, nearest first."""
    yield mapping, Origin.OWN, ""
    for merged in merged_mappings(mapping):
        yield merged, Origin.MERGED, ""
    for file, other in lower:
        for part in (other, *merged_mappings(other)):
            yield part, Origin.LOWER, file


def _is_telling(value: Node) -> bool:
    """Whether a value is an image at a registry that everybody knows, or a digest, whatever its key is called."""
    node = resolve(value)
    return type(node) is Scalar and ":" in node.value and ("sha256:" in node.value or is_public_image(value))


def is_public_image(node: Node | None) -> bool:
    """Whether a value is an image at a registry that everybody knows, whatever its key is called."""
    return type(node) is Scalar and ":" in node.value and is_at_public_registry(node.value)


def _may_be_a_digest(key: Sibling) -> bool:
    """Whether a key may hold an image's digest, or several, or tell the chart to use one."""
    nodes: Sequence[Node | None] = [key.node]
    if isinstance(key.node, SequenceNode):
        nodes = key.node.items
    elif isinstance(key.node, MappingNode):
        nodes = [value for _, value in key.node.pairs]
    holds = bool(nodes) and all(type(node) is Scalar and "sha256:" in node.value for node in nodes)
    return holds or _is_named_after_a_digest(key.name.name)


class NamePart(NamedTuple):
    """A part of images' names that stands by itself, and the key that holds it."""

    key: str
    value: str
    is_hub: bool = False  # as Istio has it: for names of one part alone


@dataclass(frozen=True, slots=True)
class Scope:
    """What the mappings above say of images that name no registry.

    ``nearest`` is the registry of the nearest mapping above that has one; ``shared`` are those below ``global``.
    ``default`` stands in Docker Hub's place.
    """

    nearest: NamePart | None = None
    shared: tuple[NamePart, ...] = ()
    namespace: NamePart | None = None
    default: str | None = None

    @property
    def registries(self) -> tuple[NamePart, ...]:
        """The registries that may be meant, each value once."""
        parts = (self.nearest, *self.shared) if self.nearest is not None else self.shared
        return tuple({part.value: part for part in reversed(parts)}.values())[::-1]


class Surroundings(NamedTuple):  # a tuple, because a large file makes tens of thousands of them
    """Where a mapping or a list stands in ``text`` and what holds there."""

    text: str
    way: Way = None
    parent_name: str = ""  # the name (see keys) of the key that leads here, through lists
    in_images: bool = False  # whether a key above is named for images, so that any value here may be one
    lower: Lower = ()  # the same mapping in lower-precedence files; of a list of parameters, the values beside it
    scope: Scope = Scope()
    duplicate: str | None = None  # what to say of a duplicate key above, where there is one

    @property
    def path(self) -> PinPath:
        """The steps from the document's root."""
        return path_of(self.way)


@dataclass(frozen=True)
class Place:
    """A mapping's effective keys by name, and their surroundings."""

    keys: Mapping[str, Sibling]
    around: Surroundings

    @cached_property
    def near_digests(self) -> Mapping[str, Sibling]:
        """The keys that may hold a digest or tell the chart to use it, by name; looked for once, not for each pin."""
        return {name: key for name, key in self.keys.items() if key.name.kind is None and _may_be_a_digest(key)}

    @cached_property
    def image_prefixes(self) -> frozenset[str]:
        """With what the names of the images' keys begin; ``repository`` alone may be the partner of any tag."""
        return frozenset(key.name.prefix.removesuffix("image") for key in self.keys.values() if _has_an_image(key))

    def value(self, name: str) -> str | None:
        """The text that the key of this name holds; None where it is empty, no text or not there."""
        key = self.keys.get(name)
        return plain_value(key.node) or None if key is not None else None


def _has_an_image(key: Sibling) -> bool:
    kind, value = key.name.kind, plain_value(key.node)
    if value is None or kind is Kind.TAG:
        return value is not None
    if kind is Kind.IMAGE:
        return image_string(value) is not None
    return kind is Kind.REPOSITORY and key.name.prefix not in ("", "image")
