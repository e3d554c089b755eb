"""Delivery without GitLab's API: by push options; what only the API could do is named in warnings."""

from dataclasses import replace

from bumper.delivery.by_push import find_branch, publish_by_push
from bumper.delivery.landed import landed_commit, require_content
from bumper.delivery.options import DeliveryOptions, people_for, wants_auto_merge
from bumper.delivery.result import Action, Result, Status, proposed_at, result_of
from bumper.delivery.session import Session
from bumper.delivery.superseded import superseded_result
from bumper.delivery.wait import Awaited, wait_until_merged
from bumper.environments.repository import Target
from bumper.errors import BumperError, Refused
from bumper.gitlab import merge_requests
from bumper.planning.draft import Draft, on_branch
from bumper.progress import report_step
from bumper.records.known_requests import KnownRequests
from bumper.records.newer_pipeline import NewerPipeline


def deliver_by_push(draft: Draft, target: Target, options: DeliveryOptions, commit: str, session: Session) -> Result:
    """Without GitLab's API; what only that can do is named in warnings."""
    reader = _reader(target, session) if options.seconds_to_merge is not None else None
    draft = on_branch(draft, find_branch(target.checkout, draft.proposal.branch))
    report_step(f"pushing {draft.proposal.branch}, with options by which GitLab makes the merge request")
    auto_merge, people = wants_auto_merge(target.environment, options), people_for(target.environment, options)
    published = publish_by_push(target, draft.proposal, commit, options, people, auto_merge=auto_merge)
    if isinstance(published, NewerPipeline):
        return superseded_result(draft, [published])
    iid = published.merge_request.iid
    warnings = [f"!{iid} was made by push options, because there is no token for GitLab's API (BUMPER_TOKEN)."]
    if people.reviewers:
        warnings.append(f"push options name no reviewers; ask {', '.join(people.reviewers)} in !{iid}.")
    if published.merge_request.action is Action.UNCHANGED and (options.title or options.labels):
        warnings.append(f"the title and the labels of !{iid}, which was open already, stay as they are.")
    if auto_merge:
        warnings.append(_about_auto_merge(target, iid))
    done = replace(
        result_of(draft, Status.PROPOSED), branch=draft.proposal.branch, commit=published.commit,
        warnings=(*draft.plan.warnings, *warnings), merge_request=published.merge_request,
    )  # fmt: skip
    return _wait_by_reading(done, draft, target, options, session, reader) if reader is not None else done


def _reader(target: Target, session: Session) -> KnownRequests:
    """The project's merge requests, read by a job's token, which GitLab lets read them but not write.

    Raises:
        Refused: there is no such token, or GitLab does not show them to it.

    """
    reader = session.reader(target.checkout, target.setup)
    why = "there is no token for it"
    if reader is not None:
        try:
            merge_requests.find_recent(reader.gitlab, target.checkout.branch)
        except BumperError as error:
            why = error.what
        else:
            return reader
    raise Refused(
        f"--wait needs GitLab's API, and {why}",
        "set BUMPER_TOKEN to a token with the scopes api and write_repository, or leave --wait out",
    )


def _wait_by_reading(
    done: Result, draft: Draft, target: Target, options: DeliveryOptions, session: Session, reader: KnownRequests
) -> Result:  # fmt: skip
    shown, seconds, message = done.merge_request, options.seconds_to_merge, draft.proposal.message
    if shown is None or seconds is None:
        return done
    auto_merge = wants_auto_merge(target.environment, options)
    awaited = Awaited(shown.iid, draft.proposal.branch, str(done.commit), message, auto_merge, may_write=False)
    began = session.elapsed()
    one = wait_until_merged(reader, target, awaited, seconds, session.clock, session.show)
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
