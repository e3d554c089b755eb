"""The checkout that one stands in, borrowed: its objects are read where they are, and what is fetched goes elsewhere.

A temporary repository names the checkout's objects as its own. So a shallow checkout can be deepened, and another
branch fetched, by the checkout's own remote and credentials, and nothing in it is changed.
"""

import contextlib
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from bumper.address import RepositoryAddress, parse_repository
from bumper.errors import Refused, WrongUsage
from bumper.git.checkout import Checkout, list_entries
from bumper.git.clone import make_clone_folder
from bumper.git.command import GitCommand, GitFailed, git_environment, local_environment
from bumper.git.local_tree import checkout_root
from bumper.git.objects import BlobStore
from bumper.settings import Settings, read_settings

SOURCE = "source"  # the checkout's own remote, where that is another project than the target branch's
# What of a checkout's configuration says how its remote is reached: GitLab's runner keeps the job's token there.
_REACHING = re.compile(r"(?:http|url|credential|ssh)\.|core\.(?:sshcommand|gitproxy)$", re.IGNORECASE)
_SCP_LIKE = re.compile(r"[\w.-]+(?:@[\w.-]+)?:")


@dataclass(frozen=True, slots=True)
class Borrowed:
    """The temporary repository, and the checkout whose objects it has; ``remote`` is its URL, None without one.

    ``has_source``: the checkout is of another project than its target branch, a fork.
    """

    git: GitCommand
    own: GitCommand
    settings: Settings
    remote: str | None
    has_source: bool

    def at(self, branch: str, commit: str) -> Checkout:
        """A commit that is there, of the branch."""
        blobs = BlobStore(self.git, self.settings, self.own)
        return Checkout(self.git, self.settings, branch, commit, list_entries(self.git, commit), blobs)

    def resolve(self, revision: str) -> str | None:
        """The commit that a revision names in the checkout; None where it names none."""
        return self.own.query("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}") or None

    def has_uncommitted_changes(self) -> bool:
        """Whether files of the checkout that git knows are not as its newest commit has them; False without any."""
        # Its own settings are not to run a program, and whoever owns the folder may be somebody else.
        return bool(self.own.query("-c", "core.fsmonitor=false", "status", "--porcelain", "--untracked-files=no"))


@contextlib.contextmanager
def borrow(place: Path, environ: Mapping[str, str], target: str) -> Iterator[Borrowed]:
    """The checkout that ``place`` is in, for as long as the caller works on it.

    ``target`` is the URL of the project that the change is to be merged into, empty where that is the checkout's own.

    Raises:
        Refused: there is no checkout.

    """
    root = checkout_root(place)
    own = GitCommand(root / ".git", local_environment(environ))
    config = _configuration(own)
    remote = _remote(config, root)
    parent = _parent(target, remote)
    settings = _settings(target or remote, root, environ, inferred=not target)
    reaching = [(key, value) for key, value in config if _REACHING.match(key)]
    reaching += [("protocol.file.allow", "always"), *_remotes(parent or remote, remote if parent else None, config)]
    with make_clone_folder() as folder:
        git = GitCommand(
            Path(folder) / "borrowed.git", git_environment(replace(settings, token=None), environ, reaching)
        )  # fmt: skip
        _make(git, own)
        yield Borrowed(git, own, settings, remote, has_source=parent is not None)


def _make(git: GitCommand, own: GitCommand) -> None:
    try:
        kind = own.text("rev-parse", "--show-object-format")
        objects, shallow = (own.text("rev-parse", "--git-path", name) for name in ("objects", "shallow"))
        git.run("init", "--quiet", "--bare", "--template=", f"--object-format={kind}", str(git.directory))
    except GitFailed as error:
        reason = error.stderr.strip().removeprefix("fatal: ").rstrip(".")
        raise Refused(f"{own.directory.parent}: git cannot read the checkout ({reason})", "repair it") from error
    root = own.directory.parent
    info = git.directory / "objects" / "info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "alternates").write_text(f"{root / objects}\n", encoding="utf-8", errors="surrogateescape")
    if (root / shallow).exists():
        shutil.copy(root / shallow, git.directory / "shallow")


def _configuration(own: GitCommand) -> list[tuple[str, str]]:
    """The checkout's own configuration, what it includes among it."""
    try:
        listed = own.run("config", "--local", "--includes", "-z", "--list").decode(errors="surrogateescape")
    except GitFailed:  # it has none
        return []
    return [(key, value) for key, _, value in (entry.partition("\n") for entry in listed.split("\0")) if key]


def _remote(config: Sequence[tuple[str, str]], root: Path) -> str | None:
    """The URL of the checkout's remote: ``origin``, else the only one."""
    urls = {key.lower(): value for key, value in reversed(config) if re.fullmatch(r"(?i)remote\..+\.url", key)}
    found = urls.get("remote.origin.url") or (next(iter(urls.values())) if len(urls) == 1 else None)
    if found is None or "://" in found or _SCP_LIKE.match(found):
        return found
    return str((root / found).resolve())


def _parent(target: str, remote: str | None) -> str | None:
    """The URL of the target's project where the checkout is of another: the remote's server and login, its path.

    A runner may know its GitLab by another name than GitLab itself, so that the servers' names are not compared.
    """
    if not target or remote is None:
        return None
    wanted = _project(urlsplit(target).path)
    if "://" not in remote:
        server, _, path = remote.partition(":")
        is_own = not path or _project(f"/{path.lstrip('/')}") == wanted  # a path of this machine is nobody's fork
        return None if is_own else f"{server}:{wanted.lstrip('/')}.git"
    own = urlsplit(remote)
    return None if own.scheme == "file" or _project(own.path) == wanted else f"{own.scheme}://{own.netloc}{wanted}.git"


def _project(path: str) -> str:
    return path.rstrip("/").removesuffix(".git")


def _settings(url: str | None, root: Path, environ: Mapping[str, str], *, inferred: bool) -> Settings:
    """The project and the token for its API, as far as the environment has one; git is not given it."""
    gitlab_url = environ.get("BUMPER_GITLAB_URL") or environ.get("CI_SERVER_URL")
    try:
        address = parse_repository(url or "", gitlab_url)
    except WrongUsage:  # a repository without a GitLab
        name = _project(url or str(root)).rpartition("/")[2]
        return Settings(RepositoryAddress(url or str(root), "", name, over_ssh=False), None, None, None)
    return read_settings(environ, repo=address.url, branch=None, gitlab_url=gitlab_url, inferred=inferred)


def _remotes(origin: str | None, source: str | None, config: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    if origin is not None:
        yield "remote.origin.url", origin
    if source is not None:
        yield f"remote.{SOURCE}.url", source
    if any(key.lower().endswith(".promisor") and value == "true" for key, value in config):
        yield "remote.origin.promisor", "true"  # the checkout is a partial clone
