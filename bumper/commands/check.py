"""``bumper check``: what a change of the GitOps repository does to which environment, and whether that is allowed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bumper.ci import read_deploy_freeze, read_merge_request
from bumper.clock import Clock
from bumper.environments.repository import RepositoryConfig, read_repository_config
from bumper.errors import BumperError, WrongUsage
from bumper.gate.check import Evidence, Verdict, judge
from bumper.gate.check_pins import config_of
from bumper.gate.rules import or_refusal
from bumper.git.failures import explained
from bumper.git.span import Borrowed, Span, borrow, find_span
from bumper.gitlab.connection import GitLab, connect_if_possible
from bumper.gitlab.merge_request_changes import keep_note
from bumper.log import report_step
from bumper.planning.description import code
from bumper.records.line import Line
from bumper.records.record import read_urgent
from bumper.registry.resolve import RegistryAccess

_NOT_COMMITTED = "commits are checked, and this checkout has changes that are not committed."
_MARKER = "<!-- bumper check -->"
_MAX_ROWS = 100


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What the command line asks for; ``base`` and ``head`` are revisions of the checkout."""

    base: str | None = None
    head: str | None = None
    verify: bool = True
    note: bool = False


def check(request: CheckRequest, place: Path, environ: Mapping[str, str], clock: Clock) -> Verdict:
    """Find the change in the checkout around ``place``, read its pins before and after, judge them, keep the note."""
    merge_request = read_merge_request(environ)
    iid = merge_request.iid if merge_request is not None else None
    if request.note and iid is None:
        raise WrongUsage("--note needs a merge request", "use it in a merge request's pipeline")
    with borrow(place, environ, merge_request.project_url if merge_request is not None else "") as borrowed:
        gitlab = connect_if_possible(borrowed.settings)
        with explained("reading the checkout", borrowed.settings):
            span = find_span(borrowed, request.base, request.head, merge_request)
            verdict = _judge(span, borrowed, gitlab, environ, clock.now(), verify=request.verify)
        if merge_request is None and request.head is None and borrowed.has_uncommitted_changes():
            verdict = replace(verdict, warnings=(*verdict.warnings, _NOT_COMMITTED))
    if request.note and iid is not None:
        warning = _keep_note(gitlab, iid, verdict)
        verdict = replace(verdict, warnings=(*verdict.warnings, *warning))
    return verdict


def _judge(
    span: Span, borrowed: Borrowed, gitlab: GitLab | None, environ: Mapping[str, str], now: datetime, *, verify: bool
) -> Verdict:  # fmt: skip
    report_step("reading the pins before and after the change")
    read = or_refusal(read_repository_config, span.tip)
    setup = read if isinstance(read, RepositoryConfig) else None
    config = config_of(setup)
    soaks = [one.soak for one in config.environments.values() if one.soak is not None]
    line = Line(span.tip, now, now - timedelta(seconds=max(soaks)) if soaks else None, gitlab)
    access = RegistryAccess(environ, config.insecure_registries, borrowed.settings.ca_file) if verify else None
    return judge(span, Evidence(setup, line, gitlab, read_deploy_freeze(environ), access, read_urgent(span.messages)))


def _keep_note(gitlab: GitLab | None, iid: int, verdict: Verdict) -> list[str]:
    """Keep the note; why that was not possible, which is no reason to stop a change."""
    if gitlab is None:
        return ["the note is not kept, because it needs a token for GitLab's API (BUMPER_TOKEN, scope api)."]
    try:
        is_worthwhile = bool(verdict.changes or verdict.findings)
        keep_note(gitlab, iid, _MARKER, "\n".join(_note_text(verdict)), create=is_worthwhile)
    except BumperError as error:
        return [str(error)]
    return []


def _note_text(verdict: Verdict) -> Iterator[str]:
    """The lines of the note, in Markdown."""
    count = len(verdict.findings)
    if count:
        yield f"**bumper check**: {count} {'finding' if count == 1 else 'findings'}"
        yield ""
    else:
        yield f"**bumper check**: {'bumper.yaml allows this change' if verdict.changes else 'no pin changes'}."
    for one in verdict.findings[:_MAX_ROWS]:
        yield f"- {code(f'{one.file}:{one.line}')} ({one.rule}) {code(one.message)}: {code(one.fix)}"
    if count > _MAX_ROWS:
        yield f"- and {count - _MAX_ROWS} more in the job's log"
    rows = [(one.environment, change) for one in verdict.changes if (change := one.change) is not None]
    if rows:
        yield from ("", "| environment | application | image | from | to |", "| --- | --- | --- | --- | --- |")
    for environment, change in rows[:_MAX_ROWS]:
        cells = (environment, change.app, change.image, change.before, change.after)
        yield f"| {' | '.join(code(str(cell)) for cell in cells)} |"
    if len(rows) > _MAX_ROWS:
        yield f"\nand {len(rows) - _MAX_ROWS} more changes"
    if verdict.warnings:
        yield ""
    yield from (f"- warning: {code(warning)}" for warning in verdict.warnings)
