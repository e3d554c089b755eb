"""A proposal to GitLab without its API: ``git push`` with push options makes the merge request.

For CI_JOB_TOKEN, deploy keys and git's own credentials. What has to be known of earlier runs is read from git: the
branch's newest commit carries bumper's trailers, and refs/merge-requests/N/head shows a merge request's number. Whether
a person closed it, or approved it, git does not say.
"""

from dataclasses import dataclass

from bumper.delivery import branch as branches
from bumper.delivery.branch import Branch, Holds
from bumper.delivery.by_api import text_of
from bumper.delivery.options import DeliveryOptions
from bumper.delivery.result import Action, ProposedAt
from bumper.environments.repository import Target
from bumper.errors import Refused, Unavailable
from bumper.git.checkout import HEADS, Checkout, at_commit, remote_refs
from bumper.git.failures import PushRaceLost
from bumper.git.push import push
from bumper.gitlab.merge_request_changes import People
from bumper.gitlab.push_options import push_options
from bumper.gitlab.push_output import read_push_output
from bumper.planning.proposal import Proposal
from bumper.records.description import comment
from bumper.records.newer_pipeline import NewerPipeline, newer_at_head

_HEADS_OF_REQUESTS = "refs/merge-requests/*/head"


@dataclass(frozen=True, slots=True)
class PublishedByPush:
    """What became of a proposal: its merge request, as far as git shows it, and the branch's head."""

    merge_request: ProposedAt
    commit: str


def find_branch(checkout: Checkout, branch: str) -> str:
    """The branch that is there for the request of ``branch``: its slug names applications, which come and go."""
    digits = branch.rpartition("-")[2]
    refs = [ref for named in remote_refs(checkout, f"{HEADS}*-{digits}").values() for ref in named]
    names = [ref.removeprefix(HEADS) for ref in refs]
    prefix = branch.rpartition("/")[0]
    same = [name for name in names if name.rpartition("/")[0] == prefix]
    return branch if branch in same else next(iter(same), branch)


def publish_by_push(
    target: Target, proposal: Proposal, commit: str, options: DeliveryOptions, people: People, *, auto_merge: bool
) -> PublishedByPush | NewerPipeline:
    """Push ``commit`` as the proposal's branch and have GitLab open its merge request.

    Returns the newer pipeline instead, where one has made the same request in the meantime.

    Raises:
        Refused: the branch holds somebody's commit, or GitLab made no merge request and says why.
        PushRaceLost: somebody moved the branch meanwhile; the job is to be done again.

    """
    checkout = target.checkout
    text, record = text_of(proposal), comment(proposal.record)
    arguments = list(push_options(proposal.target_branch, text, record, people, auto_merge=auto_merge))
    try:
        output = push(checkout, commit, proposal.branch, None, arguments)
    except PushRaceLost:
        branch = branches.fetch(checkout, proposal.branch, None)
    else:
        return _read(checkout, proposal, commit, output, None)
    branches.refuse_somebodys(checkout, branch, None)
    newer = (
        None
        if options.allow_older
        else newer_at_head(target, None, branch.checkout, branch.head, proposal.record, None)
    )
    if newer is not None:
        return newer
    known = _request_of(checkout, branch.head.id)
    is_same = branches.compare(checkout, branch, proposal.files) is Holds.PROPOSAL and _is_fresh(checkout, branch)
    if known is not None and not options.reopen and is_same:
        return PublishedByPush(known, branch.head.id)
    output = push(checkout, commit, proposal.branch, branch.head.id, arguments)
    return _read(checkout, proposal, commit, output, known)


def _is_fresh(checkout: Checkout, branch: Branch) -> bool:
    """Whether the branch's files are based on what the target has now: git does not say whether they would conflict."""
    base = at_commit(checkout, branch.parent)
    changed = branches.changed_paths(base, branch.checkout)
    return all(base.entries.get(path) == checkout.entries.get(path) for path in changed)


def _read(
    checkout: Checkout, proposal: Proposal, commit: str, output: str, known: ProposedAt | None
) -> PublishedByPush:
    """The merge request that GitLab names after the push, or that has the pushed commit.

    Whether auto-merge was set, GitLab does not say: it is reported as not set.
    """
    made = read_push_output(output)
    if made.iid is not None and made.url is not None:
        action = Action.UPDATED if known is not None and known.iid == made.iid else Action.OPENED
        return PublishedByPush(ProposedAt(made.iid, made.url, "opened", action, auto_merge=False), commit)
    found = _request_of(checkout, commit)
    if found is not None:
        return PublishedByPush(found, commit)
    what = f"branch {proposal.branch} was pushed, but GitLab opened no merge request for it"
    if made.error is not None:
        raise Refused(f"{what} ({made.error})", "fix that, or set BUMPER_TOKEN, and run this again")
    raise Unavailable(what, "open it by hand, or set BUMPER_TOKEN to a token with the scope api")


def _request_of(checkout: Checkout, commit: str) -> ProposedAt | None:
    """The newest merge request whose head is ``commit``."""
    numbers = [int(ref.split("/")[2]) for ref in remote_refs(checkout, _HEADS_OF_REQUESTS).get(commit, [])]
    if not numbers:
        return None
    address = checkout.settings.address
    url = f"{address.gitlab_url}/{address.project}/-/merge_requests/{max(numbers)}"
    return ProposedAt(max(numbers), url, "opened", Action.UNCHANGED, auto_merge=False)
