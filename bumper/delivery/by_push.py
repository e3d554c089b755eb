"""A proposal to GitLab without its API: ``git push`` with push options makes the merge request.

For CI_JOB_TOKEN, deploy keys and git's own credentials. What has to be known of earlier runs is read from git: the
branch's newest commit carries bumper's trailers, and refs/merge-requests/N/head tells a merge request's number. Whether
a person closed it, or approved it, git does not tell.
"""

import re
from collections.abc import Iterator

from bumper.delivery.by_api import MergeRequestOptions
from bumper.delivery.result import ProposedAt
from bumper.errors import Refused, Unavailable
from bumper.git.checkout import Checkout, at_commit, fetch_branch, read_commit, read_files, remote_refs
from bumper.git.failures import PushRaceLost
from bumper.git.push import push
from bumper.gitlab.push_output import read_remote_lines
from bumper.planning.proposal import Proposal
from bumper.records.description import comment
from bumper.records.order import Outrun, newer_than
from bumper.records.record import read_trailers

_LONGEST = 60_000  # bytes of an option; git sends it as one pkt-line of at most 65,516
_HEADS_OF_REQUESTS = "refs/merge-requests/*/head"
_JSON_ESCAPE = re.compile(r"\\(.)")
_HEXADECIMAL = {"n": "\\u000a", "\\": "\\u005c"}


def publish_by_push(
    checkout: Checkout, proposal: Proposal, commit: str, mr_options: MergeRequestOptions, *, auto_merge: bool
) -> tuple[ProposedAt, str]:
    """Push ``commit`` as the proposal's branch and have GitLab open its merge request; that, and the branch's head.

    Raises:
        Refused: the branch holds somebody's commit, or GitLab made no merge request and says why.
        Outrun: a newer pipeline has made this request meanwhile.
        PushRaceLost: somebody moved the branch meanwhile; the job is to be done again.

    """
    options = list(_options(proposal, mr_options, auto_merge=auto_merge))
    try:
        said = push(checkout, commit, proposal.branch, None, options)
    except PushRaceLost:
        branch = fetch_branch(checkout, proposal.branch, depth=2)
    else:
        return _read(checkout, proposal, commit, said, None, auto_merge=auto_merge)
    is_same = _proposes_the_same(checkout, branch, proposal, mr_options)
    known = _requests_of(checkout, branch.tip)
    if known is not None and is_same and not mr_options.reopen:
        return known, branch.tip
    said = push(checkout, commit, proposal.branch, branch.tip, options)
    return _read(checkout, proposal, commit, said, known, auto_merge=auto_merge)


def _options(proposal: Proposal, mr_options: MergeRequestOptions, *, auto_merge: bool) -> Iterator[str]:
    """GitLab's push options; it passes over those that its version does not know."""
    yield "merge_request.create"
    yield f"merge_request.target={proposal.target_branch}"
    yield f"merge_request.title={proposal.title}"
    yield f"merge_request.description={_in_one_line(proposal)}"
    yield from (f"merge_request.label={label}" for label in proposal.labels)
    yield from (f"merge_request.assign={name}" for name in mr_options.people.assignees)
    yield "merge_request.remove_source_branch"
    if auto_merge:
        yield "merge_request.auto_merge"
        yield "merge_request.merge_when_pipeline_succeeds"  # its name before 17.11


def _in_one_line(proposal: Proposal) -> str:
    """The description, whose line ends git refuses and GitLab makes of every backslash with an n."""
    record = comment(proposal.record)
    text = proposal.description.removesuffix(record).replace("\\n", "\\\u200bn").replace("\n", "\\n")
    kept = _JSON_ESCAPE.sub(lambda escape: _HEXADECIMAL.get(escape[1], escape[0]), record)
    if len((text + kept).encode()) <= _LONGEST:
        return text + kept
    lines = "".join(line for line in _within(text.split("\\n")))
    return f"{lines}…\\n\\nThis is cut, because a push option is short; the commit's diff shows the whole."


def _within(lines: list[str]) -> Iterator[str]:
    room = _LONGEST - 500
    for line in lines:
        room -= len(line.encode()) + 2
        if room < 0:
            return
        yield f"{line}\\n"


def _proposes_the_same(
    checkout: Checkout, branch: Checkout, proposal: Proposal, mr_options: MergeRequestOptions
) -> bool:
    """Whether the branch's one commit makes these bytes, in a way that can be merged.

    Raises:
        Refused: the commit is somebody's. Outrun: it is a newer pipeline's.

    """
    head = read_commit(branch)
    record = read_trailers(head.message)
    if record is None:
        raise Refused(
            f"branch {branch.branch} holds a commit by {head.author}, which bumper does not overwrite; merge or close "
            "its merge request, or delete the branch, and run this again."
        )
    newer = None if mr_options.allow_older else newer_than(proposal.record, [(record, None)])
    if newer is not None:
        raise Outrun(newer)
    if (
        any(file not in branch.entries for file in proposal.files)
        or read_files(branch, proposal.files) != proposal.files
    ):
        return False
    base = at_commit(checkout, head.parents[0]) if len(head.parents) == 1 else branch
    return all(base.entries.get(file) == checkout.entries[file] for file in proposal.files)


def _read(
    checkout: Checkout, proposal: Proposal, commit: str, said: str, known: ProposedAt | None, *, auto_merge: bool
) -> tuple[ProposedAt, str]:
    """The merge request that GitLab names after the push, or that has the pushed commit."""
    told = read_remote_lines(said)
    if told.iid is not None and told.url is not None:
        action = "updated" if known is not None and known.iid == told.iid else "opened"
        return ProposedAt(told.iid, told.url, "opened", action, auto_merge), commit
    found = _requests_of(checkout, commit)
    if found is not None:
        return found, commit
    what = f"branch {proposal.branch} was pushed, but GitLab made no merge request of it"
    if told.error is not None:
        raise Refused(f"{what} ({told.error}); mend that, or set BUMPER_TOKEN, and run this again.")
    raise Unavailable(f"{what}; open it by hand, or set BUMPER_TOKEN to a token with the scope api.")


def _requests_of(checkout: Checkout, commit: str) -> ProposedAt | None:
    """The newest merge request whose head is ``commit``."""
    numbers = [int(ref.split("/")[2]) for ref in remote_refs(checkout, _HEADS_OF_REQUESTS).get(commit, [])]
    if not numbers:
        return None
    address = checkout.settings.address
    url = f"{address.gitlab_url}/{address.project}/-/merge_requests/{max(numbers)}"
    return ProposedAt(max(numbers), url, "opened", "unchanged", auto_merge=False)
