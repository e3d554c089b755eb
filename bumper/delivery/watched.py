"""From the proposal to what runs: delivered, waited for, watched, and undone where it turned out sick.

``deliver_watched`` is the way of every command that changes an environment. What a failure is undone by is the
command's to say: a bump and a promotion are rolled back, a rollback is not.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias

from bumper.argocd.verdict import Ending, Limits
from bumper.clock import format_duration
from bumper.delivery.attempt import Attempt
from bumper.delivery.deliver import deliver, other_content, require_wait
from bumper.delivery.other_requests import close_replaced
from bumper.delivery.result import NotDone, Result
from bumper.delivery.watch import Before, WatchedApplication, look_before, require_rollout, watch
from bumper.errors import BumperError, Refused, Unavailable
from bumper.git.checkout import refreshed
from bumper.gitlab.merge_request_changes import comment
from bumper.log import report_step
from bumper.planning.bump import Plan
from bumper.planning.description import Watching, code
from bumper.planning.proposal import Draft, Rollout, rollout_of
from bumper.records.watches import WatchedRequest, WatchRecord, newest_watched, write_note

# What undoes a result some of whose applications are sick: the failure that says what became of it.
Undo: TypeAlias = Callable[[Result, Sequence[WatchedApplication], Watching], NotDone]


@dataclass(frozen=True, slots=True)
class _Watch:
    """One deployment that is watched: what it came to so far, and who has to know."""

    done: Result
    rollout: Rollout
    watching: Watching
    attempt: Attempt
    merge_request: int | None  # that the outcome is noted on


def deliver_watched(draft: Draft, attempt: Attempt, undo: Undo | None = None) -> Result:
    """Carry the draft out, and wait and watch as far as that is asked for.

    Raises ``PushRaceLost`` where a branch moved on meanwhile: nothing is half done; and ``NotDeployed`` where what was
    waited for is not what runs in the end.
    """
    watching = attempt.watching(draft.proposal.record.command)
    if watching is None:
        return deliver(draft, attempt)
    if watching.rolls_back:
        _require_merge_request(attempt)
    rollout = require_rollout(draft.rollout, attempt.target.environment.name, "--wait-deployed")
    before = look_before(rollout, attempt.session)
    left = _left_unwatched(rollout, attempt)
    done = deliver(draft, attempt)
    done = replace(done, warnings=(*done.warnings, *(sentence for _, sentence in left)))
    if (landed := done.landed) is None:
        return done
    watched = _Watch(done, rollout, watching, attempt, done.merge_request.iid if done.merge_request else None)
    return _see_it_run(watched, landed, before, undo if watching.rolls_back else None)


def finish_unchanged(done: Result, plan: Plan, attempt: Attempt) -> Result:
    """``done``, which changed nothing, once outdated merge requests are closed and Argo CD runs what is there already.

    Nothing is undone. Where the job that brought it left it unwatched, this one says so, and notes the outcome in its
    place.
    """
    done = require_wait(done, attempt.options)
    closed = close_replaced(attempt, plan, done.command) if plan.covers else []
    warnings = [f"closed !{iid}, which proposed another tag." for iid in closed]
    done = replace(done, warnings=(*done.warnings, *warnings))
    target, watching = attempt.target, attempt.watching(done.command)
    if watching is None or (landed := done.landed) is None:
        return done
    rollout = rollout_of(target.environment, target.gathered, plan)
    rollout = require_rollout(rollout, done.environment, "--wait-deployed")
    left = _left_unwatched(rollout, attempt)
    done = replace(done, warnings=(*done.warnings, *(sentence for _, sentence in left)))
    noted = next((one.merge_request.iid for one, _ in left if _is_running(rollout, one)), None)
    return _see_it_run(_Watch(done, rollout, watching, attempt, noted), landed, {}, None)


def _left_unwatched(rollout: Rollout, attempt: Attempt) -> list[tuple[WatchedRequest, str]]:
    """The last deployments of the rollout's applications whose watch ended before its outcome, in a sentence each."""
    if attempt.known is None:
        return []
    apps = {image.app for image in rollout.expected_images}
    try:
        found = newest_watched(attempt.known, {attempt.target.environment.name}, attempt.session.clock.now())
    except BumperError as error:
        report_step(f"going on without the outcome of earlier deployments ({error.what})")
        return []
    own = [one for one in found if apps & {change.app for change in one.record.changes}]
    return [(one, sentence) for one in own if (sentence := one.explain_left()) is not None]


def _is_running(rollout: Rollout, one: WatchedRequest) -> bool:
    """Whether what the merge request brought is what is expected to run now."""
    expected = {(image.app, image.image, image.version.tag) for image in rollout.expected_images}
    return {(change.app, change.image, change.after.tag) for change in one.record.changes} <= expected


def _require_merge_request(attempt: Attempt) -> None:
    """What is rolled back by itself is a merge request, by GitLab's API."""
    name = attempt.target.environment.name
    if attempt.delivery == "commit":
        raise Refused(
            f"--rollback-on-failure undoes a merge request, and {name} is changed by commits straight to the branch",
            "leave it out (rollback_on_failure in bumper.yaml), or deliver by merge request",
        )
    if attempt.known is None:
        raise Refused(
            "--rollback-on-failure needs GitLab's API",
            "set BUMPER_TOKEN to a token with the scope api, or leave it out",
        )


