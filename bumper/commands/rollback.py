"""``bumper rollback``: undo an environment's last deployment, by merge request."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from bumper.delivery.attempt import DeliveryOptions, Session, begin_attempt, remake_after_lost_push
from bumper.delivery.proposal_text import proposal_text
from bumper.delivery.result import Result, dry_run_result, nothing_to_do
from bumper.delivery.watched import deliver_watched, finish_unchanged
from bumper.environments.gather import pins_of_version
from bumper.environments.repository import Target, open_target
from bumper.environments.selection import Selection, choose_applications
from bumper.errors import BumperError, Refused, WrongUsage
from bumper.gate.freeze import find_freeze
from bumper.gate.rules import broken_by_bump, check_heirs, missing_digests, refuse
from bumper.git.checkout import Checkout
from bumper.gitlab.connection import NotShown
from bumper.gitlab.merge_requests import read
from bumper.gitlab.project import commits_of
from bumper.image import is_tag
from bumper.planning import rollback as planning
from bumper.planning.bump import Plan, apply_plan
from bumper.planning.description import code, inert
from bumper.planning.proposal import Request, make_draft
from bumper.records.history import Deployment, Scope, deployments, deployments_among, scope_of
from bumper.records.record import Command
from bumper.registry.resolve import resolve_all, resolve_digests
from bumper.values.holds import NO_REASON, as_comment, put_hold
from bumper.values.values_file import read_values

_BY_ITSELF = (
    "**Made by itself**, by the job that watched the deployment. Its hold works once it is merged; until then a bump "
    "or a promotion of another version closes it."
)
_Found: TypeAlias = tuple[Plan, list[Deployment]]  # and what the plan takes back


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """What the command line asks for; at most one of ``to``, ``steps`` and ``merge_request``."""

    environment: str
    apps: tuple[str, ...] = ()
    images: tuple[str, ...] = ()  # globs
    all_apps: bool = False
    to: str | None = None
    steps: int | None = None
    merge_request: int | None = None
    force: bool = False
    hold: str | None = None
    dry_run: bool = False
    verify: bool = True
    by_itself: bool = False  # because Argo CD reported it sick

    @property
    def selector(self) -> str:
        """What tells this rollback from others of the same applications."""
        images = "".join(f" image {glob}" for glob in sorted(set(self.images)))
        if self.to is not None:
            return f"to {self.to}{images}"
        if self.merge_request is not None:
            return f"mr {self.merge_request}{images}"
        return f"steps {self.steps or 1}{' all' if self.all_apps else ''}{images}"


def rollback(
    request: RollbackRequest, options: DeliveryOptions, session: Session, confirm: Callable[[Result], None]
) -> Result:
    """Clone, read the environment, walk back through the history, plan, propose, wait."""
    selectors = [request.to, request.steps, request.merge_request]
    if sum(selector is not None for selector in selectors) > 1:
        raise WrongUsage("--to, --steps and --mr cannot be combined; give one of them.")
    if request.to is not None and not is_tag(request.to):
        raise WrongUsage(f"{request.to!r} is not a tag", "write --to TAG, as the registry names it")
    if request.all_apps and request.apps:
        raise WrongUsage("--all-apps and --app cannot be combined; give one of them.")
    return remake_after_lost_push(session, lambda tip: rollback_once(request, options, tip, session, confirm))


def rollback_once(
    request: RollbackRequest, options: DeliveryOptions, checkout: Checkout, session: Session,
    confirm: Callable[[Result], None],
) -> Result:  # fmt: skip
    """The rollback from the tip of ``checkout``; raises PushRaceLost where the branch has moved on meanwhile."""
    target = open_target(checkout, request.environment, Selection(request.apps))
    target = replace(target, gathered=planning.with_images(target.gathered, request.environment, request.images))
    attempt = begin_attempt(target, options, session)
    apps = _choose(target, request)
    plan, undone = _find(target, scope_of(target, session.gitlab, apps), request, session)
    asked = Request(Command.ROLLBACK, request.environment, checkout.branch, (), request.apps, request.selector)
    if not plan.changes:
        done = nothing_to_do(target, plan, asked)
        return done if request.dry_run else finish_unchanged(done, plan, attempt)
    plan, missing = _verify(target, plan, session) if request.verify else (plan, ())
    text = proposal_text(asked, plan, attempt)
    text = replace(
        text, note="rollback, held" if request.hold is not None else "rollback", labels=(*text.labels, "rollback"),
        facts=_facts(request, undone), checks=["image exists"] if request.verify and not missing else [],
        by_itself=request.by_itself,
    )  # fmt: skip
    files, undoes = _with_holds(target, plan, request.hold), [one.commit for one in undone]
    draft = make_draft(target, asked, plan, text, session.environ, files, undoes)
    held = f"held: {as_comment(request.hold) or NO_REASON}" if request.hold is not None else ""
    preview = replace(dry_run_result(draft, attempt.delivery), hold=held)
    if request.dry_run:
        return preview
    confirm(preview)
    return replace(deliver_watched(draft, attempt), hold=held)


def _verify(target: Target, plan: Plan, session: Session) -> tuple[Plan, Sequence[str]]:
    """The plan, and a warning for each image that its registry does not have, or cannot tell.

    What ran before digests were demanded may have had none: it gets the one that its tag means now.
    """
    answers = resolve_all([change.reference for change in plan.changes], target.registry_access(session.environ))
    if target.environment.config.digests:
        digests = {image: answer for image, answer in answers.items() if isinstance(answer, str)}
        plan = planning.with_digests(plan, target.gathered, digests)
    missing = [str(answer) for answer in answers.values() if isinstance(answer, BumperError)]
    return replace(plan, warnings=(*plan.warnings, *missing)), missing


def _choose(target: Target, request: RollbackRequest) -> frozenset[str]:
    gathered, name = target.gathered, request.environment
    apps = choose_applications(gathered.applications, name, request.apps)
    if len(apps) > 1 and not (request.apps or request.all_apps or request.merge_request is not None):
        known = ", ".join(gathered.apps[:20])
        raise Refused(f"{name} has several applications ({known}); choose with --app, --all-apps or --mr IID.")
    return apps


def _find(target: Target, scope: Scope, request: RollbackRequest, session: Session) -> _Found:
    """The deployments to take back, and the plan that does it."""
    name = request.environment
    if request.to is not None:
        return _to_tag(target, scope, request, request.to, session)
    if request.merge_request is not None:
        undone = _of_merge_request(scope, request.merge_request, name, request.images)
    else:
        undone = _last(target, scope, request)
    planning.refuse_another_image(undone, target.gathered, target.setup.config)
    return planning.plan_rollback(target.gathered, name, undone, force=request.force), undone


def _to_tag(target: Target, scope: Scope, request: RollbackRequest, tag: str, session: Session) -> _Found:
    """Back to a tag that the application ran in the environment; any other obeys the environment's rules, as a bump."""
    running = {(found.app, found.pin.repository): found.pin.tag for found in target.gathered.pins}
    past = planning.walk_back_to(planning.of_images(deployments(scope), request.images), scope.names, tag, running)
    planning.refuse_another_image(past, target.gathered, target.setup.config)
    pins = planning.pins_to_tag(target.gathered, request.environment, scope.names, past, tag)
    new = planning.never_ran(pins, past, tag)
    refuse(broken_by_bump(target.setup.config, target.environment, new))
    frozen = find_freeze(target.environment, session.gitlab, session.clock.now()) if new else None
    if frozen is not None:
        bump = f"bumper bump {request.environment} {new[0]} --urgent REASON"
        raise Refused(f"{frozen}, and {new[0]} never ran there", f"run `{bump}`, or wait")
    digests = resolve_digests(new, target.registry_access(session.environ)) if new and request.verify else {}
    plan = planning.plan_to_tag(
        target.gathered, past, pins, tag, digests, target.environment.config, obey_holds=bool(new)
    )
    if new:
        refuse(missing_digests(target.environment, [change.reference for change in plan.changes]))
        plan = replace(plan, warnings=(*plan.warnings, *check_heirs(target, plan.changes)))
    return plan, list(planning.undoing(past, plan.changes))


