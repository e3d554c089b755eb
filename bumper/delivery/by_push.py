"""A proposal to GitLab without its API: ``git push`` with push options makes the merge request.

For CI_JOB_TOKEN, deploy keys and git's own credentials. What has to be known of earlier runs is read from git: the
branch's newest commit carries bumper's trailers, and refs/merge-requests/N/head shows a merge request's number. Its
target and whether a person closed it may be read by a job's token; git says neither. What only the API could do is
named in warnings.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from bumper.delivery import branch as branches
from bumper.delivery.attempt import Attempt
from bumper.delivery.branch import Branch, Holds
from bumper.delivery.by_api import refuse_what_a_person_closed
from bumper.delivery.result import Action, Pending, ProposedAt, Result, Status, proposed_at, result_of
from bumper.delivery.superseded import newer_on_branch, overtaken_result
from bumper.environments.repository import Target
from bumper.errors import BumperError, Refused, Unavailable
from bumper.git.checkout import HEADS, Checkout, remote_refs
from bumper.git.commit import push
from bumper.git.failures import PushRaceLost
from bumper.gitlab import merge_requests
from bumper.gitlab.connection import connect_to_read
from bumper.gitlab.merge_requests import MergeRequest
from bumper.log import report_step
from bumper.planning.proposal import Draft, Proposal
from bumper.records.known_requests import KnownRequests
from bumper.records.newer_pipeline import NewerPipeline
from bumper.records.record import comment

_HEADS_OF_REQUESTS = "refs/merge-requests/*/head"
_MAX_OPTION = 60_000  # bytes; git sends an option as one pkt-line of at most 65,516
_JSON_ESCAPE = re.compile(r"\\(.)")
_HEXADECIMAL = {"n": "\\u000a", "\\": "\\u005c"}
# The address of a merge request that is yet to be made ends in /new?….
_MADE = re.compile(r"^remote:\s+(\S+/-/merge_requests/(\d+))\s*$", re.MULTILINE)
_ERROR = re.compile(r"Error encountered with push options? (?:'[^']*'[ ,]*)+:\s*(.+?)(?:\s*={4,}|$)")


def propose_by_push(draft: Draft, attempt: Attempt, commit: str) -> Pending | Result:
    """The merge request of ``commit``, made by push options; what only GitLab's API can do is named in warnings.

    A result is returned where nobody waits for the merge, and where a newer pipeline has made the same request. Raises
    ``PushRaceLost`` where somebody moved the branch, and ``Refused`` where GitLab made no merge request and says why.
    """
    target, options, reviewers = attempt.target, attempt.options, attempt.people.reviewers
    reader = _reader(target) if options.seconds_to_merge is not None else None
    draft = draft.on_branch(_find_branch(target.checkout, draft.proposal.branch))
    report_step(f"pushing {draft.proposal.branch}, with options by which GitLab makes the merge request")
    published = _publish(attempt, draft.proposal, commit)
    if isinstance(published, NewerPipeline):
        return overtaken_result(draft, published)
    shown, head = published
    warnings = [f"!{shown.iid} was made by push options, because there is no token for GitLab's API (BUMPER_TOKEN)."]
    if reviewers:
        warnings.append(f"push options name no reviewers; ask {', '.join(reviewers)} in !{shown.iid}.")
    if shown.action is Action.UNCHANGED and (options.title or options.labels):
        warnings.append(f"the title and the labels of !{shown.iid}, which was open already, stay as they are.")
    if attempt.auto_merge:
        warnings.append(_about_auto_merge(target, shown.iid))
    done = replace(
        result_of(draft, Status.PROPOSED), branch=draft.proposal.branch, commit=head,
        warnings=(*draft.plan.warnings, *warnings), merge_request=shown,
    )  # fmt: skip
    return Pending(attempt, reader, draft, done, shown, head) if reader is not None else done


def _reader(target: Target) -> KnownRequests:
    """The project's merge requests, read by a job's token, which GitLab lets read them but not write."""
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


def _about_auto_merge(target: Target, iid: int) -> str:
    """GitLab answers no push option; and what CI_JOB_TOKEN pushes starts no pipeline that could set it off."""
    token = target.checkout.settings.token
    if token is not None and token.is_job_token:
        return (
            f"whether auto-merge is set on !{iid} is unknown: a push by CI_JOB_TOKEN starts no pipeline, and without "
            "one GitLab may never merge it; set BUMPER_TOKEN to have it merged for certain."
        )
    return f"whether auto-merge is set on !{iid} is unknown: GitLab does not say so after a push."


def _find_branch(checkout: Checkout, branch: str) -> str:
    """The branch that is there for the request of ``branch``: its slug names applications, which come and go."""
    prefix, digits = branch.rpartition("/")[0], branch.rpartition("-")[2]
    refs = chain.from_iterable(remote_refs(checkout, f"{HEADS}*-{digits}").values())
    names = [ref.removeprefix(HEADS) for ref in refs]
    same = [name for name in names if name.rpartition("/")[0] == prefix]
    return branch if branch in same else next(iter(same), branch)


def _publish(attempt: Attempt, proposal: Proposal, commit: str) -> tuple[ProposedAt, str] | NewerPipeline:
    """Push ``commit`` as the proposal's branch and have GitLab open its merge request.

    Returns it with the branch's head, or the newer pipeline that has made the same request in the meantime.
    """
    checkout, options = attempt.target.checkout, list(_push_options(proposal, attempt))
    try:
        output = push(checkout, commit, proposal.branch, None, options)
    except PushRaceLost:
        branch = branches.fetch_own(checkout, proposal.branch, None)
    else:
        return _find_made(attempt, proposal, commit, output, None), commit
    newer = newer_on_branch(attempt, branch, proposal.record, None)
    if newer is not None:
        return newer
    before = _find_by_head(checkout, branch.head.id)
    is_same = branches.compare(checkout, branch, proposal.files) is Holds.PROPOSAL and _is_fresh(checkout, branch)
    if before is not None and not attempt.options.reopen and is_same:
        shown, read = before
        if shown.state == "opened":
            return shown, branch.head.id
        if shown.state == "closed" and read is not None:
            refuse_what_a_person_closed(read, proposal)
    output = push(checkout, commit, proposal.branch, branch.head.id, options)
    return _find_made(attempt, proposal, commit, output, before[0] if before is not None else None), commit


def _is_fresh(checkout: Checkout, branch: Branch) -> bool:
    """Whether the branch's files are based on what the target has now: git does not say whether they would conflict."""
    base = branch.base
    return all(base.entries.get(path) == checkout.entries.get(path) for path in branch.changed_paths())


