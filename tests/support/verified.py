"""A GitOps repository whose image is in a registry on this machine; every command asks it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.registry.fake_registry import DIGEST, Behaviour, FakeRegistry
from tests.support.command_line import CommandLine
from tests.support.gitops import Gitops, GitopsMaker

REPOSITORY = "team/app"
OPEN = Behaviour("open", repository=REPOSITORY, scheme="")
MOVED = f"sha256:{'0123456789abcdef' * 4}"  # what a tag means once it was moved
OLD = f"sha256:{'1' * 64}"  # of an image before
STAGING, PROD = "apps/app/envs/staging/values.yaml", "apps/app/envs/prod/values.yaml"

Serve = Callable[..., FakeRegistry]

__all__ = ["DIGEST", "MOVED", "OLD", "OPEN", "PROD", "REPOSITORY", "STAGING", "Serve", "Verified", "VerifiedMaker"]


@dataclass(frozen=True)
class Verified:
    """Runs bumper on the repository; the registry has the image with the tag 1.0.0 and no other."""

    gitops: Gitops
    bumper: CommandLine
    registry: FakeRegistry

    @property
    def image(self) -> str:
        return f"{self.registry.host}/{REPOSITORY}"

    @property
    def was_asked(self) -> bool:
        return bool(self.registry.seen)

    def run(self, *arguments: str, stdin: bytes = b"", code: int = 0) -> Any:  # noqa: ANN401 - JSON
        """What a command's JSON says."""
        return self.bumper(*arguments, "--output", "json", stdin=stdin, code=code).json

    def merged(self, *arguments: str) -> Any:  # noqa: ANN401 - JSON
        """The same, and its merge request is merged."""
        result = self.run(*arguments)
        assert result["status"] == "proposed", result
        self.gitops.merge(result["merge_request"]["iid"])
        return result

    def refused(self, *arguments: str, code: int = 1, stdin: bytes = b"") -> str:
        """The message of a command that fails with ``code`` and pushes nothing."""
        before = self.gitops.tip(), self.gitops.branches()
        message: str = self.run(*arguments, stdin=stdin, code=code)["error"]["message"]
        assert (self.gitops.tip(), self.gitops.branches()) == before
        return message

    def go_away(self) -> None:
        """The registry ends what it is asked, without an answer."""
        self.registry.replies = [None] * 100


@dataclass(frozen=True)
class VerifiedMaker:
    """Makes repositories whose files name the registry's image as ``{image}``."""

    make_gitops: GitopsMaker
    bumper: CommandLine
    serve: Serve

    def __call__(self, files: Mapping[str, str], behaviour: Behaviour = OPEN) -> Verified:
        registry = self.serve(behaviour)
        named = {path: text.replace("{image}", f"{registry.host}/{REPOSITORY}") for path, text in files.items()}
        return Verified(self.make_gitops(named), self.bumper, registry)
