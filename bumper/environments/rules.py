"""What bumper.yaml lets into an environment. Pure."""

from collections.abc import Iterable

from bumper.environments.config_models import Config, EnvironmentConfig
from bumper.environments.gather import is_ignored
from bumper.environments.layout import Environment
from bumper.errors import Refused
from bumper.image import ImageReference


def check_rules(config: Config, environment: Environment, images: Iterable[ImageReference]) -> None:
    """Refuse what bumper.yaml does not let into the environment by a bump."""
    name, rules = environment.name, environment.config
    if rules.promote_from is not None:
        raise Refused(
            f"{name} takes promotions only (promote_from in bumper.yaml); run `bumper promote {rules.promote_from[0]} "
            f"{name}`."
        )
    listed = list(images)
    check_tags(rules, name, listed)
    for image in listed:
        if is_ignored(config, image.repository):
            raise Refused(
                f"{image.repository} is among the images that bumper.yaml's `ignore` leaves alone; take it out there."
            )


def check_tags(config: EnvironmentConfig, environment: str, images: Iterable[ImageReference]) -> None:
    """Refuse a tag that bumper.yaml does not let into the environment."""
    for image in images:
        if image.tag is not None and not config.admits(image.tag):
            raise Refused(
                f"{image} may not enter {environment}: its tag does not match {config.tags!r} (tags in bumper.yaml)."
            )


def require_digests(environment: Environment, images: Iterable[ImageReference]) -> None:
    """Refuse an image whose digest is not known where bumper.yaml demands digests."""
    for image in images:
        if environment.config.digests and image.digest is None:
            raise Refused(
                f"{environment.name} takes images with their digest only (digests in bumper.yaml), and the "
                f"digest of {image} is not known; leave --no-verify out, or write {image}@sha256:…."
            )
