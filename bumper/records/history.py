"""The deployments of an environment: commits on the target branch's first-parent line that changed a tag."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile

from bumper.environments.config_models import Config
from bumper.environments.layout import Environment
from bumper.environments.repository import Target
from bumper.errors import LookedFarEnough
from bumper.git.checkout import Checkout
from bumper.git.past_commits import PastCommit, fetch_past
from bumper.gitlab.connection import GitLab
from bumper.image import ImageReference
from bumper.log import report_step
from bumper.records.changes import Changed, read_changes
from bumper.records.known_requests import LandedRequests, messages_of_heads
from bumper.records.past import Files, Step, files_below, read_past_of_all, read_past_of_one
from bumper.records.record import Command, Record, read_trailers
from bumper.values.change import Change

# The last line of a message by git revert, and by GitLab's button for a merge request.
_REVERTS = re.compile(r"This reverts (?:commit ([0-9a-f]{40,64})|merge request \S*(!\d{1,15}))\b")
# GitLab's default message of a merge commit ends with this line.
_MERGE_MESSAGE = re.compile(r"See merge request \S*!(\d{1,15})\b")
CLOCKS_DIFFER_BY = timedelta(days=1)  # of the machines that commit


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment. ``author`` is who asked for it, not the bot that committed it."""

    commit: str
    at: datetime
    author: str
    subject: str
    merge_request: int | None
    changes: tuple[Change, ...]
    record: Record | None
    merged: str | None = None  # the commit that a merge commit brought
    reverts: frozenset[str] = frozenset()  # what a person's commit says that it reverts, by one of the names
    message: str = ""  # the commit message with the record

    @property
    def names(self) -> frozenset[str]:
        """What a rollback, git or GitLab may call it: its commits, and ``!7``."""
        request = f"!{self.merge_request}" if self.merge_request is not None else None
        return frozenset(filter(None, (self.commit, self.merged, request)))

    @property
    def is_rollback(self) -> bool:
        """Whether bumper's rollback made it."""
        return self.record is not None and self.record.command == Command.ROLLBACK

    @property
    def undoes(self) -> frozenset[str]:
        """The names of the deployments that it took back."""
        return frozenset(self.record.undoes) if self.record is not None and self.is_rollback else self.reverts


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: an environment as it is now, with those of its applications that matter."""

    checkout: Checkout
    gitlab: GitLab | None  # None without a token for its API: then git alone is read
    environment: Environment
    config: Config

    @property
    def names(self) -> frozenset[str]:
        """The names of these applications."""
        return frozenset(app.app for app in self.environment.apps)

    def files_today(self) -> Files:
        """The values files of these applications, with what is below them, as the place to walk back from."""
        apps = self.environment.apps
        below = files_below(apps)
        return Files({path: below[path] for app in apps for path in app.values}, self.environment.known)

    def changed(self, steps: Iterable[Step]) -> list[Changed]:
        """The commits that changed tags of these applications."""
        return read_changes(self.checkout, self.environment, self.config, steps)


def scope_of(target: Target, gitlab: GitLab | None, apps: Collection[str] | None = None) -> Scope:
    """An environment whose pins were gathered, with these of its ``apps``; with None all of them."""
    chosen = tuple(app for app in target.gathered.applications if apps is None or app.app in apps)
    environment = replace(target.environment, apps=chosen)
    return Scope(target.checkout, gitlab, environment, target.setup.config)


def deployments(scope: Scope) -> Iterator[Deployment]:
    """The deployments of the scope, the newest first, fetched from the past as far as the caller goes on reading."""
    report_step(f"reading the past of {scope.environment.name}")
    landed, files = LandedRequests(scope.gitlab, scope.checkout.branch), scope.files_today()
    if scope.gitlab is not None and len(scope.environment.apps) == 1 and files.folder:
        past = read_past_of_one(scope.checkout, files, scope.gitlab)
    else:
        past = read_past_of_all(scope.checkout, files)
    for steps in past:
        yield from _attributed(scope, landed, scope.changed(steps))


def deployments_that(matter: Callable[[Change], bool], scope: Scope, stretches: Sequence[int]) -> Iterator[Deployment]:
    """The deployments with changes that ``matter``, and those changes alone, the newest first.

    They are read from git's log, so many commits at a time and no further. GitLab is asked about those alone that have
    no record: of others the merge request may be missing.
    """
    landed = LandedRequests(scope.gitlab, scope.checkout.branch)
    for steps in read_past_of_all(scope.checkout, scope.files_today(), stretches):
        kept = ((past, tuple(filter(matter, changes))) for past, changes in scope.changed(steps))
        yield from _attributed(scope, landed, [one for one in kept if one[1]], numbered=False)


def deployments_among(scope: Scope, ids: Sequence[str]) -> list[Deployment]:
    """Those of the commits ``ids`` that changed a tag of the scope, the newest first."""
    commits = fetch_past(scope.checkout, ids)
    today = scope.checkout.entries
    if all(file.path in today for past in commits for file in past.touched):
        steps = scope.files_today().read_back(scope.checkout, commits)
        return list(_attributed(scope, LandedRequests(scope.gitlab, scope.checkout.branch), scope.changed(steps)))
    # A file has been renamed since, and only the way back from today shows what it is called now.
    oldest = min(past.commit.at for past in commits) - CLOCKS_DIFFER_BY
    recent = takewhile(lambda deployment: deployment.at >= oldest, deployments(scope))
    return [deployment for deployment in recent if deployment.commit in ids]


def own_message(past: PastCommit) -> str:
    """The message that holds bumper's record: the commit's, or that of the one that it merged; else empty."""
    messages = (past.commit.message, past.merged.message if past.merged is not None else "")
    return next((message for message in messages if read_trailers(message) is not None), "")


def named_request(past: PastCommit) -> int | None:
    """The merge request that a merge commit names."""
    named = _MERGE_MESSAGE.search(past.commit.message)
    return int(named[1]) if named is not None else None


def who_asked(past: PastCommit, record: Record | None) -> str:
    """Who asked for a deployment: as its record says, else who wrote the commit."""
    author = (past.merged or past.commit).author.partition(" <")[0]
    return (record.requested_by if record is not None else None) or author


def _attributed(
    scope: Scope, landed: LandedRequests, changed: Sequence[Changed], *, numbered: bool = True
) -> Iterator[Deployment]:
    """Who deployed, and by which merge request: from trailers, else from the one that GitLab knows for the commit."""
    known = [(past, changes, own_message(past), named_request(past)) for past, changes in changed]
    missing = [past.commit.id for past, _, message, iid in known if not message or (numbered and iid is None)]
    requests = landed.find(missing)
    squashed = [
        request for past, _, message, _ in known
        if not message and (request := requests.get(past.commit.id)) is not None
        and request.sha not in (past.commit.id, past.merged.id if past.merged is not None else None)
    ]  # fmt: skip
    heads = messages_of_heads(scope.checkout, squashed)
    for past, changes, message, iid in known:
        merged, request = past.merged or past.commit, requests.get(past.commit.id)
        number = iid if iid is not None or request is None else request.iid
        head = heads.get(number or 0, "")
        record = read_trailers(message or head)
        reverted = (match for text in (past.commit.message, merged.message, head) for match in _REVERTS.findall(text))
        yield Deployment(
            past.commit.id, past.commit.at, who_asked(past, record), merged.message.partition("\n")[0], number, changes,
            record, merged.id,
            reverts=frozenset(commit or other for commit, other in reverted) if record is None else frozenset(),
            message=message or head,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Depth:
    """How far back: the last ``keep`` deployments of each application, or all of them since a moment."""

    keep: int = 3
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class RollbackTargets:
    """Images by application, the newest first; ``missing`` says why there may be more."""

    images: tuple[tuple[str, ImageReference], ...]
    missing: str | None = None


def what_counts(past: Iterable[Deployment], apps: Collection[str]) -> Iterator[tuple[Deployment, tuple[Change, ...]]]:
    """Each deployment, with those of its changes to ``apps`` that a rollback may take back.

    A rollback or a person's revert, and what it took back, are passed over: otherwise the next rollback would bring the
    trouble back. What was taken back by something that was itself taken back counts again.
    """
    taken_back: set[tuple[str, str, str]] = set()  # a deployment's name, file and path
    for deployment in past:
        changes = tuple(
            change for change in deployment.changes
            if change.app in apps and taken_back.isdisjoint((name, *change.place) for name in deployment.names)
        )  # fmt: skip
        if deployment.undoes or deployment.is_rollback:
            taken_back |= {(name, *change.place) for name in deployment.undoes for change in changes}
            changes = ()
        yield deployment, changes


def rollback_targets(target: Target, gitlab: GitLab | None, depth: Depth) -> RollbackTargets:
    """The versions that the environment's applications could be rolled back to: those that deployments replaced.

    Deployments are counted by image, and those alone that a rollback counts, which it may be told to go back by.
    """
    scope, found, seen = scope_of(target, gitlab), dict[tuple[str, ImageReference], None](), Counter[object]()
    places = {(one.app, one.pin.repository) for one in target.gathered.pins if one.pin.repository is not None}
    try:
        for deployment, counted in what_counts(deployments(scope), scope.names):
            if depth.since is not None and deployment.at < depth.since - CLOCKS_DIFFER_BY:
                break
            for change in deployment.changes:
                is_few = seen[change.app, change.image] < depth.keep
                is_wanted = is_few if depth.since is None else deployment.at >= depth.since
                image, before = change.image_before or change.image, change.before
                if is_wanted and (before.tag, before.digest) != (None, None):
                    found[change.app, ImageReference(image, before.tag, before.digest)] = None
            seen.update({(change.app, change.image) for change in counted})
            if depth.since is None and all(seen[place] >= depth.keep for place in places):
                break
    except LookedFarEnough as error:
        return RollbackTargets(tuple(found), error.what)
    return RollbackTargets(tuple(found))
