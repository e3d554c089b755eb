"""A proposal on its way: as a merge request or pushed straight to the branch, and waited for as far as is asked."""

from dataclasses import replace

from bumper.delivery import by_api
from bumper.delivery.by_push import deliver_by_push
from bumper.delivery.merge import MergeReply, ask_to_merge, rebased_head
from bumper.delivery.options import DeliveryOptions, people_for, wants_auto_merge
from bumper.delivery.other_requests import Coverage, close, close_promotions_of, close_superseded
from bumper.delivery.result import Action, NotDone, Result, Status, proposed_at, result_of
from bumper.delivery.session import Session
from bumper.delivery.superseded import superseded_result
from bumper.delivery.wait import Awaited, landed_commit, named_when_interrupted, require_content, wait_until_merged
from bumper.environments.config_values import Delivery
from bumper.environments.repository import Target
from bumper.errors import NotDeployed
from bumper.git.commit import push, write_commit
from bumper.gitlab import merge_request_changes
from bumper.gitlab.merge_request_changes import People
from bumper.gitlab.merge_requests import MergeRequest
from bumper.planning.bump import Plan
from bumper.planning.draft import Draft, on_branch
from bumper.planning.proposal import Proposal, Request, readable
from bumper.progress import report_step
from bumper.records.known_requests import KnownRequests
from bumper.records.newer_pipeline import NewerPipeline, newer_of_request
from bumper.records.record import Command, make_sealer
from bumper.values.change import as_it_is

_DEFAULT_AUTHOR = "bumper <bumper@localhost>"


def dry_run_result(draft: Draft, delivery: Delivery) -> Result:
    """What ``--dry-run`` prints: the diff, and the merge request or the commit as it would be."""
    proposal = draft.proposal
    if delivery == "merge-request":
        branch, preview = proposal.branch, f"The merge request would be:\n\n{readable(proposal)}"
    else:
        branch = proposal.target_branch
        preview = f"The commit on {branch} would be:\n\n{proposal.message}"
    return replace(result_of(draft, Status.DRY_RUN), branch=branch, preview=preview)


def deliver(
    draft: Draft, target: Target, delivery: Delivery, options: DeliveryOptions, session: Session,
    known: KnownRequests | None,
) -> Result:  # fmt: skip
    """Carry the draft out, and wait for the merge where that is asked for.

    Raises:
        PushRaceLost: a branch moved on meanwhile; nothing is half done.
        NotDeployed: what was waited for is not what runs in the end.

    """
    checkout = target.checkout
    draft = replace(draft, proposal=_sealed(draft.proposal, target))
    proposal = draft.proposal
    author = target.setup.config.author or _DEFAULT_AUTHOR
    commit = write_commit(checkout, proposal.files, proposal.message, author)
    if delivery == "commit":
        report_step(f"pushing to {checkout.branch} of {checkout.settings.address.url}")
        push(checkout, commit, checkout.branch, checkout.tip)
        close_replaced(target, draft.plan, proposal.record.command, known)
        done = replace(result_of(draft, Status.COMMITTED), branch=checkout.branch, commit=commit, landed=commit)
    elif known is None:
        done = deliver_by_push(draft, target, options, commit, session)
    else:
        done = _deliver_by_api(draft, target, options, commit, session, known)
    return done


def _sealed(proposal: Proposal, target: Target) -> Proposal:
    """The proposal with a seal on its commit's trailers, by which a later run recognises what it wrote itself."""
    sealer = make_sealer(target.checkout.settings, proposal.target_branch)
    return replace(proposal, message=sealer.seal(proposal.message))


def require_wait(done: Result, options: DeliveryOptions) -> Result:
    """``done``, unless somebody waits for what will not come: a green job would be taken for a deployment.

    Raises:
        NotDeployed: the request is held or superseded.

    """
    if options.seconds_to_merge is not None and done.status in (Status.HELD, Status.SUPERSEDED):
        raise NotDeployed(
            f"{done.environment}: the request is {done.status}, so there is nothing to wait for",
            " ".join(done.warnings) or "remove the hold with bumper unhold, or run this without --wait",
        )
    return done


def _deliver_by_api(
    draft: Draft, target: Target, options: DeliveryOptions, commit: str, session: Session, known: KnownRequests
) -> Result:
    """As GitLab's API has it: the merge request opened or updated, those that it supersedes closed, merged."""
    draft = on_branch(draft, known.branch_of(draft.proposal.branch))
    proposal, record = draft.proposal, draft.proposal.record
    report_step(f"proposing {proposal.branch} over the API of {target.checkout.settings.address.gitlab_url}")
    people = merge_request_changes.find_people(known.gitlab, people_for(target.environment, options))
    warnings = [f"GitLab knows no user {name!r}, so nobody of that name was asked." for name in people.unknown]
    published = by_api.publish(known, target, proposal, commit, people, options, session.clock)
    if isinstance(published, NewerPipeline):
        return superseded_result(draft, [published])
    one = published.merge_request
    if published.action is Action.OPENED:
        warnings += _dropped(one, people_for(target.environment, options).reviewers, people.unknown)
    else:
        warnings += _not_added(one, options.people, people.unknown)
    opened = known.opened_now()
    others = [other for other in opened if other.iid != one.iid]
    newer = None if options.allow_older else newer_of_request(target, known, others, record)
    if newer is not None and newer.merge_request is not None:
        by = newer.merge_request.iid
        close(known, one, f"!{by} is of a newer pipeline ({newer.pipeline.id})", by)
        return superseded_result(draft, [newer])
    close_superseded(known, target, _coverage(draft.plan, record.command), one, others)
    if record.command == Command.ROLLBACK and published.action is not Action.UNCHANGED:
        close_promotions_of(known, target, draft.plan.changes, one)
    done = replace(
        result_of(draft, Status.PROPOSED), branch=proposal.branch, commit=published.commit,
        warnings=(*draft.plan.warnings, *warnings), merge_request=proposed_at(one, published.action),
    )  # fmt: skip
    try:
        return _see_it_merged(done, one, draft, target, options, session, known)
    except NotDeployed as error:
        raise NotDone(error.what, error.next_step, done) from error


