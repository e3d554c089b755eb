"""The deployments of an environment: commits on the target branch's first-parent line that changed a tag."""

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from posixpath import commonpath

from bumper.environments.config_models import Config
from bumper.environments.gather import Gathered, pins_of_version
from bumper.environments.layout import AppFiles, Environment
from bumper.git import log as local_log
from bumper.git.checkout import Checkout
from bumper.git.past_commits import PastCommit, Touched, read_past
from bumper.gitlab.commits import commits_that_touched, merge_request_of, message_of
from bumper.gitlab.connection import GitLab
from bumper.gitlab.merge_requests import MergeRequest
from bumper.progress import report_step
from bumper.records.record import Record, read_trailers
from bumper.values.change import Change, Version, make_change

# GitLab's default message of a merge commit ends with this line.
_MERGE_MESSAGE = re.compile(r"See merge request \S*!(\d+)")
_AT_ONCE = 8  # questions to GitLab
_CLOCKS_DIFFER_BY = timedelta(days=1)  # of the machines that commit


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


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: an environment as it is now, and those of its applications that matter."""

    checkout: Checkout
    gitlab: GitLab | None  # None without a token for the API: then git alone tells
    environment: Environment
    config: Config
    gathered: Gathered
    apps: frozenset[str]

    def files(self) -> dict[str, AppFiles]:
        """The values files of these applications, with the application of each."""
        return {path: app for app in self.environment.apps if app.app in self.apps for path in app.values}


@dataclass(frozen=True, slots=True)
class _Step:
    """A commit that touched files of the scope, by their paths of today."""

    past: PastCommit
    touched: Mapping[str, Touched]


def deployments(scope: Scope) -> Iterator[Deployment]:
    """The deployments of the scope, the newest first, fetched from the past as far as the caller goes on reading."""
    report_step(f"reading the past of {scope.environment.name}")
    for steps in _walk(scope):
        yield from _deployments_of(scope, steps)


def deployments_among(scope: Scope, ids: Sequence[str]) -> list[Deployment]:
    """Those of the commits ``ids`` (the newest first) that changed a tag of the scope."""
    past = read_past(scope.checkout, ids)
    today = scope.checkout.entries
    if all(one.new_path in today for each in past for one in each.touched):
        files = scope.files()
        steps = [_Step(each, {one.new_path: one for one in each.touched if one.new_path in files}) for each in past]
        return list(_deployments_of(scope, steps))
    # A file has been renamed since, and only the way back from today tells what it is called now.
    oldest = min(each.commit.at for each in past) - _CLOCKS_DIFFER_BY
    recent = takewhile(lambda one: one.at >= oldest, deployments(scope))
    return [one for one in recent if one.commit in ids]


def _deployments_of(scope: Scope, steps: Sequence[_Step]) -> Iterator[Deployment]:
    blobs = {blob for step in steps for one in step.touched.values() for blob in (one.old_blob, one.new_blob)}
    versions = scope.checkout.blobs.read({blob for blob in blobs if blob is not None})
    changed = [(step, changes) for step in steps if (changes := _changes(scope, step, versions))]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(lambda each: _deployment(scope.gitlab, each[0].past, each[1]), changed)


def _walk(scope: Scope) -> Iterator[list[_Step]]:
    """Back along the first-parent line, following renamed files: from a rename on, the old name is asked for."""
    names = {path: path for path in scope.files()}  # by the name at that time
    start: str | None = scope.checkout.tip
    while start is not None and names:
        start = yield from _walk_until_renamed(scope, names, start)


def _walk_until_renamed(scope: Scope, names: dict[str, str], start: str) -> Generator[list[_Step], None, str | None]:
    """The steps up to the next rename; returns the commit to go on from, None at the end."""
    for ids in _pages(scope, _common_folder(list(names)), start):
        steps: list[_Step] = []
        for past in read_past(scope.checkout, ids):
            touched = {names[one.new_path]: one for one in past.touched if one.new_path in names}
            if touched:
                steps.append(_Step(past, touched))
            if _rename(names, touched.values()):
                yield steps
                return past.commit.parents[0] if past.commit.parents else None
        yield steps
        if not names:  # all files are younger than this page
            return None
    return None


def _pages(scope: Scope, path: str, start: str) -> Iterator[list[str]]:
    if scope.gitlab is None:
        return local_log.commits_that_touched(scope.checkout, path, start)
    return commits_that_touched(scope.gitlab, path, start)


def _rename(names: dict[str, str], touched: Iterable[Touched]) -> bool:
    """Note the names that files had before a commit; whether any was another."""
    renamed = False
    for one in list(touched):
        if one.old_blob is None:
            del names[one.new_path]
        elif one.old_path != one.new_path:
            names[one.old_path] = names.pop(one.new_path)
            renamed = True
    return renamed


def _common_folder(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else commonpath(paths)


def _changes(scope: Scope, step: _Step, versions: Mapping[str, bytes]) -> tuple[Change, ...]:
    """The tags that the commit changed; a pin that it added or took away is none."""
    apps = scope.files()
    changes: list[Change] = []
    for path, one in step.touched.items():
        if one.old_blob in versions and one.new_blob in versions:
            app = apps[path]
            pins = [
                pins_of_version(scope.environment, scope.config, app, path, versions[blob], scope.gathered.values)
                for blob in (one.old_blob, one.new_blob)
                if blob is not None
            ]
            before = {pin.path: pin for pin in pins[0]}
            for pin in pins[1]:
                old = before.get(pin.path)
                if (
                    old is None
                    or pin.repository is None
                    or old.repository != pin.repository
                    or pin.refusal
                    or old.refusal
                ):
                    continue
                if (old.tag, old.digest) != (pin.tag, pin.digest):
                    changes.append(make_change(app.app, path, old, Version(pin.tag, pin.digest)))
    return tuple(changes)


def _deployment(gitlab: GitLab | None, past: PastCommit, changes: tuple[Change, ...]) -> Deployment:
    """Who and by which merge request: from trailers, else from the merge request that GitLab knows for the commit."""
    merged = past.merged if past.merged is not None else past.commit
    record = read_trailers(past.commit.message) or read_trailers(merged.message)
    named = _MERGE_MESSAGE.search(past.commit.message)
    iid = int(named[1]) if named is not None else None
    if gitlab is not None and (record is None or iid is None):
        request = merge_request_of(gitlab, past.commit.id)
        record = record or _record_of_head(gitlab, request)
        iid = request.iid if request is not None else iid
    asked = record.requested_by if record is not None else None
    subject = merged.message.partition("\n")[0]
    author = asked or merged.author.partition(" <")[0]
    return Deployment(past.commit.id, past.commit.at, author, subject, iid, changes, record)


def _record_of_head(gitlab: GitLab, request: MergeRequest | None) -> Record | None:
    """What the head of a squashed merge request says in its trailers; its description anybody may have edited."""
    if request is None or request.sha is None:
        return None
    return read_trailers(message_of(gitlab, request.sha))
