"""Which key beside a tag names its image; and what looks like an image's tag and is another thing's."""

import re

from bumper.image import has_host, is_address, is_digest, read_repository, split_reference
from bumper.values.keys import (
    NAMES_BELOW_AN_IMAGE,
    Kind,
    Origin,
    Place,
    Sibling,
    is_tag_of_something_else,
    key_name,
    repository_names,
    speaks_of_an_image,
)
from bumper.values.tag_scalars import is_placeholder, plain_value
from bumper.values.yaml_tree import MappingNode, Node, Scalar

# Beside these keys, `repository` and `version` speak of a Helm chart, not of an image.
_CHART_KEYS = frozenset({"chart", "chartname"})
_CHART_PARENTS = frozenset({"chart", "charts", "dependencies"})

# Below these keys, or beside these, a repository without a registry is one of git; a machine's image is no container's.
_CODE_PARENT = re.compile(r"git(hub|lab)?(repo|repos|repository|repositories|source|sync|ops)?")
_CODE_KEYS = frozenset({"owner", "branch", "revision", "commit", "giturl", "gitref"})
_MACHINE_PARENTS = frozenset({"machineimage", "machineimages", "amiimage", "osimage", "osimages"})


def is_chart_file(root: Node) -> bool:
    """Whether a document is a Chart.yaml, whose versions and repositories are those of charts."""
    if not isinstance(root, MappingNode) or "kind" in root.keys or not {"name", "version"} <= root.keys.keys():
        return False
    api = root.keys.get("apiVersion")
    return isinstance(api, Scalar) and api.value in ("v1", "v2")


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
    for name in repository_names(tag.name.prefix, kind, below_an_image=below):
        key = place.keys.get(name)
        if key is not None and key is not tag and name not in claimed and _may_name_the_image(place, key, kind):
            return key
    return None


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
