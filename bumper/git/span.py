"""A change as git has it: the files before and after it, the target branch's newest commit, and its commits' messages.

*Before* is the common ancestor of the change and its target, as in GitLab's diff. Where a pipeline runs for the result
of the merge, it is the first parent of that. A shallow checkout is deepened until that is certain.
"""

from dataclasses import dataclass

from bumper.ci import MergeRequestPipeline
from bumper.errors import Refused, Unavailable
from bumper.git.borrowed import SOURCE, Borrowed
from bumper.git.checkout import HEADS, Checkout
from bumper.git.command import FETCH, GitFailed
from bumper.git.failures import explained
from bumper.git.objects import cut_commits, parse_commit, read_commits
from bumper.progress import report_step

_DEPTHS = (0, 100, 1000, 10_000, 1_000_000)  # commits; 0: those that are there
_USUAL = ("refs/remotes/origin/HEAD", "origin/main", "origin/master", "main", "master")
_MERGED_PARENTS = 2


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


def find_span(borrowed: Borrowed, base: str | None, head: str | None, request: MergeRequestPipeline | None) -> Span:
    """The change of ``head`` (by default of HEAD) against ``base``, by default the target of the merge request.

    Raises:
        Refused: a revision is not there, or the two have no one common ancestor.
        Unavailable: commits that are missing cannot be fetched.

    """
    after = borrowed.resolve(head or "HEAD")
    if after is None:
        raise Refused(f"The checkout has no commit {head or 'HEAD'}", "check --head")
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
        raise Refused("It is not clear which branch the change is for", "name it with --base")
    unknown = Refused(f"Neither the checkout nor its remote has {base}", "check --base")
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
    _fetch(borrowed, "origin", f"+{HEADS}{branch}:{ref}", f"fetching {branch}", "--depth=1")
    return borrowed.at(branch, borrowed.git.text("rev-parse", ref))


def _fetch_missing(borrowed: Borrowed, commits: tuple[str, ...]) -> None:
    """Fetch commits of which a checkout that is one commit deep knows the ids alone."""
    for commit in commits:
        try:
            borrowed.git.run("cat-file", "-e", f"{commit}^{{tree}}")
        except GitFailed:
            _fetch(borrowed, "origin", commit, "fetching the commits that were merged", "--depth=1")


def _common_ancestor(borrowed: Borrowed, target: str, source: str) -> str:
    for depth in _DEPTHS:
        if depth:
            report_step(f"fetching {depth} commits, to see where the change begins")
            remote = SOURCE if borrowed.has_source else "origin"
            _fetch(borrowed, "origin", target, "fetching past commits", f"--depth={depth}")
            _fetch(borrowed, remote, source, "fetching past commits", f"--depth={depth}")
        found = borrowed.git.query("merge-base", "--all", target, source).split()
        cut = cut_commits(borrowed.git)
        between = borrowed.git.text("rev-list", target, source, *(f"^{one}" for one in found)).split() if cut else []
        if found and cut.isdisjoint(between):  # else a nearer one may be among the commits that are not there
            break
        if not cut:
            break
    if len(found) != 1:
        what = "several common ancestors" if found else "no common ancestor"
        raise Refused(
            f"the change and its target have {what}, so that it is not clear what it changes",
            "rebase it onto the target branch",
        )
    return found[0]


def _fetch(borrowed: Borrowed, remote: str, what: str, step: str, extent: str) -> None:
    if borrowed.remote is None:
        raise Unavailable(f"{step} failed: the checkout has no remote", "fetch all of its history, or add the remote")
    with explained(step, borrowed.settings):
        borrowed.git.over_network(*FETCH, "--filter=blob:none", extent, remote, what)
