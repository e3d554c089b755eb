"""A proposal to GitLab without its API: ``git push`` with push options makes the merge request.

For CI_JOB_TOKEN, deploy keys and git's own credentials. What has to be known of earlier runs is read from git: the
branch's newest commit carries bumper's trailers, and refs/merge-requests/N/head shows a merge request's number. Its
target and whether a person closed it may be read by a job's token; git says neither. What only the API could do is
named in warnings.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bumper.delivery import branch as branches
from bumper.delivery.attempt import Attempt
from bumper.delivery.branch import Branch, Holds
from bumper.delivery.by_api import refuse_what_a_person_closed, text_of
from bumper.delivery.merge import Awaited, landed_commit, require_content, wait_until_merged
from bumper.delivery.result import (
    Action,
    ProposedAt,
    Result,
    Status,
    newer_on_branch,
    overtaken_result,
    proposed_at,
    result_of,
)
from bumper.environments.repository import Target
from bumper.errors import BumperError, Refused, Unavailable
from bumper.git.checkout import HEADS, Checkout, at_commit, remote_refs
from bumper.git.commit import push
from bumper.git.failures import PushRaceLost
from bumper.gitlab import merge_requests
from bumper.gitlab.connection import connect_to_read
from bumper.gitlab.merge_requests import MergeRequest, MergeRequestText, People
from bumper.planning.draft import Draft
from bumper.planning.proposal import Proposal
from bumper.progress import report_step
from bumper.records.known_requests import KnownRequests
from bumper.records.newer_pipeline import NewerPipeline
from bumper.records.record import comment

_HEADS_OF_REQUESTS = "refs/merge-requests/*/head"


def deliver_by_push(draft: Draft, attempt: Attempt, commit: str) -> Result:
    """Without GitLab's API; what only that can do is named in warnings."""
    target, options, people = attempt.target, attempt.options, attempt.people
    reader = _reader(target) if options.seconds_to_merge is not None else None
    draft = draft.on_branch(_find_branch(target.checkout, draft.proposal.branch))
    report_step(f"pushing {draft.proposal.branch}, with options by which GitLab makes the merge request")
    published = _publish(attempt, draft.proposal, commit)
    if isinstance(published, NewerPipeline):
        return overtaken_result(draft, published)
    iid = published.merge_request.iid
    warnings = [f"!{iid} was made by push options, because there is no token for GitLab's API (BUMPER_TOKEN)."]
    if people.reviewers:
        warnings.append(f"push options name no reviewers; ask {', '.join(people.reviewers)} in !{iid}.")
    if published.merge_request.action is Action.UNCHANGED and (options.title or options.labels):
        warnings.append(f"the title and the labels of !{iid}, which was open already, stay as they are.")
    if attempt.auto_merge:
        warnings.append(_about_auto_merge(target, iid))
    done = replace(
        result_of(draft, Status.PROPOSED), branch=draft.proposal.branch, commit=published.commit,
        warnings=(*draft.plan.warnings, *warnings), merge_request=published.merge_request,
    )  # fmt: skip
    return _wait_by_reading(done, draft, attempt, reader) if reader is not None else done


def _reader(target: Target) -> KnownRequests:
    """The project's merge requests, read by a job's token, which GitLab lets read them but not write.

    Raises:
        Refused: there is no such token, or GitLab does not show them to it.

    """
    gitlab, branch, why = connect_to_read(target.checkout.settings), target.checkout.branch, "there is no token for it"
    if gitlab is not None:
        try:
            merge_requests.find_recent(gitlab, branch)
        except BumperError as error:
            why = error.what
        else:
            return KnownRequests(gitlab, branch, target.setup.config.branch_prefix)
    raise Refused(
        f"--wait needs GitLab's API, and {why}",
        "set BUMPER_TOKEN to a token with the scopes api and write_repository, or leave --wait out",
    )


def _wait_by_reading(done: Result, draft: Draft, attempt: Attempt, reader: KnownRequests) -> Result:
    target, session, message = attempt.target, attempt.session, draft.proposal.message
    shown, seconds = done.merge_request, attempt.options.seconds_to_merge
    if shown is None or seconds is None:
        return done
    awaited = Awaited(shown.iid, draft.proposal.branch, str(done.commit), message, attempt.auto_merge, may_write=False)
    began = session.elapsed()
    one = wait_until_merged(reader, target, awaited, seconds, session)
    done = replace(done, waited=session.elapsed() - began)
    landed = landed_commit(target, one, message)
    require_content(target, landed, draft.plan.changes, one.url)
    return replace(done, status=Status.MERGED, merge_request=proposed_at(one, shown.action), landed=landed)


