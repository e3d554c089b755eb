"""A change of an environment, put together and ready to be delivered; nothing has been changed yet. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bumper.ci import argocd_references, read_pipeline, read_source, requested_by
from bumper.environments.repository import Target
from bumper.planning.bump import Plan, apply_plan, diff_of
from bumper.planning.expected_images import Rollout, rollout_of
from bumper.planning.proposal import Proposal, Request, Words, code, propose
from bumper.planning.titles import title_of
from bumper.records.record import Record


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal, the plan behind it, its unified diff, and what Argo CD is to run then (None: nothing is known)."""

    proposal: Proposal
    plan: Plan
    diff: str
    rollout: Rollout | None


@dataclass(frozen=True, slots=True)
class ProposalText:
    """What a command says of its proposal: ``note`` in the title's parentheses; ``title`` is the user's own title."""

    note: str = ""
    title: str | None = None
    labels: tuple[str, ...] = ()
    remarks: Sequence[str] = ()


def make_record(asked: Request, plan: Plan, environ: Mapping[str, str], undoes: Sequence[str] = ()) -> Record:
    """The record of a request by whoever the CI variables name."""
    images = dict.fromkeys(change.reference for change in plan.changes)
    return Record(
        asked.command, asked.environment, tuple(images), plan.changes, read_pipeline(environ), requested_by(environ),
        undoes=tuple(undoes), source=read_source(environ),
    )  # fmt: skip


def _along(plan: Plan) -> list[str]:
    """The places beside the pins whose value changes, for the merge request's description."""
    lines = [f"- {code(f'{change.file}:{change.line}')} {code(change.path)}" for change in plan.along]
    return ["\n".join(["These places change too, through an anchor:", "", *lines])] if lines else []


def make_draft(
    target: Target, asked: Request, plan: Plan, text: ProposalText, environ: Mapping[str, str],
    files: Mapping[str, bytes] | None = None, undoes: Sequence[str] = (),
) -> Draft:  # fmt: skip
    """The proposal of ``plan``; ``files`` are its new bytes where they are more than the plan's tags."""
    content = files if files is not None else apply_plan(plan, target.gathered.values)
    config, rules = target.setup.config, target.environment.config
    record = make_record(asked, plan, environ, undoes)
    words = Words(config.commit_message, text.title, argocd_references(environ))
    labels = (*rules.labels, *text.labels)
    subject = title_of(asked.command, asked.environment, plan.changes, text.note)
    proposal = propose(
        asked, config.branch_prefix, subject, content, record, words, labels, [*_along(plan), *text.remarks]
    )  # fmt: skip
    rollout = rollout_of(target.environment, target.gathered, plan)
    return Draft(proposal, plan, diff_of(content, target.gathered.values), rollout)
