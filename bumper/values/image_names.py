"""The name of an image from the parts in which values hold it: registry, organization, repository, image.

Where the parts cannot be joined for certain the image has no name, and the reason says why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bumper.image import Repository, has_host, is_at_public_registry, is_host, read_repository
from bumper.values.keys import (
    Kind,
    Lower,
    NamePart,
    Origin,
    Place,
    Scope,
    Sibling,
    Surroundings,
    companion_names,
    siblings_of,
    speaks_of_an_image,
)
from bumper.values.tag_scalars import is_placeholder, is_switch, plain_value
from bumper.values.yaml_data import value_of
from bumper.values.yaml_tree import MappingNode, Scalar

_ORGANIZATIONS = ("organization", "org", "namespace", "project", "owner", "group")
_REGISTRIES = ("registry", "hub", "registryurl", "registryhost", "registryprefix", "prefix")
_BARE_REGISTRIES = ("containerregistry", "dockerregistry", "defaultregistry")
_HOLD_HOSTS = (Kind.REPOSITORY, Kind.REGISTRY)
_HOSTS = ("host", "domain", "server")
_WITH_ORGANIZATIONS = frozenset({"ghcr.io", "quay.io", "gcr.io", "nvcr.io"})  # no image of theirs has one part alone
_EMPTY = ("repository", "repo", "registry", "hub")
_ONE_IMAGE = frozenset({"repository", "repo", "name", "image"})  # beside these, a registry is that of one image
# What the mappings above may hold for all images below.
_SCOPE_REGISTRIES = (
    *("imageregistry", "registry", "containerregistry", "dockerregistry", "defaultregistry", "hub", "imagehub"),
    *("registryprefix", "repositoryprefix", "imageprefix"),
)
_SCOPE_NAMESPACES = ("imagenamespace", "imageorganization", "imageorg")


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image's repository, or why it has none.

    ``parts`` are the texts as the file has them and ``keys`` what holds them; ``refusal`` is set where the name is
    clear but not written as one, ``is_text`` where the parts are no name of anything.
    """

    repository: Repository | None
    parts: tuple[str, ...]
    keys: tuple[str, ...] = ()
    unnamed: str = ""
    refusal: str | None = None
    is_text: bool = False
    scalars: tuple[Scalar, ...] = ()  # of this file that hold parts


def scalars_here(*keys: Sibling) -> tuple[Scalar, ...]:
    """The scalars of ``keys`` that stand in the file itself."""
    return tuple(key.node for key in keys if key.origin is not Origin.LOWER and isinstance(key.node, Scalar))


def name_of_image(place: Place, text: str, prefix: str, partner: Sibling | None = None) -> ImageName:
    """The image that ``text`` names in ``place``; ``prefix`` is its tag's, ``partner`` the key that holds ``text``."""
    name = ImageName(None, (text,))
    if partner is not None:
        name = replace(name, keys=(partner.key,), scalars=scalars_here(partner))
    if is_placeholder(text):
        return _unnamed(name, f"its repository {text!r} is a placeholder")
    if partner is not None:
        name = _with_last_part(place, name, partner)
    if name.unnamed or has_host(name.parts[0]):
        return _read(name)
    name = _with_organization(place, name, below_an_image=partner is not None and prefix in ("", "image"))
    if name.unnamed or has_host(name.parts[0]):
        return _read(name)
    registry = _registry_beside(place, prefix, name.keys)
    if registry is not None and registry.is_hub and _is_several(name):
        registry = None
    # An organization's image may have dots in its name; a key called repository then holds the host without a name.
    holds_host = partner is not None and partner.name.name.endswith(("repository", "repo"))
    may_be_host = len(name.parts) == 1 or (holds_host and name.parts[-1] == text)
    if may_be_host and (is_at_public_registry(f"{text}/") or (registry is None and is_host(text))):
        return _unnamed(name, f"{text!r} is a registry or a part of a name, not a repository")
    return _in_scope(place, name, partner) if registry is None else _below(name, registry)


def _with_last_part(place: Place, name: ImageName, partner: Sibling) -> ImageName:
    """``repository: nvcr.io/nvidia`` beside ``image: driver``: the repository is the name's first half."""
    others = [(key, text) for key, text in _values(place, ("image", "name", "path")) if key is not partner]
    others = [(key, text) for key, text in others if read_repository(text) is not None and not has_host(text)]
    if partner.name.kind is not Kind.REPOSITORY or not others:
        return name
    key, text = others[0]
    first = name.parts[0].rstrip("/")
    joined = replace(name, parts=(first, text), keys=(partner.key, key.key))
    if is_host(first):
        return joined
    is_whole = first == text or first.endswith(f"/{text}")
    # The name of a mapping can be the image's; that of an item of a list is mostly the item's own.
    way = place.around.way
    is_of_one_image = speaks_of_an_image(place.around.parent_name) and way is not None and isinstance(way[1], str)
    if key.name.name != "image" and (is_whole or not is_of_one_image):
        return name  # a name of something, the repository being whole
    is_below = has_host(first) or "/" not in first or _registry_beside(place, "", ()) is not None
    is_organization = first.count("/") == int(has_host(first))
    if not is_whole and is_below and (key.name.name == "image" or is_organization):
        return joined
    return _unnamed(joined, f"{partner.key} {first!r} and {key.key} {text!r} cannot be joined for certain")


