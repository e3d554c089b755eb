"""What GitLab adds to a merge request's words: the commits behind the images, and the project's own template."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from bumper.ci import Source, read_source
from bumper.delivery.attempt import Attempt, Session
from bumper.environments.repository import Target
from bumper.errors import BumperError
from bumper.git.checkout import fetch_branch, read_files
from bumper.gitlab.connection import GitLab, translated
from bumper.image import Repository
from bumper.planning.bump import Plan
from bumper.planning.description import ProposalText, code, inert, link
from bumper.planning.proposal import Request
from bumper.records.known_requests import KnownRequests
from bumper.records.record import Command
from bumper.values.change import Change

# In any case (GitLab's documentation of description templates).
_TEMPLATE = ".gitlab/merge_request_templates/default.md"
# What only GitLab's form for a new merge request fills in; the description says more of the commit.
_VARIABLES = re.compile(
    r"%\{(?:all_commits|co_authored_by|first_commit|first_multiline_commit(?:_description)?|(?:source|target)_branch)\}"
)
_MAX_COMMITS = 20
_MAX_QUESTIONS = 10  # a promotion of hundreds of images is not to wait for hundreds of answers
_FEWEST_PARTS = 2  # GitLab's projects are in a group


def proposal_text(asked: Request, plan: Plan, attempt: Attempt) -> ProposalText:
    """What the command line, GitLab and the project say of a proposal; a commit of its own has no description."""
    options, session = attempt.options, attempt.session
    text = ProposalText(title=options.title, labels=options.labels, watching=attempt.watching(asked.command))
    if attempt.delivery == "commit":
        return text
    source = read_source(session.environ) if asked.command is Command.BUMP else None
    commits = _describe_commits(session, plan.changes, source, back=asked.command is Command.ROLLBACK)
    return replace(text, commits=commits, template=_default_template(attempt.target, attempt.known))


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


def _describe_commits(session: Session, changes: Sequence[Change], source: Source | None, *, back: bool) -> list[str]:
    """Markdown for the merge request's description, an item per project and tags: the commits that the changes bring.

    ``source`` is the project whose pipeline asks. ``back``: a rollback, whose commits are taken out again. Whatever
    GitLab does not show (another project's, no such tag, no API token) is left out: it is no reason not to deploy.
    """
    gitlab, url = session.gitlab, session.settings.address.gitlab_url
    if gitlab is None:
        return []
    own = (source.project,) if source is not None and urlsplit(source.url).netloc == urlsplit(url).netloc else ()
    steps: list[tuple[str, str, tuple[str, ...]]] = []
    for change in changes:
        older, newer = (change.after.tag, change.before.tag) if back else (change.before.tag, change.after.tag)
        if older and newer and older != newer:
            steps.append((older, newer, tuple(dict.fromkeys((*own, *_projects(url, change.image))))))
    found, left = list[str](), _MAX_QUESTIONS
    for older, newer, projects in dict.fromkeys(steps):
        for project in projects[:left]:
            left -= 1
            commits = _compare(gitlab, project, older, newer, back=back)
            if commits is not None:
                found.append(commits)
                break
    return found


def _projects(gitlab_url: str, image: Repository) -> list[str]:
    """The projects in whose container registry the image can be: GitLab allows two more parts after the project's.

    The registry's host is GitLab's own, below it, or its neighbour: registry.bank.example and gitlab.bank.example.
    """
    registry, gitlab = image.host.partition(":")[0], urlsplit(gitlab_url).hostname or ""
    domain = gitlab.partition(".")[2]
    neighbours = "." in domain and not gitlab.replace(".", "").isdecimal() and registry.partition(".")[2] == domain
    if not (registry == gitlab or registry.endswith(f".{gitlab}") or neighbours):
        return []
    parts = image.name.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), max(_FEWEST_PARTS, len(parts) - 2) - 1, -1)]


def _compare(gitlab: GitLab, project: str, older: str, newer: str, *, back: bool) -> str | None:
    """The commits between two tags, the newest first; None where GitLab does not show them or there are none."""
    path, base = f"/projects/{quote(project, safe='')}", f"{gitlab.settings.address.gitlab_url}/{project}/-"
    lines = []
    try:
        with translated(gitlab, f"comparing images of {project}"):
            found: Any = gitlab.api.http_get(f"{path}/repository/compare", query_data={"from": older, "to": newer})
            commits = found["commits"][::-1]
            for one in commits[:_MAX_COMMITS]:
                title = link(inert(str(one["title"])), f"{base}/commit/{one['id']}")
                lines.append(f"  - {title} by {code(str(one.get('author_name') or 'unknown'))}")
    except BumperError:
        return None
    more = [f"  - … and {len(commits) - len(lines)} more"] if len(commits) > len(lines) else []
    count = "1 commit" if len(commits) == 1 else f"{len(commits)} commits"
    compared = link(f"{older}...{newer}", f"{base}/compare/{older}...{newer}")
    heading = f"**{'Taken back' if back else 'Changes'}**: {compared} of {code(project)}, {count}"
    return "\n".join([heading, *lines, *more]) if commits else None
