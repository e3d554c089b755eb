"""/projects/:id/repository/commits and compare."""

from bumper.sandbox.api.call import Answer, Call, page_asked, page_headers, page_of
from bumper.sandbox.api.git_views import View, commit_view, diff_view
from bumper.sandbox.api.views import merge_request_view, pipeline_view
from bumper.sandbox.behaviour.errors import bad_request, not_found
from bumper.sandbox.git.history import Commit, read_commits, read_diff
from bumper.sandbox.git.repository import GitError

_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def list_all(call: Call) -> Answer:
    """GET: history, newest first; GitLab does not count its length, so no totals.

    GitLab follows the renames of a path (and takes a copy for one) unless it is asked not to. With --follow git's
    --skip counts commits to other files, too, so such pages are counted here, as in Gitaly (``find_commits.go``).
    """
    parameters, (page, size) = call.parameters, page_asked(call)
    paths = [parameters.text("path")] if parameters.text("path") else []
    follows, before = bool(paths) and parameters.flag("follow", default=True), (page - 1) * size
    listed = before if follows else 0  # of the pages before this one
    arguments = ["--follow"] if follows else [f"--skip={before}"]
    arguments += [f"--max-count={listed + size + 1}"]
    arguments += [f"--{name}={parameters.text(name)}" for name in ("since", "until") if name in parameters]
    arguments += [f"--author={parameters.text('author')}"] if "author" in parameters else []
    arguments += ["--first-parent"] if parameters.flag("first_parent") else []
    stats = parameters.flag("with_stats")
    revision = "" if parameters.flag("all") else parameters.text("ref_name", call.project.default_branch)
    if revision and ".." not in revision and call.repository.commit_id(revision) is None:
        raise not_found("Commit") if "ref_name" in parameters else not_found("Repository")
    try:
        found = read_commits(call.repository, revision, options=arguments, paths=paths, stats=stats)
    except GitError:
        raise bad_request("ref_name is invalid") from None
    shown, trailers = found[listed : listed + size], parameters.flag("trailers")
    views = [commit_view(call.world, call.project, one, trailers=trailers, stats=stats) for one in shown]
    return Answer(views, headers=page_headers(call, more=len(found) > listed + size, links={"first": 1}))


def show(call: Call) -> Answer:
    """GET: one commit, by id, branch or tag, with what its pipeline says."""
    commit = _commit(call)
    pipelines = [one for one in call.world.records.pipelines.values() if one.sha == commit.id]
    last = pipeline_view(call.world, pipelines[-1]) if pipelines else None
    view = commit_view(call.world, call.project, commit, stats=True)
    return Answer({**view, "status": last and last["status"], "project_id": call.project.id, "last_pipeline": last})


def diff(call: Call) -> Answer:
    """GET diff: what the commit changed against its first parent."""
    commit = _commit(call)
    before = commit.parents[0] if commit.parents else _EMPTY_TREE
    return page_of(call, read_diff(call.repository, before, commit.id), diff_view)


def merge_requests(call: Call) -> Answer:
    """GET merge_requests: those that brought the commit in, or propose it, to whatever branch, the newest first."""
    world, project, repository, commit = call.world, call.project, call.repository, _commit(call)
    found = [
        one
        for one in sorted(world.merge_requests(project), key=lambda one: one.iid, reverse=True)
        if commit.id in {one.merge_commit_sha, one.squash_commit_sha, one.merged_commit_sha, one.sha}
        or (repository.is_ancestor(commit.id, one.sha) and not repository.is_ancestor(commit.id, one.base_sha))
    ]
    return page_of(call, found, lambda one: merge_request_view(world, project, one))


def refs(call: Call) -> Answer:
    """GET refs: the branches and tags that hold the commit."""
    commit, kinds = _commit(call), {"branch": "refs/heads", "tag": "refs/tags"}
    kind = call.parameters.choice("type", ("branch", "tag", "all"), "all")
    found: list[View] = []
    for name, folder in kinds.items():
        if kind in {"all", name}:
            lines = call.repository.git(
                "for-each-ref", f"--contains={commit.id}", "--format=%(refname:lstrip=2)", folder
            )
            found += [{"type": name, "name": line} for line in lines.splitlines()]
    return page_of(call, found, dict)


def compare(call: Call) -> Answer:
    """GET compare: commits and changes between two revisions; ``straight`` leaves the merge base out of it."""
    call.parameters.require("from", "to")
    repository = call.repository
    older, newer = (repository.commit_id(call.parameters.text(name)) for name in ("from", "to"))
    if older is None or newer is None:
        raise not_found("Ref")
    base = older if call.parameters.flag("straight") else repository.merge_base(older, newer) or older
    commits = [commit_view(call.world, call.project, one) for one in read_commits(repository, f"{base}..{newer}")]
    commits.reverse()
    return Answer(
        {
            "commit": commits[-1] if commits else None,
            "commits": commits,
            "diffs": [diff_view(one) for one in read_diff(repository, base, newer)],
            "compare_timeout": False,
            "compare_same_ref": older == newer,
            "web_url": f"{call.world.url}/{call.project.path}/-/compare/{older}...{newer}",
        }
    )


def _commit(call: Call) -> Commit:
    sha = call.repository.commit_id(call.arguments["sha"])
    if sha is None:
        raise not_found("Commit")
    return read_commits(call.repository, sha, options=["-1"], stats=True)[0]
