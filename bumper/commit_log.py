"""Which commits touched a path, and which merge request brought a commit: GitLab's commits API."""

from collections.abc import Iterator

from bumper.forge import Forge, translated
from bumper.merge_requests import MergeRequest, read_merge_request

_PAGE = 50  # commits


def commits_that_touched(forge: Forge, path: str, start: str) -> Iterator[list[str]]:
    """Ids of the first-parent commits from ``start`` back that changed ``path``, the newest first, a page at a time.

    ``path`` is a file, a folder, or empty for the whole repository.
    """
    page = 1
    while True:
        query = {"ref_name": start, "first_parent": True, "per_page": _PAGE, "page": page}
        with translated(forge, f"listing the commits of {path or 'the repository'}"):
            found = forge.project.commits.list(
                get_all=False, iterator=False, query_parameters=query | ({"path": path} if path else {})
            )
        if found:
            yield [str(commit.get_id()) for commit in found]
        if len(found) < _PAGE:
            return
        page += 1


def merge_request_of(forge: Forge, commit: str) -> MergeRequest | None:
    """The merged merge request that brought ``commit`` to the target branch."""
    with translated(forge, f"looking up the merge request of {commit[:12]}"):
        found = forge.project.commits.get(commit, lazy=True).merge_requests(query_parameters={"per_page": 20})
        requests = [read_merge_request(dict(one)) for one in found]
    return next((one for one in requests if one.state == "merged"), None)
