"""What GitLab CI says of the job that bumper runs in: its pipeline, its source commit, who started it."""

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

# What GitLab reads as a name, an issue or a merge request, and the middle of a URL that may lead to one.
_REFERENCE = re.compile(r"[@#!](?=\w)|(?<=:)/(?=/)")


# A GitLab that started a thousand pipelines a second would need thirty years for these: a larger id is no pipeline's,
# and a record that holds one would stop every real pipeline.
MAX_PIPELINE_ID = 10**12


def is_pipeline_id(text: str) -> bool:
    """Whether ``text`` is the id of a pipeline: ASCII digits, no more than GitLab can have counted to."""
    return re.fullmatch(r"[0-9]{1,13}", text) is not None and 0 < int(text) <= MAX_PIPELINE_ID


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The CI pipeline that asks: its id orders the pipelines of one source project (server and path)."""

    id: int
    url: str
    project: str
    created: datetime | None = field(default=None, compare=False)  # only of the pipeline that bumper runs in


@dataclass(frozen=True, slots=True)
class Source:
    """The commit whose pipeline asks: project (path and URL), branch or tag, author (``Name <email>``), title."""

    project: str
    url: str
    commit: str
    branch: str
    author: str
    title: str = ""


def read_pipeline(environ: Mapping[str, str]) -> Pipeline | None:
    """The CI pipeline that bumper runs in, if it runs in one."""
    number = environ.get("CI_PIPELINE_ID", "")
    if not is_pipeline_id(number):
        return None
    project = f"{environ.get('CI_SERVER_URL', '')}/{environ.get('CI_PROJECT_PATH', '')}"
    created = None
    with contextlib.suppress(ValueError):
        created = datetime.fromisoformat(environ.get("CI_PIPELINE_CREATED_AT", ""))
    if created is not None and created.tzinfo is None:  # GitLab writes the zone
        created = None
    return Pipeline(int(number), environ.get("CI_PIPELINE_URL", ""), project, created)


def read_source(environ: Mapping[str, str]) -> Source | None:
    """The commit that the CI pipeline runs for, if bumper runs in one."""
    names = (
        "CI_PROJECT_PATH", "CI_PROJECT_URL", "CI_COMMIT_SHA", "CI_COMMIT_REF_NAME", "CI_COMMIT_AUTHOR",
        "CI_COMMIT_TITLE",
    )  # fmt: skip
    source = Source(*(environ.get(name, "") for name in names))
    return source if source.project and source.commit else None


@dataclass(frozen=True, slots=True)
class MergeRequestPipeline:
    """The merge request whose pipeline asks: its project, its number there and the branch that it is to be merged into.

    ``is_merged``: the commit that runs is the result of the merge, and its first parent is what it is merged into.
    """

    project_url: str
    iid: int | None
    target_branch: str
    is_merged: bool


def read_merge_request(environ: Mapping[str, str]) -> MergeRequestPipeline | None:
    """The merge request that bumper runs for, if it runs in the pipeline of one."""
    iid, branch = environ.get("CI_MERGE_REQUEST_IID", ""), environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "")
    if not branch:
        return None
    is_merged = environ.get("CI_MERGE_REQUEST_EVENT_TYPE") in {"merged_result", "merge_train"}
    number = int(iid) if is_pipeline_id(iid) else None
    return MergeRequestPipeline(environ.get("CI_MERGE_REQUEST_PROJECT_URL", ""), number, branch, is_merged)


def read_deploy_freeze(environ: Mapping[str, str]) -> bool | None:
    """Whether GitLab started the pipeline in one of the deploy freezes of the project that a change is merged into.

    None outside of that project's pipelines: a fork has deploy freezes of its own.
    """
    target = environ.get("CI_MERGE_REQUEST_PROJECT_ID") or environ.get("CI_PROJECT_ID")
    if not target or target != environ.get("CI_PROJECT_ID"):
        return None
    return environ.get("CI_DEPLOY_FREEZE") == "true"


def requested_by(environ: Mapping[str, str]) -> str | None:
    """The GitLab user who started the pipeline."""
    return environ.get("GITLAB_USER_LOGIN") or None


def argocd_references(environ: Mapping[str, str]) -> dict[str, str]:
    """Argo CD's own trailers (its source hydrator reads them), from GitLab's CI variables.

    The body is a JSON string by Argo CD's rule. What the author of a commit wrote closes no issue and names nobody
    once more: in JSON such signs are escaped, in the subject a space without width follows them.
    """
    body = environ.get("CI_COMMIT_DESCRIPTION", "").strip()
    values = {
        "Argocd-reference-commit-author": environ.get("CI_COMMIT_AUTHOR", ""),
        "Argocd-reference-commit-sha": environ.get("CI_COMMIT_SHA", ""),
        "Argocd-reference-commit-subject": _REFERENCE.sub("\\g<0>\u200b", environ.get("CI_COMMIT_TITLE", "")),
        "Argocd-reference-commit-body": _REFERENCE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", json.dumps(body))
        if body
        else "",
        "Argocd-reference-commit-repourl": environ.get("CI_PROJECT_URL", ""),
        "Argocd-reference-commit-date": environ.get("CI_COMMIT_TIMESTAMP", ""),
    }
    return {name: value for name, value in values.items() if value}
