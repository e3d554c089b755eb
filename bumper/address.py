"""Where the GitOps repository is: its URL for git, its GitLab for the API, taken apart and checked."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from bumper.errors import WrongUsage

# user@host:group/project.git, git's short form of an SSH address
_SCP_LIKE = re.compile(r"(?P<user>\w[\w.-]*)@(?P<host>\w[\w.-]*):(?P<path>[\w.~/-][\w./~ -]*)")
_PATH = re.compile(r"[\w./~ -]+")
_PAGE_OF_A_PROJECT = "/-/"  # in the addresses of GitLab's pages, behind the project's path
_HINT = "write https://HOST/GROUP/PROJECT.git or git@HOST:GROUP/PROJECT.git"


@dataclass(frozen=True, slots=True)
class RepositoryAddress:
    """A GitOps repository: ``url`` for git (no password in it), ``api_url`` of its GitLab, ``project`` there."""

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

    Raises:
        WrongUsage: it is no such URL. The message never shows a password.

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
        return _address(
            f"ssh://{user}{netloc}{parts.path}", f"https://{bracketed}", parts.path, gitlab_url, over_ssh=True
        )
    password = parts.password if parts.password is not None else parts.username
    root = f"{parts.scheme}://{netloc}"
    path = _git_path(parts.path)
    return _address(f"{root}{path}", root, path, gitlab_url, over_ssh=False, password=password)


def _git_path(path: str) -> str:
    """The path that git asks for, of one with or without ``.git`` or of a page that was open in a browser.

    GitLab redirects git from a path without ``.git``, and bumper sends no token after a redirect.
    """
    project = path.partition(_PAGE_OF_A_PROJECT)[0].rstrip("/").removesuffix(".git")
    return f"{project}.git"


def _address(
    url: str, root: str, path: str, gitlab_url: str | None, *, over_ssh: bool, password: str | None = None
) -> RepositoryAddress:
    gitlab = _parse_gitlab(gitlab_url) if gitlab_url else root
    project = unquote(path).strip("/").removesuffix(".git")
    below = urlsplit(gitlab).path.strip("/")
    if below and not over_ssh:
        project = project.removeprefix(f"{below}/")
    if not project:
        raise WrongUsage(f"{root} names no project on GitLab; {_HINT}.")
    steps = project.split("/")
    if _PATH.fullmatch(project) is None or any(step in ("", ".", "..") or step.startswith("-") for step in steps):
        raise WrongUsage(f"{path.rpartition('@')[2]!r} is not the path of a project on GitLab; {_HINT}.")
    return RepositoryAddress(url, gitlab, project, over_ssh, unquote(password) if password else None)


def _parse_gitlab(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username or parts.password:
        raise WrongUsage("the GitLab URL must be http(s)://HOST[/PATH] without a user; check --gitlab-url.")
    return text.rstrip("/").removesuffix("/api/v4")
