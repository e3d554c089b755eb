"""A change of an environment, put together and ready to be delivered; nothing has been changed yet. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from bumper.ci import argocd_references, read_pipeline, read_source, requested_by
from bumper.environments.gather import Gathered
from bumper.environments.repository import Target
from bumper.gate.rules import Waiting
from bumper.planning.bump import Plan, apply_plan, diff_of
from bumper.planning.description import ProposalText, describe, explain_held
from bumper.planning.proposal import Proposal, Request, Words, branch_name, propose, title_of
from bumper.planning.rollout import Rollout, rollout_of
from bumper.records.record import Record


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal, the plan behind it, its unified diff, and what Argo CD is to run then (None: nothing is known)."""

    proposal: Proposal
    plan: Plan
    diff: str
    rollout: Rollout | None
    source: str | None = None  # the environment that a promotion is from
    waiting: tuple[Waiting, ...] = ()  # the applications that a promotion leaves for later


def make_draft(
    target: Target, asked: Request, plan: Plan, text: ProposalText, environ: Mapping[str, str],
    files: Mapping[str, bytes] | None = None, undoes: Sequence[str] = (),
) -> Draft:  # fmt: skip
    """The proposal of ``plan``; ``files`` are its new bytes where they are more than the plan's tags."""
    content = files if files is not None else apply_plan(plan, target.gathered.values)
    config, rules = target.setup.config, target.environment.config
    record = _make_record(asked, plan, text, environ, undoes)
    subject = title_of(asked.command, asked.environment, plan.changes, text.note)
    held = map(explain_held, plan.held)
    text = replace(text, left_out=(*held, *text.left_out), warnings=(*text.warnings, *plan.warnings))
    description = describe(record, text, subject, _files_url(target), plan.along)
    branch = branch_name(config.branch_prefix, asked, _applications(asked, target.gathered))
    words = Words(config.commit_message, text.title, argocd_references(environ))
    labels = (*rules.labels, *text.labels)
    proposal = propose(asked, branch, subject, description, content, record, words, labels)
    rollout = rollout_of(target.environment, target.gathered, plan)
    return Draft(proposal, plan, diff_of(content, target.gathered.values), rollout)


def _make_record(
    asked: Request, plan: Plan, text: ProposalText, environ: Mapping[str, str], undoes: Sequence[str] = ()
) -> Record:
    """The record of a request by whoever the CI variables name."""
    images = dict.fromkeys(change.reference for change in plan.changes)
    return Record(
        asked.command, asked.environment, tuple(images), plan.changes, read_pipeline(environ), requested_by(environ),
        undoes=tuple(undoes), urgent=text.urgent, source=read_source(environ), by_itself=text.by_itself,
        watched=round(text.watching.longest) if text.watching is not None else None,
    )  # fmt: skip


def _applications(asked: Request, gathered: Gathered) -> tuple[str, ...]:
    """The applications that a request names, or that use its images; none where it is about all of several."""
    if asked.apps:
        return asked.apps
    if asked.images:
        return tuple(found.app for found in gathered.pins if found.pin.repository in asked.images)
    return gathered.apps if len(gathered.apps) == 1 else ()


def on_branch(draft: Draft, branch: str) -> Draft:
    """The draft, proposed on another branch."""
    return replace(draft, proposal=replace(draft.proposal, branch=branch))


def _files_url(target: Target) -> str:
    """Where GitLab shows the files of the target branch."""
    address, branch = target.checkout.settings.address, quote(target.checkout.branch)
    return f"{address.gitlab_url}/{quote(address.project)}/-/blob/{branch}"