def _find_made(
    attempt: Attempt, proposal: Proposal, commit: str, output: str, before: ProposedAt | None
) -> ProposedAt:  # fmt: skip
    """The merge request that GitLab names after the push, or that has the pushed commit.

    Whether auto-merge was set, GitLab does not say: it is reported as not set. Two runs within a second make the same
    commit, whose push changes nothing: then the merge request may have ended long ago.
    """
    made = read_push_output(output)
    if made.iid is not None and made.url is not None:
        action = Action.UPDATED if before is not None and before.iid == made.iid else Action.OPENED
        return ProposedAt(made.iid, made.url, "opened", action, auto_merge=False)
    found = _find_by_head(attempt.target.checkout, commit)
    if found is not None:
        shown, read = found
        if shown.state == "opened":
            return shown
        if shown.state == "closed" and read is not None and not attempt.options.reopen:
            refuse_what_a_person_closed(read, proposal)
        raise PushRaceLost(proposal.branch)
    what = f"branch {proposal.branch} was pushed, but GitLab opened no merge request for it"
    if made.error is not None:
        raise Refused(f"{what} ({made.error})", "fix that, or set BUMPER_TOKEN, and run this again")
    raise Unavailable(what, "open it by hand, or set BUMPER_TOKEN to a token with the scope api")


