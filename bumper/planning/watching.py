"""How a deployment is watched after its merge. Pure."""

from dataclasses import dataclass

from bumper.clock import format_duration


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
