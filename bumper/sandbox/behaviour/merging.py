"""Merging a merge request for real: new commits in the bare repository, by the project's merge method."""

from dataclasses import dataclass

from bumper.sandbox.behaviour.branch_updates import RefUpdate, branches_updated, message_refusal
from bumper.sandbox.behaviour.errors import unprocessable
from bumper.sandbox.git.merge import author_of, merged_tree, message_of, rebased
from bumper.sandbox.git.repository import NO_COMMIT, GitError, Repository, Signature
from bumper.sandbox.state.records import MergeRequest, Project, User
from bumper.sandbox.state.world import World, now, protection

_UNKNOWN = "Something went wrong during merge"


class _MergeFailed(Exception):
    """The merge cannot be; the message is GitLab's ``merge_error``."""


@dataclass(frozen=True, slots=True)
class _Result:
    """The target branch's new tip, and the commits that the merge request names."""

    tip: str
    merge_commit: str | None
    squash_commit: str | None


def merge(world: World, project: Project, user: User, merge_request: MergeRequest) -> MergeRequest:
    """Merge now. Raises GitLabError 422 when that fails; the reason is then the merge request's ``merge_error``."""
    repository = world.repository(project)
    target = repository.branch_tip(merge_request.target_branch) or NO_COMMIT
    try:
        result = _merge_commits(repository, project, user, merge_request, target)
        _obey_push_rules(repository, project, result)
        repository.set_branch(merge_request.target_branch, result.tip, target)
    except (_MergeFailed, GitError) as error:
        reason = str(error) if isinstance(error, _MergeFailed) else _UNKNOWN
        world.update(merge_request, merge_error=reason, auto_merge_by=None)
        raise unprocessable("Branch cannot be merged") from None
    world.add_note(merge_request, user.username, "merged", system=True)
    merged = world.update(
        merge_request,
        state="merged",
        merged_by=user.username,
        merged_at=now(),
        merge_commit_sha=result.merge_commit,
        squash_commit_sha=result.squash_commit,
        merged_commit_sha=result.tip,
        auto_merge_by=None,
        in_train=False,
        merge_error=None,
    )
    update = RefUpdate(target, result.tip, f"refs/heads/{merge_request.target_branch}")
    branches_updated(world, project, user, [update])
    _remove_source_branch(world, user, merged)
    return merged


def _merge_commits(
    repository: Repository, project: Project, user: User, merge_request: MergeRequest, target: str
) -> _Result:
    """Make the commits. Raises _MergeFailed where the project's rules or a conflict forbid it."""
    if merge_request.squash and project.squash_option == "never":
        raise _MergeFailed("This project does not allow squashing commits when merge requests are accepted.")
    if not merge_request.squash and project.squash_option == "always":
        raise _MergeFailed("This project requires squashing commits when merge requests are accepted.")
    head = _head_to_merge(repository, project, user, merge_request, target)
    squashed = _squash(repository, project, user, merge_request, target, head) if merge_request.squash else None
    if project.merge_method == "ff":
        return _Result(squashed or head, None, squashed)
    tree = merged_tree(repository, target, squashed or head)
    if tree is None:
        raise _MergeFailed("Merge request is not mergeable")
    message = merge_request.merge_commit_message or _merge_message(project, merge_request)
    signature = signature_of(user)
    commit = repository.commit_tree(tree, [target, squashed or head], message, signature, signature)
    return _Result(commit, commit, squashed)


def _obey_push_rules(repository: Repository, project: Project, result: _Result) -> None:
    """The commits that the merge makes are new on the server like those of a push. Raises _MergeFailed."""
    for commit in (result.squash_commit, result.merge_commit):
        reason = message_refusal(project, message_of(repository, commit)) if commit else None
        if reason:
            raise _MergeFailed(f"Something went wrong during merge pre-receive hook. {reason}")


def _head_to_merge(
    repository: Repository, project: Project, user: User, merge_request: MergeRequest, target: str
) -> str:
    """The head, or with automatic rebase its commits made anew on the target branch."""
    head = merge_request.sha
    if project.merge_method == "merge" or repository.is_ancestor(target, head):
        return head
    base = repository.merge_base(target, head)
    if project.automatic_rebase and base:
        tip = rebased(repository, base, head, target, signature_of(user))
        if tip:
            return tip
    raise _MergeFailed("Only fast-forward merge is allowed for your project. Please update your source branch")


def _squash(
    repository: Repository, project: Project, user: User, merge_request: MergeRequest, target: str, head: str
) -> str:
    """One commit instead of several; GitLab's message is the title alone, whatever the commits said.

    A single commit whose message is that already stays as it is.
    """
    base = repository.merge_base(target, head) or target
    commits = repository.git("rev-list", f"{base}..{head}").split()
    template = project.squash_commit_template or "%{title}"
    message = merge_request.squash_commit_message or _filled(template, project, merge_request)
    if len(commits) == 1 and message_of(repository, commits[0]).strip() == message.strip():
        return head
    author = author_of(repository, commits[-1]) if commits else signature_of(user)
    return repository.commit_tree(repository.tree(head), [base], message, author, signature_of(user))


def _merge_message(project: Project, merge_request: MergeRequest) -> str:
    usual = "Merge branch '%{source_branch}' into '%{target_branch}'\n\n%{title}\n\nSee merge request %{reference}"
    return _filled(project.merge_commit_template or usual, project, merge_request)


def _filled(template: str, project: Project, merge_request: MergeRequest) -> str:
    """GitLab's commit templates, with the variables that name branches, texts and the number."""
    known = {
        "source_branch": merge_request.source_branch,
        "target_branch": merge_request.target_branch,
        "title": merge_request.title,
        "description": merge_request.description,
        "reference": f"{project.path}!{merge_request.iid}",
        "local_reference": f"!{merge_request.iid}",
    }
    for name, value in known.items():
        template = template.replace(f"%{{{name}}}", value)
    return template


def signature_of(user: User) -> Signature:
    """The user as author of the server's own commits."""
    return Signature(user.name, f"{user.username}@sandbox.local")


def _remove_source_branch(world: World, user: User, merged: MergeRequest) -> None:
    """Where that was asked for; a branch that moved on or is protected stays."""
    asked = merged.should_remove_source_branch
    source, branch = world.source_project(merged), merged.source_branch
    repository = world.repository(source)
    tip = repository.branch_tip(branch)
    wanted = merged.force_remove_source_branch if asked is None else asked
    if not wanted or tip != merged.sha or protection(source, branch) is not None:
        return
    repository.set_branch(branch, NO_COMMIT, tip)
    branches_updated(world, source, user, [RefUpdate(tip, NO_COMMIT, f"refs/heads/{branch}")])
