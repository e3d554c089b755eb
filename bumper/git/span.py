"""A change as git has it, in the checkout that one stands in: the files before and after it, and its commits' messages.

*Before* is the common ancestor of the change and its target, as in GitLab's diff. Where a pipeline runs for the result
of the merge, it is the first parent of that.

The checkout is borrowed: a temporary repository names its objects as its own. So a shallow checkout can be deepened,
and another branch fetched, by the checkout's own remote and credentials, and nothing in it is changed.
"""

import contextlib
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from bumper.ci import MergeRequestPipeline
from bumper.errors import Refused, Unavailable, WrongUsage
from bumper.git.checkout import HEADS, Checkout, list_entries
from bumper.git.clone import make_clone_folder
from bumper.git.command import FETCH, GitCommand, GitFailed, git_environment, local_environment
from bumper.git.failures import explained
from bumper.git.local_tree import checkout_root
from bumper.git.objects import BlobStore, cut_commits, parse_commit, read_commits
from bumper.log import report_step
from bumper.settings import RepositoryAddress, Settings, parse_repository, read_settings

_SOURCE = "source"  # the checkout's own remote, where that is another project than the target branch's
# What of a checkout's configuration says how its remote is reached: GitLab's runner keeps the job's token there.
_REACHING = re.compile(r"(?:http|url|credential|ssh)\.|core\.(?:sshcommand|gitproxy)$", re.IGNORECASE)
_SCP_LIKE = re.compile(r"[\w.-]+(?:@[\w.-]+)?:")
_DEPTHS = (0, 100, 1000, 10_000, 1_000_000)  # commits; 0: those that are there
_USUAL = ("refs/remotes/origin/HEAD", "origin/main", "origin/master", "main", "master")
_MERGED_PARENTS = 2


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
    blobs: BlobStore = field(repr=False)

    def at(self, branch: str, commit: str) -> Checkout:
        """A commit that is there, of the branch."""
        return Checkout(self.git, self.settings, branch, commit, list_entries(self.git, commit), self.blobs)

    def resolve(self, revision: str) -> str | None:
        """The commit that a revision names in the checkout; None where it names none."""
        return self.own.query("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}") or None

    def has_uncommitted_changes(self) -> bool:
        """Whether files of the checkout that git knows are not as its newest commit has them; False without any."""
        # Its own settings are not to run a program, and whoever owns the folder may be somebody else.
        return bool(self.own.query("-c", "core.fsmonitor=false", "status", "--porcelain", "--untracked-files=no"))

    def fetch(self, what: str, step: str, depth: int, remote: str = "origin") -> None:
        """Fetch a commit or a branch without contents, as deep as that; ``step`` says for what.

        Unavailable where the checkout has no remote, or that does not answer.
        """
        if self.remote is None:
            no_remote = f"{step} failed: the checkout has no remote"
            raise Unavailable(no_remote, "fetch all of its history, or add the remote")
        with explained(step, self.settings):
            self.git.over_network(*FETCH, "--filter=blob:none", f"--depth={depth}", remote, what)


@dataclass(frozen=True, slots=True)
class Span:
    """A change: ``tip`` is the target branch as it is now, whose rules count.

    ``merged`` is what a merge would make of the tip; None where that is the head, or where git cannot tell.
    """

    tip: Checkout
    before: Checkout
    head: Checkout
    messages: tuple[str, ...]  # of its commits, the newest first
    merged: Checkout | None = None

    @property
    def steps(self) -> tuple[tuple[Checkout, Checkout], ...]:
        """What is to be compared: the change itself, and what its merge does to the target branch by now."""
        itself = (self.before, self.head)
        return (itself, (self.tip, self.merged)) if self.merged is not None else (itself,)


@contextlib.contextmanager
def borrow(place: Path, environ: Mapping[str, str], target: str) -> Iterator[Borrowed]:
    """The checkout that ``place`` is in, for as long as the caller works on it.

    ``target`` is the URL of the project that the change is to be merged into, empty where that is the checkout's own.

    Refused where there is no checkout.
    """
    root = checkout_root(place)
    own = GitCommand(root / ".git", local_environment(environ))
    config = _configuration(own)
    remote = _remote(config, root)
    parent = _parent(target, remote)
    settings = _settings(target or remote, root, environ, inferred=not target)
    reaching = [(key, value) for key, value in config if _REACHING.match(key)]
    reaching.append(("protocol.file.allow", "always"))
    if remote is not None:
        reaching.append(("remote.origin.url", parent or remote))
    if remote is not None and parent is not None:
        reaching.append((f"remote.{_SOURCE}.url", remote))
    if any(key.lower().endswith(".promisor") and value == "true" for key, value in config):
        reaching.append(("remote.origin.promisor", "true"))  # the checkout is a partial clone
    with make_clone_folder() as folder:
        environment = git_environment(replace(settings, token=None), environ, reaching)
        git = GitCommand(Path(folder) / "borrowed.git", environment)
        _make(git, own)
        yield Borrowed(git, own, settings, remote, parent is not None, BlobStore(git, settings, own))


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


