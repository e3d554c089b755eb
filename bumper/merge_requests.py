"""Merge requests on GitLab: find, open, update, comment, close. The only importer of python-gitlab."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import requests
from gitlab import Gitlab
from gitlab.exceptions import GitlabAuthenticationError, GitlabCreateError, GitlabError
from gitlab.v4.objects import Project

from bumper.errors import BumperError, Refused, Unavailable
from bumper.proposal import Proposal
from bumper.record import Record, read_comment
from bumper.settings import Settings

_SECONDS = 30  # for one answer
_CHECKING = frozenset({"unchecked", "checking", "preparing"})
_PAUSES = (0.1, 0.2, 0.5, 1, 2, 3, 5)  # seconds between questions while GitLab checks a merge request
_STATE_CHANGES = {"close": "closed", "reopen": "opened"}


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """A merge request as GitLab tells of it; ``sha`` is its source branch's head."""

    iid: int
    url: str
    state: str  # opened, closed, merged or locked
    title: str
    description: str
    source_branch: str
    sha: str | None
    merge_status: str  # GitLab's detailed_merge_status
    has_conflict: bool
    auto_merge: bool
    record: Record | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Forge:
    """The GitOps repository's project on its GitLab."""

    project: Project
    settings: Settings


@dataclass(frozen=True, slots=True)
class People:
    """Whom a merge request is shown to, by user name."""

    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()


NOBODY = People()


def connect(settings: Settings) -> Forge:
    """The project's API; nothing is asked yet.

    Raises:
        Unavailable: there is no token.

    """
    if settings.token is None:
        raise Unavailable(
            "GitLab's API needs a token; set BUMPER_TOKEN to one with the scopes api and write_repository."
        )
    gitlab = Gitlab(
        settings.address.gitlab_url,
        oauth_token=settings.token.value,  # as Bearer, which does not follow a redirect to another host
        timeout=_SECONDS,
        ssl_verify=str(settings.ca_file) if settings.ca_file is not None else True,
    )
    return Forge(gitlab.projects.get(settings.address.project, lazy=True), settings)


def find(forge: Forge, source_branch: str, target_branch: str) -> list[MergeRequest]:
    """The merge requests of a branch in every state, the newest first."""
    return _list(forge, state="all", source_branch=source_branch, target_branch=target_branch)


def find_open(forge: Forge, target_branch: str) -> list[MergeRequest]:
    """All open merge requests for the target branch, the newest first."""
    return _list(forge, state="opened", target_branch=target_branch)


def _list(forge: Forge, **filters: str) -> list[MergeRequest]:
    with _translated(forge, "listing merge requests"):
        found = forge.project.mergerequests.list(
            get_all=True,
            iterator=False,
            query_parameters={"per_page": 100, "order_by": "created_at", "sort": "desc", **filters},
        )
        return [_read(one.attributes) for one in found]


def read(forge: Forge, iid: int) -> MergeRequest:
    """One merge request as it is now; asking makes GitLab check whether it can be merged."""
    with _translated(forge, f"reading merge request !{iid}"):
        return _read(forge.project.mergerequests.get(iid).attributes)


def read_settled(forge: Forge, iid: int) -> MergeRequest:
    """The same once GitLab has checked whether it can be merged, which it does after the first question."""
    for pause in _PAUSES:
        found = read(forge, iid)
        if found.merge_status not in _CHECKING:
            break
        time.sleep(pause)
    return found


def create(forge: Forge, proposal: Proposal, people: People) -> MergeRequest | None:
    """Open a merge request for a branch that has been pushed; None where one is open already (GitLab's 409)."""
    with _translated(forge, f"opening a merge request for {proposal.branch}"):
        try:
            made = forge.project.mergerequests.create(
                {
                    "source_branch": proposal.branch,
                    "target_branch": proposal.target_branch,
                    "remove_source_branch": True,
                    "squash": False,
                    **_content(proposal),
                    **_people(forge, people),
                }
            )
        except GitlabCreateError as error:
            if error.response_code == HTTPStatus.CONFLICT:
                return None
            raise
        return _read(made.attributes)


def update(forge: Forge, iid: int, proposal: Proposal) -> MergeRequest:
    """Give an open merge request the proposal's title, description and labels."""
    with _translated(forge, f"updating merge request !{iid}"):
        return _read(dict(forge.project.mergerequests.update(iid, _content(proposal, add=True))))


def set_state(forge: Forge, iid: int, event: str, description: str | None = None) -> None:
    """``event`` is GitLab's close or reopen."""
    data = {"state_event": event} | ({"description": description} if description is not None else {})
    with _translated(forge, f"making merge request !{iid} {_STATE_CHANGES[event]}"):
        forge.project.mergerequests.update(iid, data)


