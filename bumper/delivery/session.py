"""What one run of bumper has at hand: the environment, the clone, a clock, and somebody to show progress to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from bumper.clock import SYSTEM_CLOCK, Clock
from bumper.environments.repository import RepositoryConfig
from bumper.git.checkout import Checkout
from bumper.git.clone import Cloning
from bumper.gitlab.connection import GitLab, connect_if_possible
from bumper.records.known_requests import Ahead, KnownRequests, ask_ahead
from bumper.settings import Settings

if TYPE_CHECKING:
    from bumper.argocd.server import ArgoServer


@dataclass(frozen=True, slots=True)
class Session:
    """One run; ``gitlab`` is its one connection to GitLab's API, None where no token opens it."""

    environ: Mapping[str, str] = field(repr=False)
    cloning: Cloning
    gitlab: GitLab | None
    argocd: "Callable[[str, str | None], ArgoServer]"  # the one connection to a server, for a project of Argo CD's
    show: Callable[[str], None]  # a line of progress, on stderr
    clock: Clock = SYSTEM_CLOCK
    began: float = 0.0  # by the clock's count of seconds

    @property
    def settings(self) -> Settings:
        """Where the GitOps repository is, and by which token."""
        return self.cloning.settings

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.clock.monotonic() - self.began

    def ask_ahead(self, checkout: Checkout) -> Ahead | None:
        """Begin to ask for what ``known_requests`` will be asked; None without GitLab's API."""
        return ask_ahead(self.gitlab, checkout.branch) if self.gitlab is not None else None

    def known_requests(
        self, checkout: Checkout, repository: RepositoryConfig, ahead: Ahead | None = None
    ) -> KnownRequests | None:
        """The project's merge requests as they are now; None without GitLab's API."""
        if self.gitlab is None:
            return None
        config = repository.config
        return KnownRequests(self.gitlab, checkout.branch, config.branch_prefix, config.bots, ahead)


def make_session(
    environ: Mapping[str, str], cloning: Cloning, show: Callable[[str], None], clock: Clock = SYSTEM_CLOCK
) -> Session:
    """The session of a run, with its one connection to GitLab; nothing is asked yet."""
    settings = cloning.settings
    gitlab = connect_if_possible(settings)
    return Session(environ, cloning, gitlab, _argocd_connections(settings), show, clock, clock.monotonic())


def _argocd_connections(settings: Settings) -> "Callable[[str, str | None], ArgoServer]":
    @cache
    def connect(url: str, project: str | None) -> "ArgoServer":
        from bumper.argocd.server import connect_to_argocd  # most runs ask no Argo CD

        return connect_to_argocd(url, project, settings)

    return connect
