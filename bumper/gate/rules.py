"""What bumper.yaml lets into an environment. Pure.

A rule is a function that yields what breaks it (``Broken``). Commands that make a change refuse the first (``refuse``),
`bumper check` lists all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bumper.environments.config_models import Config, EnvironmentConfig
from bumper.environments.images import is_ignored
from bumper.environments.layout import Environment
from bumper.errors import Refused
from bumper.image import ImageReference


class Rule(StrEnum):
    """What can be broken, by the key of bumper.yaml where there is one; the ``rule`` of check's findings."""

    PROMOTE_FROM = "promote_from"
    TAGS = "tags"
    DIGESTS = "digests"
    IGNORE = "ignore"
    SOAK = "soak"
    FREEZE = "freeze"
    HOLD = "hold"
    IMAGE = "image"
    VALUES = "values"
    CONFIG = "bumper.yaml"


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a change breaks: why, and the command or the line that does it right."""

    rule: Rule
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """An application that may not go on yet: why, until when as far as anybody knows, and what to do."""

    app: str
    reason: str
    until: datetime | None = None
    fix: str = ""


def refuse(broken: Iterable[Broken]) -> None:
    """Refuse the first of the broken rules.

    Raises:
        Refused: there is one.

    """
    for found in broken:
        raise Refused(found.message, found.fix)


def check_rules(config: Config, environment: Environment, images: Iterable[ImageReference]) -> None:
    """Refuse what bumper.yaml does not let into the environment by a bump."""
    refuse(_broken_by_bump(config, environment, list(images)))


def check_tags(config: EnvironmentConfig, environment: str, images: Iterable[ImageReference]) -> None:
    """Refuse a tag that bumper.yaml does not let into the environment."""
    refuse(broken_tags(config, environment, images))


def require_digests(environment: Environment, images: Iterable[ImageReference]) -> None:
    """Refuse an image whose digest is not known where bumper.yaml demands digests."""
    refuse(missing_digests(environment.config, environment.name, images))


def _broken_by_bump(config: Config, environment: Environment, images: list[ImageReference]) -> Iterator[Broken]:
    """The rules that a bump of the images would break."""
    name, rules = environment.name, environment.config
    if rules.promote_from is not None:
        yield Broken(
            Rule.PROMOTE_FROM,
            f"{name} takes promotions only (promote_from in bumper.yaml)",
            f"run `bumper promote {rules.promote_from[0]} {name}`",
        )
    yield from broken_tags(rules, name, images)
    for image in images:
        if is_ignored(config, image.repository):
            yield Broken(
                Rule.IGNORE,
                f"{image.repository} is among the images that bumper.yaml's `ignore` leaves alone",
                "take it out there",
            )


def broken_tags(config: EnvironmentConfig, environment: str, images: Iterable[ImageReference]) -> Iterator[Broken]:
    """The images whose tag bumper.yaml does not let into the environment."""
    for image in images:
        if image.tag is not None and not config.admits(image.tag):
            yield Broken(
                Rule.TAGS,
                f"{image} may not enter {environment}: its tag does not match '{config.tags}' (tags in bumper.yaml)",
                "deploy a tag that matches, or change the expression",
            )


def missing_digests(config: EnvironmentConfig, environment: str, images: Iterable[ImageReference]) -> Iterator[Broken]:
    """The images without a digest, where bumper.yaml demands one."""
    for image in images:
        if config.digests and image.digest is None:
            yield Broken(
                Rule.DIGESTS,
                f"{environment} takes images with their digest only (digests in bumper.yaml), and the digest of "
                f"{image} is not known",
                f"leave --no-verify out, or write {image}@sha256:…",
            )
