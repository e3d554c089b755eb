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


@dataclass(frozen=True, slots=True)
class KeyName:
    """A key by its name and kind; ``prefix`` is the name without the kind's ending.

    ``may_matter``: it speaks of an image, or may stand beside one that does (registry, digest, chart).
    """

    name: str
    kind: Kind | None
    prefix: str
    may_matter: bool = True


_ENDINGS = (
    ("tag", Kind.TAG),
    ("version", Kind.VERSION),
    ("images", Kind.IMAGES),
    ("image", Kind.IMAGE),
    ("imagename", Kind.REPOSITORY),
    ("repository", Kind.REPOSITORY),
    ("repo", Kind.REPOSITORY),
)

_COMPANIONS = ("registry", "digest", "sha", "sha256", "name", "chart")


@lru_cache(maxsize=8192)
def key_name(key: str) -> KeyName:
    """``key`` as the rest of this module compares it."""
    name = key.translate(_SEPARATORS).lower()
    for ending, kind in _ENDINGS:
        if name.endswith(ending):
            return KeyName(name, kind, name[: -len(ending)])
    return KeyName(name, None, name, name.endswith(_COMPANIONS))


@lru_cache(maxsize=1024)
def repository_names(prefix: str, kind: Kind) -> tuple[str, ...]:
    """The names of the keys that may hold the repository of ``<prefix>tag``, likeliest first."""
    if prefix == "":
        names: tuple[str, ...] = ("repository", "repo", "imagerepository", "imagerepo", "imagename", "image")
        return names if kind is Kind.VERSION else (*names, "name")
    if prefix.endswith("image"):
        bare = prefix.removesuffix("image")
        own = (f"{prefix}repository", f"{prefix}repo", f"{prefix}name", prefix)
        return (*own, f"{bare}repository", f"{bare}repo")
    image = f"{prefix}image"
    return (image, f"{image}repository", f"{image}repo", f"{image}name", f"{prefix}repository", f"{prefix}repo")


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