def _last(target: Target, scope: Scope, request: RollbackRequest) -> list[Deployment]:
    """The last deployments of each application, or with ``--all-apps`` of the environment as a whole."""
    name, steps = request.environment, request.steps or 1
    groups = {app: name if request.all_apps else app for app in scope.names}
    past = planning.without_vanished(planning.of_images(deployments(scope), request.images), target.gathered)
    undone = planning.walk_back(past, groups, steps)
    missing = planning.too_few(undone, groups, steps)
    if not missing:
        return undone
    undone_before = planning.explain_undone(planning.of_images(deployments(scope), request.images))
    if undone_before is not None and steps == 1:
        hint = f"use --to TAG or --mr IID; `bumper history {name}` lists what ran"
        raise Refused(f"nothing left to undo: {undone_before}", hint)
    found = "there is no deployment" if steps == 1 else f"there are fewer than {steps} deployments"
    of = "" if request.all_apps else f" of {', '.join(missing)}"
    raise Refused(f"{found}{of} in {name}", f"`bumper history {name}` lists them")


def _of_merge_request(scope: Scope, iid: int, environment: str, images: Sequence[str]) -> list[Deployment]:
    """What a merged merge request changed in the environment; fast-forwarded, it may be several commits."""
    gitlab = scope.gitlab
    if gitlab is None:
        raise Refused(
            f"--mr {iid} needs GitLab's API", "set BUMPER_TOKEN to a token with the scope api, or use --steps or --to"
        )
    try:
        request = read(gitlab, iid)
    except NotShown as missing:
        raise Refused(
            f"there is no merge request !{iid} in {gitlab.settings.address.project}",
            f"`bumper history {environment}` lists those that changed it",
        ) from missing
    if request.state != "merged":
        raise Refused(f"!{iid} is {request.state}, not merged, so there is nothing to undo; close it instead.")
    if request.target_branch != scope.checkout.branch:
        raise Refused(
            f"!{iid} was merged into {request.target_branch}, not {scope.checkout.branch}, so it deployed nothing here",
            f"`bumper history {environment}` lists what did",
        )
    found = list(planning.of_images(deployments_among(scope, commits_of(gitlab, request)), images))
    if not found:
        raise Refused(f"!{iid} changed no tag of {environment}; `bumper history {environment}` lists what did.")
    return found


def _with_holds(target: Target, plan: Plan, reason: str | None) -> dict[str, bytes]:
    """The plan's files, with a hold on each changed pin where one is asked for."""
    files = apply_plan(plan, target.gathered.values)
    if reason is None:
        return files
    for file, content in files.items():
        changed = {found.pin.path for found, _ in plan.edits if found.file == file}
        pins = pins_of_version(target.environment, target.setup.config, file, content, target.gathered.values)
        held = [found.pin for found in pins if found.pin.path in changed]
        files[file] = put_hold(read_values(file, content), held, reason)
    return files


def _facts(request: RollbackRequest, undone: Iterable[Deployment]) -> list[str]:
    """What the merge request says that it undoes, and why."""
    facts = []
    for one in undone:
        number = f"!{one.merge_request}, " if one.merge_request is not None else ""
        by = f"{one.at:%Y-%m-%d %H:%M UTC}, by {code(one.author)}: {code(inert(one.subject))}"
        facts.append(f"**Undoes** {number}{one.commit[:12]}, {by}")
    facts += [f"**Held**: {code(request.hold)}"] if request.hold else []
    return [*facts, *([_BY_ITSELF] if request.by_itself else [])]