def _about_auto_merge(target: Target, iid: int) -> str:
    """GitLab answers no push option; and what CI_JOB_TOKEN pushes starts no pipeline that could set it off."""
    token = target.checkout.settings.token
    if token is not None and token.is_job_token:
        return (
            f"whether auto-merge is set on !{iid} is unknown: a push by CI_JOB_TOKEN starts no pipeline, and without "
            "one GitLab may never merge it; set BUMPER_TOKEN to have it merged for certain."
        )
    return f"whether auto-merge is set on !{iid} is unknown: GitLab does not say so after a push."


@dataclass(frozen=True, slots=True)
class _Published:
    """What became of a proposal: its merge request, as far as git shows it, and the branch's head."""

    merge_request: ProposedAt
    commit: str


@dataclass(frozen=True, slots=True)
class _Found:
    """A merge request by its number, and what a job's token may read of it; None where that is nothing."""

    iid: int
    read: MergeRequest | None


def _find_branch(checkout: Checkout, branch: str) -> str:
    """The branch that is there for the request of ``branch``: its slug names applications, which come and go."""
    digits = branch.rpartition("-")[2]
    refs = [ref for named in remote_refs(checkout, f"{HEADS}*-{digits}").values() for ref in named]
    names = [ref.removeprefix(HEADS) for ref in refs]
    prefix = branch.rpartition("/")[0]
    same = [name for name in names if name.rpartition("/")[0] == prefix]
    return branch if branch in same else next(iter(same), branch)


def _publish(attempt: Attempt, proposal: Proposal, commit: str) -> _Published | NewerPipeline:
    """Push ``commit`` as the proposal's branch and have GitLab open its merge request.

    Returns the newer pipeline instead, where one has made the same request in the meantime.

    Raises:
        Refused: the branch holds somebody's commit, or GitLab made no merge request and says why.
        PushRaceLost: somebody moved the branch meanwhile; the job is to be done again.

    """
    checkout, text, record = attempt.target.checkout, text_of(proposal), comment(proposal.record)
    options = push_options(proposal.target_branch, text, record, attempt.people, auto_merge=attempt.auto_merge)
    arguments = list(options)
    try:
        output = push(checkout, commit, proposal.branch, None, arguments)
    except PushRaceLost:
        branch = branches.fetch_own(checkout, proposal.branch, None)
    else:
        return _read(attempt, proposal, commit, output, None)
    newer = newer_on_branch(attempt, branch, proposal.record, None)
    if newer is not None:
        return newer
    known = _request_of(checkout, branch.head.id)
    is_same = branches.compare(checkout, branch, proposal.files) is Holds.PROPOSAL and _is_fresh(checkout, branch)
    if known is not None and not attempt.options.reopen and is_same:
        if known.read is None or known.read.state == "opened":
            return _Published(_shown(checkout, known), branch.head.id)
        if known.read.state == "closed":
            refuse_what_a_person_closed(known.read, proposal)
    output = push(checkout, commit, proposal.branch, branch.head.id, arguments)
    return _read(attempt, proposal, commit, output, known)


def _is_fresh(checkout: Checkout, branch: Branch) -> bool:
    """Whether the branch's files are based on what the target has now: git does not say whether they would conflict."""
    base = at_commit(checkout, branch.parent)
    changed = branches.changed_paths(base, branch.checkout)
    return all(base.entries.get(path) == checkout.entries.get(path) for path in changed)


def _read(attempt: Attempt, proposal: Proposal, commit: str, output: str, known: _Found | None) -> _Published:
    """The merge request that GitLab names after the push, or that has the pushed commit.

    Whether auto-merge was set, GitLab does not say: it is reported as not set. Two runs within a second make the same
    commit, whose push changes nothing: then the merge request may have ended long ago.
    """
    checkout = attempt.target.checkout
    made = read_push_output(output)
    if made.iid is not None and made.url is not None:
        action = Action.UPDATED if known is not None and known.iid == made.iid else Action.OPENED
        return _Published(ProposedAt(made.iid, made.url, "opened", action, auto_merge=False), commit)
    found = _request_of(checkout, commit)
    if found is not None and found.read is not None and found.read.state != "opened":
        if found.read.state == "closed" and not attempt.options.reopen:
            refuse_what_a_person_closed(found.read, proposal)
        raise PushRaceLost(proposal.branch)
    if found is not None:
        return _Published(_shown(checkout, found), commit)
    what = f"branch {proposal.branch} was pushed, but GitLab opened no merge request for it"
    if made.error is not None:
        raise Refused(f"{what} ({made.error})", "fix that, or set BUMPER_TOKEN, and run this again")
    raise Unavailable(what, "open it by hand, or set BUMPER_TOKEN to a token with the scope api")


