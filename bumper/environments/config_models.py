"""What bumper.yaml says, or leaves to the defaults; its keys are described and checked in config_keys."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Delivery: TypeAlias = Literal["merge-request", "commit"]
DEFAULT_BRANCH_PREFIX = "bumper/"
DEFAULT_MESSAGE = "{default}"


@dataclass(frozen=True, slots=True)
class ArgoCd:
    """Where Argo CD says what runs in an environment; ``application`` are its applications' names."""

    server: str
    application: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EnvironmentConfig:
    """An environment: which files make it (patterns), and what may enter it and how; None where nothing is said."""

    values: tuple[str, ...]
    base: tuple[str, ...] = ()
    delivery: Delivery | None = None
    auto_merge: bool = False
    argocd: ArgoCd | None = None
    promote_from: tuple[str, ...] | None = None
    tags: str | None = None
    require_healthy: bool = False
    digests: bool = False
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()

    def admits(self, tag: str) -> bool:
        """Whether ``tag`` may enter this environment: ``tags`` matches it as a whole, or there is no such key."""
        return self.tags is None or re.fullmatch(self.tags, tag) is not None


@dataclass(frozen=True, slots=True)
class PinnedImage:
    """A pin that holds only a tag, in values that name its repository nowhere; None: in every one."""

    image: str
    path: str
    apps: tuple[str, ...] | None = None
    environments: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class RegistryConfig:
    """How to reach a registry."""

    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of bumper, at the root of the GitOps repository."""

    environments: Mapping[str, EnvironmentConfig] = field(default_factory=dict)
    images: tuple[PinnedImage, ...] = ()
    same_as: tuple[tuple[str, ...], ...] = ()
    ignore: tuple[str, ...] = ()
    registries: Mapping[str, RegistryConfig] = field(default_factory=dict)
    branch_prefix: str = DEFAULT_BRANCH_PREFIX
    commit_message: str = DEFAULT_MESSAGE
    author: str | None = None