def _with_organization(place: Place, name: ImageName, *, below_an_image: bool) -> ImageName:
    """``organization: acme`` beside ``image: api``; a key ``namespace`` is an image's only below one."""
    part = place.around.scope.namespace
    if below_an_image:
        here = speaks_of_an_image(place.around.parent_name)
        beside = _ORGANIZATIONS if here else _ORGANIZATIONS[:2] if place.value("registry") else ()
        part = next((NamePart(key.key, value) for key, value in _values(place, beside)), part)
    if part is None or name.parts[0].startswith(f"{part.value}/"):
        return name
    joined = replace(name, parts=(part.value.strip("/"), *name.parts), keys=(part.key, *name.keys))
    if is_placeholder(part.value):
        return _unnamed(joined, f"{part.key} {part.value!r} is a placeholder")
    if any("/" in text for text in name.parts):
        return _unnamed(joined, f"{part.key} {part.value!r} and {name.parts[0]!r} cannot be joined for certain")
    return joined


def _values(place: Place, names: Sequence[str]) -> list[tuple[Sibling, str]]:
    return [(place.keys[name], value) for name in names if (value := place.value(name))]


def _registry_beside(place: Place, prefix: str, used: Sequence[str]) -> NamePart | None:
    """The registry that stands beside the name."""
    names = (*companion_names(prefix, *_REGISTRIES), *_BARE_REGISTRIES)
    beside = _parts(place.keys, names)
    if beside:
        return beside[0]
    hosts = [key for key in place.keys.values() if key.name.kind in _HOLD_HOSTS and is_host(plain_value(key.node))]
    own = (*companion_names("", "repository", "repo"), *companion_names(prefix, "repository", "repo"))
    if len(hosts) == 1 and hosts[0].name.name in own and hosts[0].key not in used:
        return NamePart(hosts[0].key, plain_value(hosts[0].node) or "")
    if speaks_of_an_image(place.around.parent_name):
        return next((NamePart(key.key, value) for key, value in _values(place, _HOSTS) if is_host(value)), None)
    return None


def _in_scope(place: Place, name: ImageName, partner: Sibling | None) -> ImageName:
    """The name with the registry that stands further up, if any does; else Docker Hub's."""
    several = _is_several(name)
    registries = [part for part in place.around.scope.registries if not (part.is_hub and several)]
    if len(registries) == 1:
        return _below(name, registries[0])
    if registries:
        named = " or ".join(f"{part.key} {part.value!r}" for part in registries)
        return _unnamed(name, f"its registry may be {named}")
    empty = [key.key for part in _EMPTY if (key := place.keys.get(part)) is not None and place.value(part) is None]
    if partner is not None and partner.name.kind is not Kind.REPOSITORY and empty and not several:
        return _unnamed(name, f"{empty[0]} is empty, so that {name.parts[0]!r} may be anybody's")
    default = place.around.scope.default
    return _read(name if default is None else replace(name, parts=(default, *name.parts)))


def _is_several(name: ImageName) -> bool:
    """Whether the name has several parts, so that Istio's ``hub`` does not go before it."""
    return "/" in name.parts[0] or len(name.parts) > 1


def _below(name: ImageName, registry: NamePart) -> ImageName:
    return _read(replace(name, parts=(registry.value.rstrip("/"), *name.parts), keys=(registry.key, *name.keys)))


def _read(name: ImageName) -> ImageName:
    """The repository that the parts name together."""
    if name.unnamed:
        return name
    text = "/".join(name.parts)
    if is_host(text) or is_placeholder(text):
        what = "a placeholder" if is_placeholder(text) else "a registry or a part of a name, not a repository"
        return _unnamed(name, f"{text!r} is {what}")
    repository = read_repository(text)
    if repository is not None and repository.host in _WITH_ORGANIZATIONS and "/" not in repository.name:
        return _unnamed(name, f"{text!r} is an organization, not an image")
    if repository is not None:
        return replace(name, repository=repository)
    meant = read_repository(text.rstrip("/").lower())
    if meant is None:
        return replace(name, unnamed=f"{text!r} is not a repository", is_text=True)
    why = "in upper case" if text != text.lower() else "with a slash at its end"
    return replace(name, repository=meant, refusal=f"its repository {text!r} is written {why}; write {meant}")


def _unnamed(name: ImageName, reason: str) -> ImageName:
    return replace(name, unnamed=reason)


def scope_below(around: Surroundings, keys: Mapping[str, Sibling]) -> Scope:
    """The scope of what stands in the mapping with ``keys``."""
    scope, lower = around.scope, around.lower
    nearest = next(iter(_parts(keys, _SCOPE_REGISTRIES)), None)
    if nearest is not None and not nearest.is_hub and _names_an_image(keys):
        nearest = None  # that image's alone
    below_global = _inner(keys, lower, "global")
    namespaces = [*_parts(keys, _SCOPE_NAMESPACES), *_parts(below_global, _SCOPE_NAMESPACES)]
    shared = _shared_by_global(below_global)
    for name, registry in (("docker", "registry"), ("image", "registry"), ("privateregistry", "registryurl")):
        inner = _inner(keys, lower, name)
        if inner and _ONE_IMAGE.isdisjoint(inner):
            shared += _parts(inner, (registry,), f"{keys[name].key}.")
    return replace(
        scope,
        nearest=nearest or scope.nearest,
        namespace=namespaces[0] if namespaces else scope.namespace,
        shared=tuple(shared) or scope.shared,
    )


def _parts(keys: Mapping[str, Sibling], names: Sequence[str], above: str = "") -> list[NamePart]:
    """The registries that keys of these names hold; ``above`` goes before the keys in messages."""
    found = [(name, keys[name]) for name in names if name in keys and _goes_before_names(keys[name])]
    return [
        NamePart(f"{above}{key.key}", (plain_value(key.node) or "").rstrip("/"), is_hub=name.endswith("hub"))
        for name, key in found
    ]


def _goes_before_names(key: Sibling) -> bool:
    """Whether a registry's key ends before a slash: ``imagePrefix: registry.example.com/shop-`` ends within a name."""
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
