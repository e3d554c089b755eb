"""Merging, squashing and rebasing in a bare repository, without a work tree."""

from bumper.sandbox.git.repository import GitError, Repository, Signature


def merged_tree(repository: Repository, ours: str, theirs: str) -> str | None:
    """The tree of the merge of two commits; None when they conflict."""
    done = repository.run("merge-tree", "--write-tree", "--no-messages", "--allow-unrelated-histories", ours, theirs)
    if done.returncode not in {0, 1}:
        raise GitError(done.stderr.decode("utf-8", "replace").strip())
    return done.stdout.decode().split("\n", 1)[0] if done.returncode == 0 else None


def rebased(repository: Repository, base: str, head: str, onto: str, committer: Signature) -> str | None:
    """The commits of ``base..head`` made anew on ``onto``, messages and authors kept; None when one conflicts."""
    span = repository.git("rev-list", "--reverse", "--topo-order", "--no-merges", f"{base}..{head}").split()
    tip = onto
    for commit in span:
        tree = _picked_tree(repository, commit, tip, committer)
        if tree is None:
            return None
        tip = repository.commit_tree(
            tree, [tip], message_of(repository, commit), author_of(repository, commit), committer
        )
    return tip


def message_of(repository: Repository, commit: str) -> str:
    """A commit's message as it was written."""
    return repository.git("log", "-1", "--format=%B", commit).removesuffix("\n")


def author_of(repository: Repository, commit: str) -> Signature:
    """A commit's author with the date."""
    name, email, date = repository.git("log", "-1", "--format=%an%x00%ae%x00@%ad", "--date=raw", commit).split("\0")
    return Signature(name, email, date.strip())


def _picked_tree(repository: Repository, commit: str, onto: str, committer: Signature) -> str | None:
    """Merge a commit's own change: two commits made for the purpose give merge-tree the parent as their common base.

    Git before 2.40 has no option for the base (``merge-tree --merge-base``).
    """
    parents = repository.git("rev-list", "--parents", "-1", commit).split()[1:]
    base = repository.commit_tree(repository.tree(parents[0]), [], "base", committer, committer)
    ours = repository.commit_tree(repository.tree(onto), [base], "ours", committer, committer)
    theirs = repository.commit_tree(repository.tree(commit), [base], "theirs", committer, committer)
    return merged_tree(repository, ours, theirs)
