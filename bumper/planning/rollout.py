"""Which images Argo CD's applications should run once a plan has landed, and how that is watched. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from bumper.argocd.verdict import ExpectedImage
from bumper.clock import format_duration
from bumper.environments.config_models import ArgoCd
from bumper.environments.gather import FoundPin, Gathered
from bumper.environments.layout import Environment
from bumper.planning.bump import Plan


@dataclass(frozen=True, slots=True)
class Rollout:
    """The Argo CD of an environment, and the images that a request expects it to run there."""

    argocd: ArgoCd
    expected_images: tuple[ExpectedImage, ...]

    def applications(self) -> dict[str, tuple[ExpectedImage, ...]]:
        """The expected images of each Argo CD application, by the application's name."""
        named: dict[str, list[ExpectedImage]] = {}
        for image in self.expected_images:
            for pattern in self.argocd.application:
                app = image.app.rpartition("/")[2]  # what {app} matched, without the folders that tell it from others
                named.setdefault(pattern.replace("{app}", app), []).append(image)
        return {name: tuple(images) for name, images in named.items()}


def rollout_of(environment: Environment, gathered: Gathered, plan: Plan) -> Rollout | None:
    """What Argo CD should run after ``plan``; None where bumper.yaml names no Argo CD for the environment."""
    if environment.config.argocd is None:
        return None
    changed = {change.place: change for change in plan.changes}
    images: list[ExpectedImage] = []
    for found in gathered.pins:
        change = changed.get(found.place)
        if change is not None:
            moved = change.before.tag != change.after.tag
            images.append(ExpectedImage(change.app, change.image, change.after, moved))
        elif found.place in plan.covers:
            images += expected_images([found])
    return Rollout(environment.config.argocd, tuple(dict.fromkeys(images)))


def expected_images(pins: Iterable[FoundPin]) -> list[ExpectedImage]:
    """The images that the values ask for as they are now."""
    return [
        ExpectedImage(found.app, found.pin.repository, found.pin.version)
        for found in pins
        if found.pin.repository is not None and found.pin.tag is not None
    ]


@dataclass(frozen=True, slots=True)
class Watching:
    """How a deployment is watched: so many ``seconds`` until it is healthy, ``steady`` ones after that."""

    seconds: float
    steady: float
    rolls_back: bool

    @property
    def longest(self) -> float:
        """After so many seconds it is over."""
        return self.seconds + self.steady

    def explain(self) -> str:
        """What the merge request says of it."""
        stays = f", and that it stays so for {format_duration(self.steady)}" if self.steady else ""
        back = "; if Argo CD reports it Degraded or cannot sync it, the job rolls it back" if self.rolls_back else ""
        within = format_duration(self.seconds)
        return f"after the merge, its job checks that Argo CD runs it and is healthy within {within}{stays}{back}"
