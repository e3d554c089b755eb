"""``bumper hold`` and ``bumper unhold``: whether bump and promote may touch an application's pins."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from bumper.delivery import deliver
from bumper.delivery.options import DeliveryOptions, choose_delivery
from bumper.delivery.proposal_text import proposal_text
from bumper.delivery.result import Result
from bumper.delivery.retry import remake_after_lost_push
from bumper.delivery.session import Session
from bumper.environments.gather import FoundPin
from bumper.environments.repository import Target, open_target
from bumper.environments.selection import Selection, choose_applications
from bumper.errors import Refused
from bumper.git.checkout import Checkout
from bumper.planning.bump import Plan
from bumper.planning.draft import make_draft
from bumper.planning.markdown import code
from bumper.planning.proposal import Request
from bumper.records.record import Command
from bumper.values.change import Change, Version, make_change
from bumper.values.holds import hold_reason, put_hold, take_hold
from bumper.values.pin_path import format_path


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
    """Clone, read the environment, write or remove the comments, propose, wait.

    Raises:
        BumperError: the request cannot be fulfilled; nothing is half done.

    """
    return remake_after_lost_push(
        session.cloning.end(), lambda tip: _hold_once(request, options, tip, session), session.clock
    )


def _hold_once(request: HoldRequest, options: DeliveryOptions, checkout: Checkout, session: Session) -> Result:
    target = open_target(checkout, request.environment, Selection(request.apps))
    delivery = choose_delivery(target.setup.written, target.environment, options.delivery)
    chosen = _choose(target, request)
    asked = Request(request.command, request.environment, checkout.branch, (), request.apps, " ".join(request.images))
    plan = Plan((), tuple(_change(found) for found in chosen), frozenset(), warnings=_warnings(target, chosen, request))
    files = _write(target, chosen, request)
    if not files:
        return deliver.nothing_to_do(target, plan, asked)
    known = session.known_requests(checkout, target.setup)
    why = [f"**Reason**: {code(request.reason)}"] if request.reason else []
    text = proposal_text(asked, plan, target, delivery, options, session, known)
    draft = make_draft(target, asked, plan, replace(text, facts=why), session.environ, files)
    if request.dry_run:
        return deliver.dry_run_result(draft, delivery)
    done = deliver.deliver(draft, target, delivery, options, session, known)
    return deliver.wait_for_rollout(done, draft.rollout, options, session)


def _warnings(target: Target, chosen: Sequence[FoundPin], request: HoldRequest) -> tuple[str, ...]:
    """What stays held by a comment in another file of the application, and what else is to be known of the files."""
    if request.command is not Command.UNHOLD:
        return target.gathered.warnings
    apps = choose_applications(target.gathered.applications, request.environment, request.apps)
    stays = [found for found in target.gathered.pins if found.app in apps and found.held and found not in chosen]
    left = [f"{found.file}: {format_path(found.pin.path)} stays held: {found.held}." for found in stays]
    return (*target.gathered.warnings, *left)


def _choose(target: Target, request: HoldRequest) -> list[FoundPin]:
    """The pins that are to change: those without a hold for hold, those with one for unhold."""
    gathered = target.gathered
    apps = choose_applications(gathered.applications, request.environment, request.apps)
    pins = [
        found for found in gathered.pins
        if found.app in apps and found.pin.tag_scalar is not None and found.pin.repository is not None
        and (not request.images or any(fnmatchcase(str(found.pin.repository), glob) for glob in request.images))
    ]  # fmt: skip
    if not pins:
        raise Refused(
            f"{', '.join(sorted(apps))} in {request.environment} has no pin of its own to {request.command}; "
            "`bumper status --all` shows the pins."
        )
    held = request.command is Command.UNHOLD
    return [found for found in pins if (hold_reason(gathered.values[found.file], found.pin) is not None) == held]


def _write(target: Target, chosen: Sequence[FoundPin], request: HoldRequest) -> dict[str, bytes]:
    files = {}
    for file in dict.fromkeys(found.file for found in chosen):
        values, pins = target.gathered.values[file], [found.pin for found in chosen if found.file == file]
        files[file] = (
            put_hold(values, pins, request.reason) if request.command is Command.HOLD else take_hold(values, pins)
        )
    return files


def _change(found: FoundPin) -> Change:
    """The pin, whose tag stays."""
    return make_change(found.app, found.file, found.pin, Version(found.pin.tag, found.pin.digest))
