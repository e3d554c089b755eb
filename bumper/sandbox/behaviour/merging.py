"""Merging a merge request for real: new commits in the bare repository, by the project's merge method."""

from dataclasses import dataclass

from bumper.sandbox.api.errors import GitLabError, unprocessable
from bumper.sandbox.behaviour.branch_updates import RefUpdate, branches_updated
from bumper.sandbox.behaviour.mergeability import RUNNING, detailed_status, settled
from bumper.sandbox.git.merge import author_of, merged_tree, message_of
from bumper.sandbox.git.repository import NO_COMMIT, GitError, Repository, Signature
from bumper.sandbox.state.records import MergeRequest, Project, User
from bumper.sandbox.state.world import World, now


@dataclass(frozen=True, slots=True)
class _Result:
    """The target branch's new tip, and the commits that the merge request names."""

    tip: str
    merge_commit: str | None
    squash_commit: str | None


def merge(world: World, project: Project, user: User, merge_request: MergeRequest) -> MergeRequest:
    """Merge now. Raises GitLabError 422 when git cannot, or the target branch moved meanwhile."""
    repository = world.repository(project)
    target = repository.branch_tip(merge_request.target_branch) or NO_COMMIT
    result = _merge_commits(repository, project, user, merge_request, target)
    if result is None:
        raise unprocessable("Branch cannot be merged")
    try:
        repository.set_branch(merge_request.target_branch, result.tip, target)
    except GitError:
        raise unprocessable("Branch cannot be merged") from None
    world.add_note(merge_request, user.username, "merged", system=True)
    merged = world.update(
        merge_request,
        state="merged",
        merged_by=user.username,
        merged_at=now(),
        merge_commit_sha=result.merge_commit,
        squash_commit_sha=result.squash_commit,
        auto_merge_by=None,
        in_train=False,
    )
    update = RefUpdate(target, result.tip, f"refs/heads/{merge_request.target_branch}")
    branches_updated(world, project, user, [update])
    _remove_source_branch(world, project, user, merged)
    return merged


def fire_auto_merges(world: World, project: Project) -> None:
    """Merge what was set to merge automatically and can be merged by now; one that conflicts loses the setting."""
    for merge_request in world.merge_requests(project):
        if merge_request.state != "opened" or merge_request.auto_merge_by is None:
            continue
        current = settled(world, project, merge_request)
        status, pipeline = detailed_status(world, project, current), world.head_pipeline(current)
        if status == "conflict" or (pipeline and pipeline.status in {"failed", "canceled"}):
            world.update(current, auto_merge_by=None, in_train=False)
        elif status == "mergeable" and not (pipeline and pipeline.status in RUNNING):
            _merge_quietly(world, project, current)


def _merge_quietly(world: World, project: Project, merge_request: MergeRequest) -> None:
    user = world.records.users[merge_request.auto_merge_by or merge_request.author]
    try:
        merge(world, project, user, merge_request)
    except GitLabError as error:
        world.update(merge_request, auto_merge_by=None, merge_error=str(error.body["message"]))


def wants_squash(project: Project, merge_request: MergeRequest) -> bool:
    """Whether the commits become one: the project may decide it for all."""
    decided = {"always": True, "never": False}
    return decided.get(project.squash_option, merge_request.squash)


def _merge_commits(
    repository: Repository, project: Project, user: User, merge_request: MergeRequest, target: str
) -> _Result | None:
    """Make the commits; None when the merge conflicts, or is no fast-forward where that is demanded."""
    head = merge_request.sha
    if target == NO_COMMIT or (project.merge_method != "merge" and not repository.is_ancestor(target, head)):
        return None
    squashed = (
        _squash(repository, project, user, merge_request, target) if wants_squash(project, merge_request) else None
    )
    if project.merge_method == "ff":
        return _Result(squashed or head, None, squashed)
    tree = merged_tree(repository, target, squashed or head)
    if tree is None:
        return None
    message = merge_request.merge_commit_message or _merge_message(project, merge_request)
    signature = signature_of(user)
    commit = repository.commit_tree(tree, [target, squashed or head], message, signature, signature)
    return _Result(commit, commit, squashed)


def _squash(repository: Repository, project: Project, user: User, merge_request: MergeRequest, target: str) -> str:
    """One commit instead of several; GitLab's message is the title alone, whatever the commits said.

    A single commit whose message is that already stays as it is.
    """
    base = repository.merge_base(target, merge_request.sha) or target
    commits = repository.git("rev-list", f"{base}..{merge_request.sha}").split()
    template = project.squash_commit_template or "%{title}"
    message = merge_request.squash_commit_message or _filled(template, project, merge_request)
    if len(commits) == 1 and message_of(repository, commits[0]).strip() == message.strip():
        return merge_request.sha
    author = author_of(repository, commits[-1]) if commits else signature_of(user)
    return repository.commit_tree(repository.tree(merge_request.sha), [base], message, author, signature_of(user))


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


def _remove_source_branch(world: World, project: Project, user: User, merged: MergeRequest) -> None:
    asked = merged.should_remove_source_branch
    repository, branch = world.repository(project), merged.source_branch
    tip = repository.branch_tip(branch)
    if not (merged.force_remove_source_branch if asked is None else asked) or tip != merged.sha:
        return
    repository.set_branch(branch, NO_COMMIT, tip)
    branches_updated(world, project, user, [RefUpdate(tip, NO_COMMIT, f"refs/heads/{branch}")])
