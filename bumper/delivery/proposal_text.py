"""What GitLab adds to a merge request's words: the commits behind the images, and the project's own template."""

import re
from dataclasses import replace

from bumper.ci import read_source
from bumper.delivery.options import DeliveryOptions, watching_of
from bumper.delivery.session import Session
from bumper.delivery.source_commits import describe_commits
from bumper.environments.config_values import Delivery
from bumper.environments.repository import Target
from bumper.errors import BumperError
from bumper.git.checkout import fetch_branch, read_files
from bumper.planning.bump import Plan
from bumper.planning.description import ProposalText
from bumper.planning.proposal import Request
from bumper.records.known_requests import KnownRequests
from bumper.records.record import Command

_TEMPLATE = (
    ".gitlab/merge_request_templates/default.md"  # in any case (GitLab's documentation of description templates)
)
# What only GitLab's form for a new merge request fills in; the description says more of the commit.
_VARIABLES = re.compile(
    r"%\{(?:all_commits|co_authored_by|first_commit|first_multiline_commit(?:_description)?|(?:source|target)_branch)\}"
)


def proposal_text(
    asked: Request, plan: Plan, target: Target, delivery: Delivery, options: DeliveryOptions, session: Session,
    known: KnownRequests | None,
) -> ProposalText:  # fmt: skip
    """What the command line, GitLab and the project say of a proposal; a commit of its own has no description."""
    text = ProposalText(
        title=options.title, labels=options.labels, watching=watching_of(asked.command, target.environment, options)
    )  # fmt: skip
    if delivery == "commit":
        return text
    source = read_source(session.environ) if asked.command is Command.BUMP else None
    commits = describe_commits(session, plan.changes, source, back=asked.command is Command.ROLLBACK)
    return replace(text, commits=commits, template=_default_template(target, known))


def _default_template(target: Target, known: KnownRequests | None) -> str:
    """The project's default merge request template, which GitLab puts into its form and not into what the API makes.

    The project's setting goes before the file on the default branch. What cannot be read is left out: it is no reason
    not to deploy.
    """
    checkout, setting, default = target.checkout, "", ""
    try:
        if known is not None:
            setting, default = known.project.merge_request_template, known.project.default_branch
        if not setting and default and default != checkout.branch:
            checkout = fetch_branch(checkout, default)
        found = [path for path in checkout.entries if path.lower() == _TEMPLATE]
        if not setting and found:
            setting = read_files(checkout, found[:1]).get(found[0], b"").decode(errors="replace")
    except BumperError:
        return ""
    return _VARIABLES.sub("", setting)
