"""What the keys of values files are called, and which belong together.

Charts spell the same thing in many ways: ``imageTag``, ``image_tag``, ``image.tag``, ``webImageTag``. A name here
is a key in lower case without ``-``, ``_`` and ``.``; two keys belong together when their names share a prefix.
"""

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

_SEPARATORS = str.maketrans("", "", "-_.")


class Kind(Enum):
    """What a key is for."""

    TAG = auto()
    VERSION = auto()
    IMAGE = auto()
    IMAGES = auto()
    REPOSITORY = auto()
    REGISTRY = auto()


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


_ENDINGS = (
    ("tag", Kind.TAG),
    ("version", Kind.VERSION),
    ("images", Kind.IMAGES),
    ("image", Kind.IMAGE),
    *((ending, Kind.REPOSITORY) for ending in ("imagename", "imageurl", "imageuri", "imagepath")),
    *((f"repository{ending}", Kind.REPOSITORY) for ending in ("", "name", "uri", "url")),
    ("repo", Kind.REPOSITORY),
    *((ending, Kind.REGISTRY) for ending in ("registry", "registryurl", "registryhost", "mirror")),
    *((ending, Kind.REGISTRY) for ending in ("registryprefix", "repositoryprefix", "imageprefix")),
)
_BEGINNINGS = (("relatedimage", Kind.IMAGE), ("repositorydefault", Kind.REPOSITORY), ("tagdefault", Kind.TAG))
_WHOLE = {"hub": Kind.REGISTRY, "imagehub": Kind.REGISTRY}

_COMPANIONS = (
    "digest",
    "sha",
    "sha256",
    "name",
    "chart",
    "owner",
    "branch",
    "revision",
    "commit",
    "gitref",
    "repouri",
    "repourl",
    "organization",
    "org",
    "namespace",
    "global",
    "docker",
)
_ABOVE = frozenset({"global", "docker", "image", "imagenamespace", "imageorganization", "imageorg"})

# A key that ends in "tag" and says of itself that it is another thing's.
_OTHER_TAGS = ("git", "chart", "log", "release", "site", "instance", "asset", "selector", "env", "environment")

# Below a key of such a name nearly every key speaks of an image, whatever it is called itself.
_IMAGE_PARENTS = ("image", "images", "container", "containers", "docker")

# Below such a key the name of an image is called so; anywhere else these keys hold addresses of other things.
_NAMES_BELOW_AN_IMAGE = ("name", "fullname", "url", "uri", "path", "source", "src", "base", "location")


@lru_cache(maxsize=8192)
def key_name(key: str) -> KeyName:
    """``key`` as the rest of this module compares it."""
    name = key.translate(_SEPARATORS).lower()
    for ending, kind in _ENDINGS:
        if name.endswith(ending):
            return KeyName(name, kind, name[: -len(ending)], is_above=kind is Kind.REGISTRY or name in _ABOVE)
    for beginning, kind in _BEGINNINGS:
        if name.startswith(beginning):
            return KeyName(name, kind, name)
    speaks = "image" in name or name in _WHOLE
    above = name in _ABOVE or name in _WHOLE
    matters = speaks or name.endswith(_COMPANIONS) or is_named_after_a_digest(name)
    return KeyName(name, _WHOLE.get(name), name, speaks, above, matters)


def is_named_after_a_digest(name: str) -> bool:
    """Whether a key of this name may hold a digest."""
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
        more = _NAMES_BELOW_AN_IMAGE if below_an_image else ("name",) if kind is Kind.TAG else ()
        return (*_repository_endings(""), *bare, *more)
    if prefix == "tagdefault":
        return ("repositorydefault",)
    if prefix.endswith("image"):
        bare_prefix = prefix.removesuffix("image")
        own = (
            *_repository_endings(prefix),
            *(f"{prefix}{ending}" for ending in ("name", "url", "uri", "path")),
            prefix,
        )
        return (*own, *_repository_endings(bare_prefix))
    image = f"{prefix}image"
    return (image, *_repository_endings(image), f"{image}name", *_repository_endings(prefix))


def _repository_endings(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix}{stem}{ending}" for ending in ("", "name", "uri", "url") for stem in ("repository", "repo"))


@lru_cache(maxsize=1024)
def companion_names(prefix: str, *endings: str) -> tuple[str, ...]:
    """The names of the keys that may go with ``<prefix>tag``, each ending in one of ``endings``."""
    if prefix == "":
        prefixes = ["", "image"]
    elif prefix.endswith("image"):
        prefixes = [prefix, prefix.removesuffix("image")]
    else:
        prefixes = [prefix, f"{prefix}image"]
    return tuple(f"{start}{ending}" for start in prefixes for ending in endings)
