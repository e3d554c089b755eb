"""``bumper hold`` and ``bumper unhold``: whether bump and promote may touch an application's pins."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bumper.delivery.attempt import DeliveryOptions, Session, begin_attempt, remake_after_lost_push
from bumper.delivery.proposal_text import proposal_text
from bumper.delivery.result import Result, dry_run_result, nothing_to_do
from bumper.delivery.watched import deliver_watched
from bumper.environments.gather import FoundPin
from bumper.environments.repository import Target, open_target
from bumper.environments.selection import Selection, choose_applications, is_chosen
from bumper.errors import Refused
from bumper.git.checkout import Checkout
from bumper.planning.bump import Plan
from bumper.planning.description import code
from bumper.planning.proposal import Request, make_draft
from bumper.records.known_requests import KnownRequests, recorded_requests
from bumper.records.record import Command
from bumper.values.change import as_it_is
from bumper.values.holds import NO_REASON, as_comment, hold_reason, put_hold, take_hold
from bumper.values.pin import format_path


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """What the command line asks for; ``command`` is hold or unhold, ``apps`` and ``images`` are globs."""

    command: Command
    environment: str
    apps: tuple[str, ...]
    images: tuple[str, ...] = ()
    reason: str = ""
    dry_run: bool = False


def hold(request: HoldRequest, options: DeliveryOptions, session: Session) -> Result:
    """Clone, read the environment, write or remove the comments, propose, wait."""
    return remake_after_lost_push(session, lambda tip: _hold_once(request, options, tip, session))


def _hold_once(request: HoldRequest, options: DeliveryOptions, checkout: Checkout, session: Session) -> Result:
    target = open_target(checkout, request.environment, Selection(request.apps))
    attempt = begin_attempt(target, options, session)
    apps = choose_applications(target.gathered.applications, request.environment, request.apps)
    pins = _pins(target, apps, request)
    chosen = _choose(target, pins, request)
    asked = Request(request.command, request.environment, checkout.branch, (), request.apps, " ".join(request.images))
    changes = tuple(as_it_is(found.app, found.file, found.pin) for found in chosen)
    warnings = [*target.gathered.warnings]
    if request.command is Command.UNHOLD:
        warnings += _still_held(target, apps, chosen)
    plan = Plan((), changes, frozenset(), warnings=(*warnings, *_opposite(attempt.known, pins, request)))
    files, shown = _write(target, chosen, request), _explain(apps, pins, chosen, request)
    if not files:
        return replace(nothing_to_do(target, plan, asked), hold=shown)
    why = [f"**Reason**: {code(request.reason)}"] if request.reason else []
    text = proposal_text(asked, plan, attempt)
    draft = make_draft(target, asked, plan, replace(text, facts=why), session.environ, files)
    if request.dry_run:
        return replace(dry_run_result(draft, attempt.delivery), hold=shown)
    return replace(deliver_watched(draft, attempt), hold=shown)


def _explain(
    apps: Iterable[str], pins: Sequence[FoundPin], chosen: Sequence[FoundPin], request: HoldRequest
) -> str:  # fmt: skip
    """What becomes of the holds, for people; where nothing does, what there is already."""
    reasons = "; ".join(dict.fromkeys(found.held for found in chosen or pins if found.held))
    if request.command is Command.UNHOLD:
        return f"no longer held: {reasons}" if chosen else f"{', '.join(sorted(apps))}: nothing is held"
    if not chosen:
        return f"{', '.join(sorted(apps))}: held already ({reasons})"
    return f"held: {as_comment(request.reason) or NO_REASON}{f' (was: {reasons})' if reasons else ''}"


def _still_held(target: Target, apps: Collection[str], chosen: Sequence[FoundPin]) -> Iterator[str]:
    """What an unhold leaves held, by a comment in another file of the application."""
    for found in target.gathered.pins:
        if found.app in apps and found.held and found not in chosen:
            yield f"{found.file}: {format_path(found.pin.path)} stays held: {found.held}."


def _opposite(known: KnownRequests | None, pins: Iterable[FoundPin], request: HoldRequest) -> Iterator[str]:
    """The open merge requests that would undo what is asked for: nothing closes a hold but a person."""
    command = Command.UNHOLD if request.command is Command.HOLD else Command.HOLD
    places = {found.place for found in pins}
    for one in recorded_requests(known.opened) if known is not None else ():
        changes = [change for change in one.record.changes if change.place in places]
        if changes and (one.record.command, one.record.environment) == (command, request.environment):
            apps, shown = ", ".join(dict.fromkeys(change.app for change in changes)), one.merge_request
            yield (
                f"!{shown.iid} is open and would {command} {apps}, if it is merged: {shown.url}; "
                "close it if that is not wanted."
            )


def _pins(target: Target, apps: Collection[str], request: HoldRequest) -> list[FoundPin]:
    """The pins that the request is about."""
    pins = [
        found for found in target.gathered.pins
        if found.app in apps and found.pin.tag_scalar is not None and found.pin.repository is not None
        and is_chosen(found.pin.repository, request.images)
    ]  # fmt: skip
    if not pins:
        raise Refused(
            f"{', '.join(sorted(apps))} in {request.environment} has no pin of its own to {request.command}; "
            "`bumper status --all` shows the pins."
        )
    return pins


def _choose(target: Target, pins: Sequence[FoundPin], request: HoldRequest) -> list[FoundPin]:
    """The pins that are to change: those held for unhold; for hold those that are not, or for another reason."""
    asked = as_comment(request.reason)
    reasons = ((found, hold_reason(target.gathered.values[found.file], found.pin)) for found in pins)
    if request.command is Command.UNHOLD:
        return [found for found, reason in reasons if reason is not None]
    return [found for found, reason in reasons if reason is None or (asked and reason != asked)]


def _write(target: Target, chosen: Sequence[FoundPin], request: HoldRequest) -> dict[str, bytes]:
    files = {}
    for file in dict.fromkeys(found.file for found in chosen):
        values, pins = target.gathered.values[file], [found.pin for found in chosen if found.file == file]
        is_hold = request.command is Command.HOLD
        files[file] = put_hold(values, pins, request.reason) if is_hold else take_hold(values, pins)
    return files
