"""Where a mapping or a list stands, and what the mappings above say of images that name no registry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from bumper.image import is_host
from bumper.values.keys import Kind, Lower, Origin, Sibling, may_be_a_digest, siblings_of
from bumper.values.pin import PinPath
from bumper.values.tag_scalars import image_string, is_switch, plain_value
from bumper.values.yaml_data import Way, path_of, value_of
from bumper.values.yaml_tree import MappingNode

_REGISTRIES = (
    *("imageregistry", "registry", "containerregistry", "dockerregistry", "defaultregistry", "hub", "imagehub"),
    *("registryprefix", "repositoryprefix", "imageprefix"),
)
_NAMES = frozenset({"repository", "repo", "name", "image"})
_NAMESPACES = ("imagenamespace", "imageorganization", "imageorg")


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
        return {name: key for name, key in self.keys.items() if key.name.kind is None and may_be_a_digest(key)}

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


def scope_below(around: Surroundings, keys: Mapping[str, Sibling]) -> Scope:
    """The scope of what stands in the mapping with ``keys``."""
    scope, lower = around.scope, around.lower
    nearest = next(iter(_parts(keys, _REGISTRIES)), None)
    if nearest is not None and not nearest.is_hub and _names_an_image(keys):
        nearest = None  # that image's alone
    below_global = _inner(keys, lower, "global")
    namespaces = [*_parts(keys, _NAMESPACES), *_parts(below_global, _NAMESPACES)]
    shared = _shared_by_global(below_global)
    for name, registry in (("docker", "registry"), ("image", "registry"), ("privateregistry", "registryurl")):
        inner = _inner(keys, lower, name)
        if inner and _NAMES.isdisjoint(inner):
            shared += _parts(inner, (registry,), f"{keys[name].key}.")
    return replace(
        scope,
        nearest=nearest or scope.nearest,
        namespace=namespaces[0] if namespaces else scope.namespace,
        shared=tuple(shared) or scope.shared,
    )


def _parts(keys: Mapping[str, Sibling], names: Sequence[str], above: str = "") -> list[NamePart]:
    """The registries that keys of these names hold; ``above`` goes before the keys in messages."""
    found = [(name, keys[name]) for name in names if name in keys and goes_before_names(keys[name])]
    return [
        NamePart(f"{above}{key.key}", (plain_value(key.node) or "").rstrip("/"), is_hub=name.endswith("hub"))
        for name, key in found
    ]


def goes_before_names(key: Sibling) -> bool:
    """Whether a registry's key holds what stands before an image's name and a slash.

    The prefix of an image may end within a name: ``imagePrefix: registry.example.com/shop-``.
    """
    name, value = key.name.name, plain_value(key.node)
    ends_within = name.endswith("prefix") and not name.endswith(("registryprefix", "repositoryprefix"))
    return bool(value) and not is_switch(key.node) and (not ends_within or (value or "").endswith("/"))


def _names_an_image(keys: Mapping[str, Sibling]) -> bool:
    """Whether the mapping's own registry is that of one image, which it names itself."""
    return any(
        key.name.kind in (Kind.REPOSITORY, Kind.TAG) and key.name.prefix in ("", "image")
        and key.origin is not Origin.LOWER and not isinstance(key.node, MappingNode)
        for key in keys.values()
    )  # fmt: skip


def _inner(keys: Mapping[str, Sibling], lower: Lower, name: str) -> Mapping[str, Sibling]:
    """The keys of the mapping that the key of this name holds."""
    key = keys.get(name)
    if key is None or not isinstance(key.node, MappingNode):
        return {}
    others = [(file, node) for file, one in lower if isinstance(node := value_of(one, key.key), MappingNode)]
    return siblings_of(key.node, others, every=False)


def _shared_by_global(keys: Mapping[str, Sibling]) -> list[NamePart]:
    """The registries among the keys below ``global``; ``global.imageRegistry`` outdoes the others."""
    names = [name for name, key in keys.items() if key.name.kind is Kind.REGISTRY]
    hosts = [name for name, key in keys.items() if key.name.kind is Kind.REPOSITORY and is_host(plain_value(key.node))]
    of_images = ("registry", "registryprefix", "repositoryprefix")
    return _parts(keys, ("imageregistry",), "global.") or [
        *_parts(keys, [*names, *hosts], "global."),
        *_parts(_inner(keys, (), "image"), of_images, "global.image."),
    ]