def _see_it_run(one: _Watch, landed: str, before: Mapping[str, Before], undo: Undo | None) -> Result:
    if not one.rollout.applications():  # an image that nothing uses, allowed by --allow-missing
        return one.done
    session = one.attempt.session
    now = session.clock.monotonic()
    began = session.began if one.attempt.options.wait is None else now  # --wait alone is for the merge
    limits = Limits(now, began + one.watching.seconds, one.watching.steady)
    try:
        with _noted(one):
            applications = watch(one.rollout, landed, limits, before, session)
    except Unavailable as error:
        what = f"whether {one.done.environment} runs it is not known: {error.what}"
        raise NotDone(what, error.next_step, one.done, error.exit_code) from error
    is_well = all(each.course.ending is Ending.WELL for each in applications)
    replaced = _find_replaced(one, landed) if is_well else None
    _note_outcome(one, applications, replaced)
    if replaced is not None:
        raise NotDone(replaced, f"`bumper history {one.done.environment}` lists what came after it", one.done)
    if is_well:
        return one.done
    if undo is not None and any(each.is_sick for each in applications):
        raise undo(one.done, applications, one.watching)
    raise _failure_of(one.done, applications, one.watching)


def _find_replaced(one: _Watch, landed: str) -> str | None:
    """The pin that somebody has set to another version since ``landed``, which is then what was seen healthy."""
    done, target = one.done, one.attempt.target
    try:
        tip = refreshed(target.checkout).tip
        other = other_content(target, tip, (*done.changes, *done.kept)) if tip != landed else None
    except Unavailable as error:
        report_step(f"going on without the branch's newest commit ({error.what})")
        return None
    return f"{done.environment} was changed while this was watched: {other}" if other is not None else None


def _failure_of(done: Result, applications: Sequence[WatchedApplication], watching: Watching) -> NotDone:
    """The failure of a deployment that is not undone: which applications are not well, and why."""
    ill = [each for each in applications if each.course.ending is not Ending.WELL]
    what = "; ".join(explain(each, watching) for each in ill)
    pages = f"see {', '.join(dict.fromkeys(each.page for each in ill))}"
    next_step = f"nothing was rolled back; {pages}" if watching.rolls_back else pages
    is_known = not {each.course.ending for each in ill} <= {Ending.SILENT, Ending.MISSING, None}
    return NotDone(what, next_step, done, NotDone.exit_code if is_known else Unavailable.exit_code)


def explain(one: WatchedApplication, watching: Watching) -> str:
    """What became of an application, as a clause."""
    last, named = one.course.last, f"Argo CD application {one.name}"
    if one.course.ending is None and last.state not in {"silent", "missing"}:
        return f"{named} was {last.reason} when the watch ended"
    in_time = f"run it within {watching.seconds:g} s"
    if one.course.healthy_after is not None:
        in_time = f"stay healthy for {format_duration(watching.steady)}"
    clauses: dict[Ending | None, str] = {
        Ending.WELL: f"{named} is healthy",
        Ending.SICK: f"{named} is not healthy: {last.reason}",
        Ending.LATE: f"{named} did not {in_time}: {last.reason}",
        Ending.MISSING: last.reason,
    }
    return clauses.get(one.course.ending, f"whether {named} is healthy is not known: {last.reason}")


@contextlib.contextmanager
def _noted(one: _Watch) -> Iterator[None]:
    """Note on the merge request that its deployment is watched, and where that ends without a result."""
    environ = one.attempt.session.environ
    job = environ.get("CI_JOB_URL") or environ.get("CI_PIPELINE_URL") or ""
    by = f" by {code(job)}" if job else ""
    _note(one, WatchRecord(state="watching"), f"This deployment is being watched{by}.")
    try:
        yield
    except BaseException:  # a job that is cancelled, too: whoever comes next has to know
        _note(one, WatchRecord(state="interrupted"), "The watch of this deployment ended before its outcome was known.")
        raise


def _note_outcome(one: _Watch, applications: Sequence[WatchedApplication], replaced: str | None) -> None:
    ended = [each for each in applications if each.course.ending is not None]
    worst = next(ending for ending in Ending if any(each.course.ending is ending for each in ended))
    reasons = [explain(each, one.watching) for each in applications if each.course.ending is not Ending.WELL]
    reasons += [replaced] if replaced is not None else []
    after = max((each.course.healthy_after or 0.0 for each in ended), default=0.0)
    record = WatchRecord(
        state=worst.value if replaced is None else "replaced", steady=one.watching.steady,
        healthy_after=round(after, 1) if worst is Ending.WELL else None, reason="; ".join(reasons),
    )  # fmt: skip
    one.attempt.session.show(f"{one.done.environment}: {record.words}")
    shown = "\n".join(f"- {code(explain(each, one.watching))}" for each in applications)
    _note(one, record, f"Outcome of this deployment: {record.words}.\n\n{shown}")


def _note(one: _Watch, record: WatchRecord, text: str) -> None:
    """Without a merge request, or without GitLab's API, nothing is noted; nor does a note that fails stop anything."""
    known = one.attempt.known
    if known is None or one.merge_request is None:
        return
    until = one.attempt.session.clock.now() + timedelta(seconds=one.watching.longest)
    record = record.model_copy(update={"until": until})
    try:
        comment(known.gitlab, one.merge_request, write_note(record, text))
    except BumperError as error:
        report_step(f"going on without a note on !{one.merge_request} ({error.what})")
