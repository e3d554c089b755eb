"""Who and where: from options and the environment, in that order."""

import base64
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bumper.address import RepositoryAddress, parse_repository
from bumper.errors import WrongUsage
from bumper.redaction import Redactor, redactor

_TOKEN_VARIABLES = ("BUMPER_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN")
_SECRET_VARIABLES = (*_TOKEN_VARIABLES, "ARGOCD_AUTH_TOKEN", "CI_REGISTRY_PASSWORD")
_CA_VARIABLES = ("CI_SERVER_TLS_CA_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
# What git-check-ref-format refuses in a branch's name, and a leading dash, which would be an option.
_BAD_BRANCH = re.compile(r"^[-/.]|[\x00-\x20~^:?*\[\\\x7f]|\.\.|//|@\{|/\.|\.lock(/|$)|[/.]$|^@?$")


@dataclass(frozen=True, slots=True)
class Token:
    """A GitLab token, and the variable that it came from."""

    value: str = field(repr=False)
    source: str

    @property
    def is_job_token(self) -> bool:
        """Whether it is CI_JOB_TOKEN, which can push but cannot make merge requests over the API."""
        return self.source == "CI_JOB_TOKEN"

    @property
    def basic(self) -> str:
        """User and password of HTTP's Basic, as GitLab takes a token for git."""
        user = "gitlab-ci-token" if self.is_job_token else "oauth2"
        return base64.b64encode(f"{user}:{self.value}".encode()).decode()


@dataclass(frozen=True, slots=True)
class CacheFolder:
    """Where contents of values files are kept between runs.

    ``private``: it is this user's own, and what others may have written there does not count. A CI cache is restored
    with any owner and mode.
    """

    path: Path
    private: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """The GitOps repository and how to reach it; ``branch`` is None for the remote's default branch."""

    address: RepositoryAddress
    token: Token | None
    branch: str | None
    ca_file: Path | None
    argocd_token: Token | None = None
    argocd_server: str | None = None  # the only Argo CD that gets the token, where the environment names one
    cache: CacheFolder | None = None  # None: nothing is kept

    @property
    def redact(self) -> Redactor:
        """Takes the tokens out of what servers answer and git writes."""
        return redactor(token.value for token in (self.token, self.argocd_token) if token is not None)

    @property
    def has_api(self) -> bool:
        """Whether the token opens GitLab's API; without one, merge requests are made by push options."""
        return self.token is not None and not self.token.is_job_token


def read_settings(
    environ: Mapping[str, str], *, repo: str | None, branch: str | None, gitlab_url: str | None, inferred: bool = False
) -> Settings:
    """Settings from the options, which stand before the environment.

    ``inferred``: nobody named ``repo``, a checkout did, which may be anybody's. Its server gets GitLab's token only if
    ``gitlab_url`` names it, and the servers that its bumper.yaml names get Argo CD's only if ARGOCD_SERVER does.

    Raises:
        WrongUsage: no repository, or a value that cannot be one.

    """
    if not repo:
        raise WrongUsage("no GitOps repository is named; give --repo URL or set BUMPER_REPO.")
    address = parse_repository(repo, gitlab_url)
    if branch is not None and _BAD_BRANCH.search(branch):
        raise WrongUsage(f"{branch!r} is not a branch name", "check --branch (or BUMPER_BRANCH)")
    trusted = not inferred or address.is_at(gitlab_url)
    token = _token(environ, _TOKEN_VARIABLES) if trusted else None
    if token is None and address.password:
        token = Token(address.password, "the repository's URL")
    argocd_server = environ.get("ARGOCD_SERVER") or None
    argocd_token = _token(environ, ("ARGOCD_AUTH_TOKEN",)) if trusted or argocd_server else None
    return Settings(address, token, branch, _ca_file(environ), argocd_token, argocd_server, _cache(environ))


def environment_redactor(environ: Mapping[str, str]) -> Redactor:
    """Takes out of a text what any variable gives bumper as a secret."""
    return redactor(environ.get(name, "").strip() for name in _SECRET_VARIABLES)


def _token(environ: Mapping[str, str], names: Iterable[str]) -> Token | None:
    for name in names:
        value = environ.get(name, "").strip()
        if value:
            if not value.isascii() or not value.isprintable() or " " in value:
                raise WrongUsage(f"{name} contains characters that no token has; set it again.")
            return Token(value, name)
    return None


def _ca_file(environ: Mapping[str, str]) -> Path | None:
    for name in _CA_VARIABLES:
        if environ.get(name):
            path = Path(environ[name])
            if not path.exists():
                raise WrongUsage(f"{name} names {path}, which does not exist; set it to a file of CA certificates.")
            return path
    return None


def _cache(environ: Mapping[str, str]) -> CacheFolder | None:
    """The folder that BUMPER_CACHE names; else, outside CI, the user's own, by the XDG Base Directory Specification."""
    if named := environ.get("BUMPER_CACHE"):
        return CacheFolder(Path(named).absolute(), private=False)
    if environ.get("CI"):
        return None
    home = Path(environ.get("HOME", ""))
    folder = Path(environ.get("XDG_CACHE_HOME", ""))
    folder = folder if folder.is_absolute() else home / ".cache"
    return CacheFolder(folder / "bumper", private=True) if folder.is_absolute() else None


def environment() -> Mapping[str, str]:
    """The process's environment, read in this one place."""
    return os.environ
