"""What was found in a GitOps repository. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FoundEnvironment:
    """An environment: its applications and files, and the templates (patterns with ``{env}``) that find them."""

    name: str
    apps: tuple[str, ...]
    files: tuple[str, ...]
    values: tuple[str, ...]
    base: tuple[str, ...]
    argocd: tuple[str, ...] = ()  # names of Argo CD's applications, with {app} where they follow bumper's
    at: str | None = None  # the section of its files that is this environment's
    maybe_base: str | None = None  # the values of charts that are called like the applications
    keys: tuple[str, ...] = ()  # top keys that may be applications, where no path names any


@dataclass(frozen=True, slots=True)
class Doubtful:
    """What may be an environment: its name, the pattern of its files, and why it is not written as one."""

    name: str
    values: str
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """The environments, from development to production, and what could not be settled.

    ``exclude`` are patterns of files that those of the environments match and that belong to none. ``stray`` are files
    that hold pins and that no environment has, with how many; ``stray_patterns`` match them, the most telling first.
    """

    environments: tuple[FoundEnvironment, ...]
    doubtful: tuple[Doubtful, ...]
    exclude: tuple[str, ...]
    stray: Mapping[str, int]
    stray_patterns: tuple[str, ...]
    warnings: tuple[str, ...]
    given: frozenset[str] = frozenset()  # the environments that a person has named
