"""The deployments of an environment: commits on the target branch's first-parent line that changed a tag."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import Config
from bumper.environments.gather import pins_of_version
from bumper.environments.images import canonical
from bumper.environments.layout import Environment
from bumper.environments.repository import Target
from bumper.git.checkout import Checkout
from bumper.git.past_commits import PastCommit, fetch_past
from bumper.gitlab.connection import GitLab
from bumper.gitlab.merge_requests import MergeRequest
from bumper.log import report_step
from bumper.records.beside import Beside, CurrentValues, read_beside
from bumper.records.landed import LandedRequests, merged_commit, named_request, own_record, who_asked
from bumper.records.pairs import pair_pins
from bumper.records.past import Files, Step, read_past_of_all, read_past_of_one
from bumper.records.record import Command, Record, read_trailers
from bumper.values.change import Change, make_change
from bumper.values.pin import Pin, Version

# The last line of a message by git revert, and by GitLab's button for a merge request.
_REVERTS = re.compile(r"This reverts (?:commit ([0-9a-f]{40,64})|merge request \S*(!\d{1,15}))\b")
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

    def of(self, apps: Collection[str]) -> "Deployment":
        """What the deployment changed of these applications."""
        return replace(self, changes=tuple(change for change in self.changes if change.app in apps))


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: an environment as it is now, and those of its applications that matter."""

    checkout: Checkout
    gitlab: GitLab | None  # None without a token for its API: then git alone is read
    environment: Environment
    config: Config
    current: CurrentValues
    apps: tuple[AppFiles, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of these applications."""
        return frozenset(app.app for app in self.apps)

    def files_today(self) -> Files:
        """The values files of these applications, with their bases, as the place to walk back from."""
        bases: dict[str, tuple[str, ...]] = {}
        for app in self.apps:
            bases.update({path: tuple(dict.fromkeys((*bases.get(path, ()), *app.bases))) for path in app.values})
        return Files(bases, self.environment.known)

    def landed(self) -> LandedRequests | None:
        """The merge requests that brought commits; None where GitLab cannot be asked."""
        return LandedRequests(self.gitlab, self.checkout) if self.gitlab is not None else None

    def past(self) -> Iterator[list[Step]]:
        """The commits that changed these files, the newest first, under the names that the files had then.

        Raises:
            LookedFarEnough: there are more than anybody should wait for.

        """
        files = self.files_today()
        if self.gitlab is not None and len(self.apps) == 1 and files.folder:
            return read_past_of_one(self.checkout, files, self.gitlab)
        return read_past_of_all(self.checkout, files)


def scope_of(target: Target, gitlab: GitLab | None, apps: Collection[str] | None = None) -> Scope:
    """An environment whose pins were gathered, with these of its ``apps``; with None all of them."""
    chosen = tuple(app for app in target.gathered.applications if apps is None or app.app in apps)
    current = CurrentValues(target.checkout, target.gathered.values)
    return Scope(target.checkout, gitlab, target.environment, target.setup.config, current, chosen)


def deployments(scope: Scope) -> Iterator[Deployment]:
    """The deployments of the scope, the newest first, fetched from the past as far as the caller goes on reading.

    Raises:
        LookedFarEnough: there are more commits than anybody should wait for.

    """
    report_step(f"reading the past of {scope.environment.name}")
    landed = scope.landed()
    for steps in scope.past():
        yield from _attributed(landed, _deployed(scope, steps))


def deployments_among(scope: Scope, ids: Sequence[str]) -> list[Deployment]:
    """Those of the commits ``ids`` that changed a tag of the scope, the newest first.

    Raises:
        LookedFarEnough: they are further back than anybody should wait for.

    """
    commits = fetch_past(scope.checkout, ids)
    today = scope.checkout.entries
    if all(file.path in today for past in commits for file in past.touched):
        steps = scope.files_today().read_back(scope.checkout, commits)
        return list(_attributed(scope.landed(), _deployed(scope, steps)))
    # A file has been renamed since, and only the way back from today shows what it is called now.
    oldest = min(past.commit.at for past in commits) - CLOCKS_DIFFER_BY
    recent = takewhile(lambda deployment: deployment.at >= oldest, deployments(scope))
    return [deployment for deployment in recent if deployment.commit in ids]


def _deployed(scope: Scope, steps: Iterable[Step]) -> list[tuple[PastCommit, tuple[Change, ...]]]:
    by_file = defaultdict(list)
    for app in scope.apps:
        for path in app.values:
            by_file[path].append(app)
    found = [(step, list(dict.fromkeys(app for path in step.contents for app in by_file[path]))) for step in steps]
    beside = read_beside(scope.checkout, scope.current, found)
    changed = [
        (step.past, tuple(_changes(scope, apps, step, others)))
        for (step, apps), others in zip(found, beside, strict=True)
    ]
    return [(past, changes) for past, changes in changed if changes]


def _changes(scope: Scope, apps: Sequence[AppFiles], step: Step, beside: Beside) -> Iterator[Change]:
    """The tags that the commit changed; a pin that it added or took away is none."""
    environment = replace(scope.environment, apps=tuple(apps))
    for path, contents in step.contents.items():
        before, after = (
            pins_of_version(environment, scope.config, path, content, others)
            for content, others in zip(contents, (beside.before, beside.after), strict=True)
        )
        for old, new in pair_pins(before, after, scope.config):
            change = _change(scope.config, new.app, path, old.pin, new.pin)
            if change is not None:
                yield change


def _change(config: Config, app: str, path: str, old: Pin, new: Pin) -> Change | None:
    """What became of a pin; the same image under another name of the registry is the same."""
    if old.repository is None or new.repository is None or old.refusal or new.refusal:
        return None
    moved = canonical(config, old.repository) != canonical(config, new.repository)
    if not moved and (old.tag, old.digest) == (new.tag, new.digest):
        return None
    change = make_change(app, path, new, Version(new.tag, new.digest))
    before = Version(old.tag, old.digest)
    return replace(change, before=before, image_before=old.repository if moved else None)


def _attributed(
    landed: LandedRequests | None, changed: Sequence[tuple[PastCommit, tuple[Change, ...]]]
) -> Iterator[Deployment]:
    """Who deployed, and by which merge request: from trailers, else from the one that GitLab knows for the commit."""
    known = [(past, changes, own_record(past), named_request(past)) for past, changes in changed]
    missing = [past.commit.id for past, _, record, iid in known if record is None or iid is None]
    requests = landed.find(missing) if landed is not None and missing else {}
    squashed = [
        request
        for past, _, record, _ in known
        if record is None and (request := requests.get(past.commit.id)) is not None and _is_squashed(past, request)
    ]
    messages = landed.messages(squashed) if landed is not None else {}
    for past, changes, record, iid in known:
        request = requests.get(past.commit.id)
        number = iid if iid is not None or request is None else request.iid
        head = messages.get(number or 0, "")
        yield _deployment(past, changes, record or read_trailers(head), number, head)


def _is_squashed(past: PastCommit, request: MergeRequest) -> bool:
    """Whether the head of the merge request is none of the commits whose trailers were read already."""
    return request.sha not in {past.commit.id, past.merged.id if past.merged is not None else None}


def _deployment(
    past: PastCommit, changes: tuple[Change, ...], record: Record | None, merge_request: int | None, squashed: str
) -> Deployment:
    """``squashed`` is the message of what was squashed into the commit, where that is known."""
    merged = merged_commit(past)
    reverts = _reverted(past.commit.message, merged.message, squashed) if record is None else frozenset()
    subject = merged.message.partition("\n")[0]
    return Deployment(
        past.commit.id,
        past.commit.at,
        who_asked(past, record),
        subject,
        merge_request,
        changes,
        record,
        merged.id,
        reverts,
    )


def _reverted(*messages: str) -> frozenset[str]:
    """What commits with these messages revert, in the words of ``git revert`` and of GitLab's button."""
    found = (match for message in messages for match in _REVERTS.findall(message))
    return frozenset(commit or request for commit, request in found)