def _find_by_head(checkout: Checkout, commit: str) -> tuple[ProposedAt, MergeRequest | None] | None:
    """The newest merge request whose head is ``commit``, and what a job's token may read of it.

    One that cannot be read is taken for an open one; one for another target branch is passed over.
    """
    refs, gitlab = remote_refs(checkout, _HEADS_OF_REQUESTS).get(commit, []), connect_to_read(checkout.settings)
    address = checkout.settings.address
    for iid in sorted((int(ref.split("/")[2]) for ref in refs), reverse=True):
        try:
            one = merge_requests.read(gitlab, iid) if gitlab is not None else None
        except BumperError:  # GitLab does not show it to the job
            one = None
        if one is None:
            url = f"{address.gitlab_url}/{address.project}/-/merge_requests/{iid}"
            return ProposedAt(iid, url, "opened", Action.UNCHANGED, auto_merge=False), None
        if one.target_branch == checkout.branch:
            return proposed_at(one, Action.UNCHANGED), one
    return None


def _push_options(proposal: Proposal, attempt: Attempt) -> Iterator[str]:
    """The options; GitLab passes over those that its version does not know.

    git sends an option as one line, so a line break in a description is written as a backslash with an n, of which
    GitLab makes a line break again, wherever it meets one (its documentation of push options).
    """
    yield "merge_request.create"
    yield f"merge_request.target={proposal.target_branch}"
    yield f"merge_request.title={proposal.title}"
    yield f"merge_request.description={_in_one_line(proposal.description, comment(proposal.record))}"
    yield from (f"merge_request.label={label}" for label in proposal.labels)
    yield from (f"merge_request.assign={name}" for name in attempt.people.assignees)
    yield "merge_request.remove_source_branch"
    if attempt.auto_merge:
        yield "merge_request.auto_merge"
        yield "merge_request.merge_when_pipeline_succeeds"  # its name before 17.11


def _in_one_line(description: str, record: str) -> str:
    """The description; in ``record``, the comment at its end, a program reads as JSON what was deployed."""
    text = description.removesuffix(record).replace("\\n", "\\\u200bn").replace("\n", "\\n")
    kept = _JSON_ESCAPE.sub(lambda escape: _HEXADECIMAL.get(escape[1], escape[0]), record)
    if len((text + kept).encode()) <= _MAX_OPTION:
        return text + kept
    room, lines = _MAX_OPTION - 500, ""
    for line in text.split("\\n"):
        room -= len(line.encode()) + 2
        if room < 0:
            break
        lines += f"{line}\\n"
    return f"{lines}…\\n\\nThis is cut short, because push options are limited; the commit's diff shows everything."


@dataclass(frozen=True, slots=True)
class PushOutput:
    """The merge request by number and address, or GitLab's reason."""

    iid: int | None = None
    url: str | None = None
    error: str | None = None


def read_push_output(stderr: str) -> PushOutput:
    """The merge request that GitLab made or found, or why it made none, from what git printed on stderr.

    A problem with push options is an alert block: Rails composes "WARNINGS:" and "Error encountered with push options
    'a' 'b' …: reason", Gitaly wraps it at 68 columns and centres every line between two rulers, and git puts
    ``remote:`` before each. So the lines are joined before anything is looked for in them.
    """
    made = _MADE.search(stderr)
    lines = (line.removeprefix("remote:").strip() for line in stderr.splitlines() if line.startswith("remote:"))
    error = _ERROR.search(" ".join(filter(None, lines)))
    reason = error[1].strip().rstrip(".") if error is not None else None
    return PushOutput(int(made[2]), made[1], reason) if made is not None else PushOutput(error=reason)