def find_span(borrowed: Borrowed, base: str | None, head: str | None, request: MergeRequestPipeline | None) -> Span:
    """The change of ``head`` (by default of HEAD) against ``base``, by default the target of the merge request.

    Refused where a revision is not there, or the two have no one common ancestor; Unavailable where commits that are
    missing cannot be fetched.
    """
    after = borrowed.resolve(head or "HEAD")
    if after is None:
        raise Refused(f"the checkout has no commit {head or 'HEAD'}", "check --head")
    tip = _tip(borrowed, base, request)
    target, source = tip.tip, after
    if request is not None and request.is_merged and base is None and head is None:
        parents = parse_commit(after, borrowed.git.run("cat-file", "commit", after)).parents
        if len(parents) == _MERGED_PARENTS:
            target, source = parents
            _fetch_missing(borrowed, parents)
    common = _common_ancestor(borrowed, target, source)
    before = target if source != after else common
    own = borrowed.git.text("rev-list", source, f"^{target}").split()
    messages = tuple(commit.message for commit in read_commits(borrowed.git, own))
    merged = _merge(borrowed, tip, source) if before != tip.tip else None
    return Span(tip, borrowed.at(tip.branch, before), borrowed.at(tip.branch, after), messages, merged)


def _merge(borrowed: Borrowed, tip: Checkout, source: str) -> Checkout | None:
    """The files that a merge into the tip gives; None where they conflict, or git is older than 2.38."""
    _common_ancestor(borrowed, tip.tip, source)
    tree = borrowed.git.query("merge-tree", "--write-tree", tip.tip, source)
    return borrowed.at(tip.branch, tree) if tree else None


def _tip(borrowed: Borrowed, base: str | None, request: MergeRequestPipeline | None) -> Checkout:
    """The newest commit of the target branch: fetched in a merge request's pipeline, else as the checkout has it."""
    if base is None and request is not None:
        return _fetch_branch(borrowed, request.target_branch)
    for name in (base,) if base is not None else _USUAL:
        commit = borrowed.resolve(name)
        if commit is not None:
            return borrowed.at(_branch_name(borrowed, name), commit)
    if base is None:
        raise Refused("it is not clear which branch the change is for", "name it with --base")
    unknown = Refused(f"neither the checkout nor its remote has {base}", "check --base")
    if borrowed.remote is None:
        raise unknown
    try:
        return _fetch_branch(borrowed, base.removeprefix("origin/"))  # a runner's checkout has no branches
    except Refused:
        raise unknown from None


def _branch_name(borrowed: Borrowed, name: str) -> str:
    """The branch of a revision, as its remote calls it."""
    full = borrowed.own.query("rev-parse", "--symbolic-full-name", "--verify", "--quiet", "--end-of-options", name)
    return (full or name).removeprefix(HEADS).removeprefix("refs/remotes/").removeprefix("origin/")


def _fetch_branch(borrowed: Borrowed, branch: str) -> Checkout:
    ref = f"refs/bumper/fetched/{branch}"
    borrowed.fetch(f"+{HEADS}{branch}:{ref}", f"fetching {branch}", 1)
    return borrowed.at(branch, borrowed.git.text("rev-parse", ref))


def _fetch_missing(borrowed: Borrowed, commits: tuple[str, ...]) -> None:
    """Fetch commits of which a checkout that is one commit deep knows the ids alone."""
    for commit in commits:
        try:
            borrowed.git.run("cat-file", "-e", f"{commit}^{{tree}}")
        except GitFailed:
            borrowed.fetch(commit, "fetching the commits that were merged", 1)


def _common_ancestor(borrowed: Borrowed, target: str, source: str) -> str:
    for depth in _DEPTHS:
        if depth:
            report_step(f"fetching {depth} commits, to see where the change begins")
            borrowed.fetch(target, "fetching past commits", depth)
            borrowed.fetch(source, "fetching past commits", depth, _SOURCE if borrowed.has_source else "origin")
        found = borrowed.git.query("merge-base", "--all", target, source).split()
        cut = cut_commits(borrowed.git)
        between = borrowed.git.text("rev-list", target, source, *(f"^{one}" for one in found)).split() if cut else []
        # Else a nearer one may be among the commits that are not there.
        if not cut or (found and cut.isdisjoint(between)):
            break
    if len(found) != 1:
        what = "several common ancestors" if found else "no common ancestor"
        raise Refused(
            f"the change and its target have {what}, so that it is not clear what it changes",
            "rebase it onto the target branch",
        )
    return found[0]