def _see_it_merged(
    done: Result, one: MergeRequest, draft: Draft, target: Target, options: DeliveryOptions, session: Session,
    known: KnownRequests,
) -> Result:  # fmt: skip
    """Ask GitLab to merge and wait for it, each as far as it is wanted; the result says what is true then."""
    auto_merge, seconds = wants_auto_merge(target.environment, options), options.seconds_to_merge
    head, message, problem, began = str(done.commit), draft.proposal.message, None, session.elapsed()
    if auto_merge:
        if seconds is not None and one.state == "opened":
            session.show(f"asking GitLab to merge !{one.iid}: {one.url}")
        if one.state == "opened" and one.merge_status == "need_rebase":
            head = rebased_head(known, target, draft.proposal.branch, one.iid, head, session.clock) or head
        files = {*target.checkout.entries}
        with named_when_interrupted(one.iid, one.url, session.show):
            asked = ask_to_merge(known, one.iid, head, message, files, session.clock)
        one, problem = asked.merge_request, asked.problem
        done = _after_asking(done, asked, waits=seconds is not None)
    if seconds is not None and one.state != "merged":
        if draft.plan.held:
            raise NotDeployed(
                f"{done.environment}: part of the request is held, so not all of it will run",
                "remove the hold with bumper unhold, or leave the application out with --app",
            )
        awaited = Awaited(one.iid, draft.proposal.branch, head, message, auto_merge, problem)
        one = wait_until_merged(known, target, awaited, seconds, session.clock, session.show)
    if one.state != "merged":
        return done
    waited = session.elapsed() - began if seconds is not None else None
    landed = landed_commit(target, one, message)
    if seconds is not None:
        require_content(target, landed, draft.plan.changes, one.url)
    shown = proposed_at(one, done.merge_request.action if done.merge_request is not None else Action.UNCHANGED)
    return replace(done, status=Status.MERGED, merge_request=shown, landed=landed, waited=waited)


def _after_asking(done: Result, asked: MergeReply, *, waits: bool) -> Result:
    action = done.merge_request.action if done.merge_request is not None else Action.UNCHANGED
    warning = asked.warning if asked.problem is not None or not waits else None
    warnings = (*done.warnings, *([warning] if warning is not None else []))
    return replace(done, merge_request=proposed_at(asked.merge_request, action), warnings=warnings)


def _dropped(one: MergeRequest, reviewers: tuple[str, ...], unknown: tuple[str, ...]) -> list[str]:
    """The reviewers that GitLab left out without a word: Free keeps one, and only who may read the project."""
    missing = [name for name in reviewers if name not in {*one.reviewers, *unknown}]
    if not missing:
        return []
    why = "its Free tier keeps one reviewer, and only adds people who may see the project"
    return [f"GitLab did not add {', '.join(missing)} as reviewer of !{one.iid} ({why}); ask them yourself."]


def _not_added(one: MergeRequest, people: People, unknown: tuple[str, ...]) -> list[str]:
    """Whom the command line names and an open merge request does not: people may have chosen others meanwhile."""
    missing = [name for name in people.reviewers if name not in {*one.reviewers, *unknown}]
    missing += [name for name in people.assignees if name not in {*one.assignees, *unknown}]
    names = ", ".join(dict.fromkeys(missing))
    return [f"not added to !{one.iid}, which was open already: {names}; ask them there."] if names else []


def nothing_to_do(target: Target, plan: Plan, asked: Request) -> Result:
    """The result where no tag changes: everything is as asked, or held."""
    status = Status.HELD if plan.held else Status.UNCHANGED
    kept = tuple(
        as_it_is(one.app, one.file, one.pin) for one in target.gathered.pins
        if one.place in plan.covers and one.pin.repository is not None
    )  # fmt: skip
    return Result(
        asked.command, asked.environment, status, held=plan.held, warnings=plan.warnings, landed=target.checkout.tip,
        kept=kept,
    )  # fmt: skip


def close_outdated(target: Target, plan: Plan, done: Result, known: KnownRequests | None) -> Result:
    """Every pin has its tag: close the open merge requests that propose another, and say so."""
    closed = close_replaced(target, plan, done.command, known) if plan.covers else []
    warnings = [f"closed !{iid}, which proposed another tag." for iid in closed]
    return replace(done, warnings=(*done.warnings, *warnings))


def close_replaced(target: Target, plan: Plan, command: Command, known: KnownRequests | None) -> list[int]:
    """Close the open merge requests that the target branch has made pointless; without the API none is known."""
    if known is None:
        return []
    return close_superseded(known, target, _coverage(plan, command), None, known.opened_now())


def _coverage(plan: Plan, command: Command) -> Coverage:
    return Coverage(command, plan.covers, frozenset(change.place for change in plan.changes))