def _request_of(checkout: Checkout, commit: str) -> _Found | None:
    """The newest merge request whose head is ``commit``, as far as can be read into the target branch."""
    refs, gitlab = remote_refs(checkout, _HEADS_OF_REQUESTS).get(commit, []), connect_to_read(checkout.settings)
    for iid in sorted((int(ref.split("/")[2]) for ref in refs), reverse=True):
        try:
            one = merge_requests.read(gitlab, iid) if gitlab is not None else None
        except BumperError:  # GitLab does not show it to the job
            one = None
        if one is None or one.target_branch == checkout.branch:
            return _Found(iid, one)
    return None


def _shown(checkout: Checkout, found: _Found) -> ProposedAt:
    if found.read is not None:
        return proposed_at(found.read, Action.UNCHANGED)
    address = checkout.settings.address
    url = f"{address.gitlab_url}/{address.project}/-/merge_requests/{found.iid}"
    return ProposedAt(found.iid, url, "opened", Action.UNCHANGED, auto_merge=False)


_MAX_OPTION = 60_000  # bytes; git sends an option as one pkt-line of at most 65,516
_JSON_ESCAPE = re.compile(r"\\(.)")
_HEXADECIMAL = {"n": "\\u000a", "\\": "\\u005c"}
# The address of a merge request that is yet to be made ends in /new?….
_MADE = re.compile(r"^remote:\s+(\S+/-/merge_requests/(\d+))\s*$", re.MULTILINE)
_ERROR = re.compile(r"Error encountered with push options? (?:'[^']*'[ ,]*)+:\s*(.+?)(?:\s*={4,}|$)")


def push_options(
    target_branch: str, text: MergeRequestText, record: str, people: People, *, auto_merge: bool, squash: bool = False
) -> Iterator[str]:
    """The options; GitLab passes over those that its version does not know.

    ``record`` is the comment at the end of the description in which a program reads, as JSON, what was deployed.
    """
    yield "merge_request.create"
    yield f"merge_request.target={target_branch}"
    yield f"merge_request.title={text.title}"
    yield f"merge_request.description={_in_one_line(text.description, record)}"
    yield from (f"merge_request.label={label}" for label in text.labels)
    yield from (f"merge_request.assign={name}" for name in people.assignees)
    yield "merge_request.remove_source_branch"
    if squash:
        yield "merge_request.squash"  # since 17.2
    if auto_merge:
        yield "merge_request.auto_merge"
        yield "merge_request.merge_when_pipeline_succeeds"  # its name before 17.11


def _in_one_line(description: str, record: str) -> str:
    text = description.removesuffix(record).replace("\\n", "\\\u200bn").replace("\n", "\\n")
    kept = _JSON_ESCAPE.sub(lambda escape: _HEXADECIMAL.get(escape[1], escape[0]), record)
    if len((text + kept).encode()) <= _MAX_OPTION:
        return text + kept
    lines = "".join(_within(text.split("\\n")))
    return f"{lines}…\\n\\nThis is cut short, because push options are limited; the commit's diff shows everything."


def _within(lines: list[str]) -> Iterator[str]:
    room = _MAX_OPTION - 500
    for line in lines:
        room -= len(line.encode()) + 2
        if room < 0:
            return
        yield f"{line}\\n"


@dataclass(frozen=True, slots=True)
class PushOutput:
    """The merge request by number and address, or GitLab's reason."""

    iid: int | None = None
    url: str | None = None
    error: str | None = None


def read_push_output(stderr: str) -> PushOutput:
    """The merge request that GitLab made or found, or why it made none, from what git printed on stderr."""
    made = _MADE.search(stderr)
    error = _ERROR.search(_remote_text(stderr))
    reason = error[1].strip().rstrip(".") if error is not None else None
    return PushOutput(int(made[2]), made[1], reason) if made is not None else PushOutput(error=reason)


def _remote_text(stderr: str) -> str:
    """The server's lines as one text, without the blanks by which they are centred."""
    lines = (line.removeprefix("remote:").strip() for line in stderr.splitlines() if line.startswith("remote:"))
    return " ".join(line for line in lines if line)