def say(forge: Forge, iid: int, text: str) -> None:
    """Comment on a merge request."""
    with _translated(forge, f"commenting on merge request !{iid}"):
        forge.project.mergerequests.get(iid, lazy=True).notes.create({"body": text})


def messages_between(forge: Forge, target_branch: str, branch: str) -> list[tuple[str, str]]:
    """Author and message of the commits that ``branch`` has and ``target_branch`` has not."""
    with _translated(forge, f"comparing {branch} with {target_branch}"):
        compared = forge.project.repository_compare(target_branch, branch)
        commits: list[dict[str, Any]] = compared["commits"] if isinstance(compared, dict) else []
        return [(f"{commit['author_name']} <{commit['author_email']}>", commit["message"]) for commit in commits]


def unknown_people(forge: Forge, people: People) -> list[str]:
    """The user names that GitLab does not know; nothing is asked where nobody is named."""
    names = dict.fromkeys((*people.reviewers, *people.assignees))
    with _translated(forge, "looking up reviewers"):
        return [name for name in names if _user_id(forge, name) is None]


def _people(forge: Forge, people: People) -> dict[str, list[int]]:
    ids = {
        "reviewer_ids": [_user_id(forge, name) for name in people.reviewers],
        "assignee_ids": [_user_id(forge, name) for name in people.assignees],
    }
    return {key: [number for number in numbers if number is not None] for key, numbers in ids.items() if numbers}


def _user_id(forge: Forge, name: str) -> int | None:
    found = forge.project.manager.gitlab.users.list(username=name, get_all=False)
    return next((int(user.get_id() or 0) for user in found), None)


def _content(proposal: Proposal, *, add: bool = False) -> dict[str, object]:
    labels = {"add_labels" if add else "labels": ",".join(proposal.labels)} if proposal.labels else {}
    return {"title": proposal.title, "description": proposal.description, **labels}


def _read(data: dict[str, Any]) -> MergeRequest:
    description = data.get("description") or ""
    return MergeRequest(
        iid=int(data["iid"]),
        url=str(data["web_url"]),
        state=str(data["state"]),
        title=str(data["title"]),
        description=description,
        source_branch=str(data["source_branch"]),
        sha=data.get("sha"),
        merge_status=str(data.get("detailed_merge_status") or ""),
        has_conflict=bool(data.get("has_conflicts")) or data.get("detailed_merge_status") == "conflict",
        auto_merge=bool(data.get("merge_when_pipeline_succeeds")),
        record=read_comment(description),
    )


@contextlib.contextmanager
def _translated(forge: Forge, step: str) -> Iterator[None]:
    """Library errors as one sentence each; the token is never in it."""
    try:
        yield
    except GitlabError as error:
        raise _explain(forge, step, error) from error
    except requests.RequestException as error:
        where = forge.settings.address.gitlab_url
        raise Unavailable(f"{step} failed: {where} did not answer ({type(error).__name__}); try again.") from error


def _explain(forge: Forge, step: str, error: GitlabError) -> BumperError:
    address, token = forge.settings.address, forge.settings.token
    source = token.source if token is not None else "BUMPER_TOKEN"
    said = _message(error)
    code = error.response_code
    if isinstance(error, GitlabAuthenticationError) or code == HTTPStatus.UNAUTHORIZED:
        return Unavailable(
            f"{step} failed: {address.gitlab_url} refused the token in {source}; check it and its expiry."
        )
    if code == HTTPStatus.FORBIDDEN:
        return Unavailable(
            f"{step} failed: the token in {source} may not do that in {address.project} ({said}); "
            "it needs the role Developer and the scope api."
        )
    if code == HTTPStatus.NOT_FOUND:
        return Unavailable(
            f"{step} failed: {address.gitlab_url} shows no {address.project} to the token in {source} ({said}); "
            "check BUMPER_REPO and what the token may see."
        )
    if code is None or code == HTTPStatus.TOO_MANY_REQUESTS or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(f"{step} failed: {address.gitlab_url} answers {code or 'nothing'} ({said}); try again.")
    return Refused(f"{step} was refused by {address.gitlab_url}: {said} ({code}).")


def _message(error: GitlabError) -> str:
    """GitLab's own words in one line; they come as text, list or a mapping of lists."""
    message: object = error.error_message
    if isinstance(message, dict):
        message = [f"{key} {said}" for key, values in message.items() for said in _as_list(values)]
    return " ".join("; ".join(map(str, _as_list(message))).split())[:300]


def _as_list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]
