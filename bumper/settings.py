"""Who and where, from options and the environment, in that order: the GitOps repository, its GitLab, the tokens."""

import base64
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bumper.errors import WrongUsage
from bumper.log import Redactor, redactor

_TOKEN_VARIABLES = ("BUMPER_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN")
_SECRET_VARIABLES = (*_TOKEN_VARIABLES, "ARGOCD_AUTH_TOKEN", "CI_REGISTRY_PASSWORD")
_CA_VARIABLES = ("CI_SERVER_TLS_CA_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
# What git-check-ref-format refuses in a branch's name, and a leading dash, which would be an option.
_BAD_BRANCH = re.compile(r"^[-/.]|[\x00-\x20~^:?*\[\\\x7f]|\.\.|//|@\{|/\.|\.lock(/|$)|[/.]$|^@?$")
# user@host:group/project.git, git's short form of an SSH address
_SCP_LIKE = re.compile(r"(?P<user>\w[\w.-]*)@(?P<host>\w[\w.-]*):(?P<path>[\w.~/-][\w./~ -]*)")
_PATH = re.compile(r"[\w./~ -]+")
_PAGE_OF_A_PROJECT = "/-/"  # in the addresses of GitLab's pages, behind the project's path
_HINT = "write https://HOST/GROUP/PROJECT.git or git@HOST:GROUP/PROJECT.git"


@dataclass(frozen=True, slots=True)
class RepositoryAddress:
    """A GitOps repository: ``url`` for git (no password in it), ``gitlab_url`` of its GitLab, ``project`` there."""

    url: str
    gitlab_url: str
    project: str
    over_ssh: bool
    password: str | None = field(default=None, repr=False)  # the one that stood in the URL

    @property
    def name(self) -> str:
        """The repository's own name, the application where no folder names one."""
        return self.project.rpartition("/")[2]

    def is_at(self, gitlab_url: str | None) -> bool:
        """Whether ``gitlab_url`` names the server of the repository; over SSH the host's name decides."""
        named, own = urlsplit(gitlab_url or ""), urlsplit(self.url)
        if self.over_ssh:
            scp = _SCP_LIKE.fullmatch(self.url)
            return named.hostname == (scp["host"].lower() if scp is not None else own.hostname)
        return (named.scheme, named.netloc.lower()) == (own.scheme, own.netloc.lower())


def parse_repository(text: str, gitlab_url: str | None) -> RepositoryAddress:
    """Read an HTTPS or SSH URL; ``gitlab_url`` overrides the GitLab that follows from it (one under a sub-path).

    WrongUsage if it is another text; the message never shows a password.
    """
    scp = _SCP_LIKE.fullmatch(text)
    if scp is not None and "://" not in text:
        return _address(text, f"https://{scp['host']}", scp["path"], gitlab_url, over_ssh=True)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # its text may quote a part of the password
        raise WrongUsage(f"the repository's URL cannot be read; {_HINT}.") from None
    host = parts.hostname or ""
    if (
        parts.scheme not in ("http", "https", "ssh")
        or not host
        or host.startswith("-")
        or ((parts.query or parts.fragment) and _PAGE_OF_A_PROJECT not in parts.path)
    ):
        shown = f"{parts.scheme}://{host}{parts.path}" if "://" in text else text.rpartition("@")[2]
        raise WrongUsage(f"{shown!r} is not the URL of a repository on GitLab; {_HINT}.")
    bracketed = f"[{host}]" if ":" in host else host
    netloc = f"{bracketed}:{port}" if port is not None else bracketed
    if parts.scheme == "ssh":
        user = f"{parts.username}@" if parts.username else ""
        url, root = f"ssh://{user}{netloc}{parts.path}", f"https://{bracketed}"
        return _address(url, root, parts.path, gitlab_url, over_ssh=True)
    # With or without .git, or of a page that was open in a browser. GitLab redirects git from a path without .git, and
    # bumper sends no token after a redirect.
    path = parts.path.partition(_PAGE_OF_A_PROJECT)[0].rstrip("/").removesuffix(".git") + ".git"
    root = f"{parts.scheme}://{netloc}"
    password = parts.password if parts.password is not None else parts.username
    return _address(f"{root}{path}", root, path, gitlab_url, over_ssh=False, password=password)


def _address(
    url: str, root: str, path: str, gitlab_url: str | None, *, over_ssh: bool, password: str | None = None
) -> RepositoryAddress:
    project = unquote(path).strip("/").removesuffix(".git")
    if gitlab_url:
        parts = urlsplit(gitlab_url)
        is_web = parts.scheme in ("http", "https") and parts.hostname
        if not is_web or parts.query or parts.username or parts.password:
            raise WrongUsage("the GitLab URL must be http(s)://HOST[/PATH] without a user; check --gitlab-url.")
        root = gitlab_url.rstrip("/").removesuffix("/api/v4")
        below = urlsplit(root).path.strip("/")
        project = project.removeprefix(f"{below}/") if below and not over_ssh else project
    if not project:
        raise WrongUsage(f"{root} names no project on GitLab; {_HINT}.")
    steps = project.split("/")
    if _PATH.fullmatch(project) is None or any(step in ("", ".", "..") or step.startswith("-") for step in steps):
        raise WrongUsage(f"{path.rpartition('@')[2]!r} is not the path of a project on GitLab; {_HINT}.")
    return RepositoryAddress(url, root, project, over_ssh, unquote(password) if password else None)


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
    WrongUsage if there is no repository, or a value cannot be right.
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
    name = next(filter(environ.get, _CA_VARIABLES), None)
    path = Path(environ[name]) if name is not None else None
    if path is not None and not path.exists():
        raise WrongUsage(f"{name} names {path}, which does not exist; set it to a file of CA certificates.")
    return path


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
