"""Order: a pipeline that finishes late never undoes a newer one of the same source project.

No state is kept outside git and GitLab. A bump's pipeline is in its commit's trailers; a pipeline that found its values
proposed already leaves its number in a comment on the merge request. Everybody may write a trailer, a description or a
comment. So a record counts only with what it says in the diff beside it; while it is only proposed, bumper's own users
must have made it; and a comment counts only by them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType

from bumper.ci import MAX_PIPELINE_ID, Pipeline
from bumper.environments.gather import pins_of_version
from bumper.environments.repository import Target
from bumper.environments.selection import canonical
from bumper.errors import BumperError
from bumper.git.checkout import Checkout, fetch_branch, read_commit, read_files
from bumper.git.failures import PushRaceLost
from bumper.git.objects import Commit
from bumper.git.past_commits import fetch_past, newest_commits
from bumper.gitlab.merge_requests import MergeRequest, User, notes_of
from bumper.gitlab.project import LoggedCommit, list_commits, message_of
from bumper.image import Repository
from bumper.records.history import scope_of
from bumper.records.known_requests import KnownRequests, messages_of_heads
from bumper.records.record import Command, Record, Sealed, read_comment, read_trailers

_MAX_FILES_ASKED = 5  # of GitLab, a request each; the log of more is read from git, in two requests for all of them
_CLOCKS_DIFFER_BY = timedelta(minutes=5)  # of one GitLab's machines
_NOTE = re.compile(r"<!-- bumper: pipeline (\d{1,18}) (\S+) -->")


@dataclass(frozen=True, slots=True)
class NewerPipeline:
    """A newer pipeline's bump of an image, on the target branch already or in an open merge request."""

    pipeline: Pipeline
    tag: str | None
    merge_request: MergeRequest | None = None  # the open one


@dataclass(frozen=True, slots=True)
class BumpQuery:
    """An image that a pipeline wants to bump in an environment, and the files that hold its pins."""

    repository: Repository
    pipeline: Pipeline
    files: tuple[str, ...]


def find_newer(target: Target, known: KnownRequests | None, asked: BumpQuery) -> NewerPipeline | None:
    """The newer pipeline that has bumped the same image; ``known`` is None without GitLab's API.

    The target branch is asked by its name, not at the commit that was cloned: it may have moved on since.
    """
    opened = _newer_in_open(target, known, known.opened, asked) if known is not None else None
    return opened or _newer_landed(target, known, asked)


def _newest(target: Target, records: Iterable[Record], asked: BumpQuery) -> NewerPipeline | None:
    """The newest of the pipelines that bumped the image by these records, if it is newer than the one that asks."""
    found = (
        NewerPipeline(record.pipeline, tag)
        for record in records
        if (tag := _tag_of(target, record, asked)) is not None and record.pipeline is not None
    )
    newer = (one for one in found if asked.pipeline.id < one.pipeline.id <= MAX_PIPELINE_ID)
    return max(newer, key=lambda one: one.pipeline.id, default=None)


def _tag_of(target: Target, record: Record, asked: BumpQuery) -> str | None:
    """The tag (or digest) that a bump of the same image in the environment by the same project set; None for others."""
    if record.pipeline is None or record.command != Command.BUMP or record.environment != target.environment.name:
        return None
    if record.pipeline.project != asked.pipeline.project:
        return None
    return next((one.tag or one.digest for one in record.images if one.repository == asked.repository), None)


def _newer_in_open(
    target: Target, known: KnownRequests, opened: Iterable[MergeRequest], asked: BumpQuery,
    hints: Mapping[int, Record] = MappingProxyType({}),
) -> NewerPipeline | None:  # fmt: skip
    """The newest of bumper's ``opened`` merge requests that proposes the image by a newer pipeline.

    Its description, which anybody may edit, or what is in ``hints`` by its number, only says where it is worth looking:
    the branch's head has to agree.
    """
    for one in opened:
        hint = hints.get(one.iid) or read_comment(one.description)
        if hint is None or _tag_of(target, hint, asked) is None:
            continue
        if _newest(target, _with_notes(known, one, hint), asked) is None or not known.is_bumpers(one.author):
            continue
        try:
            branch = fetch_branch(target.checkout, one.source_branch)
        except PushRaceLost:  # merged or deleted a moment ago
            continue
        record = _proven_record(target, known, branch, read_commit(branch), one.author, asked)
        newer = _newest(target, _with_notes(known, one, record), asked) if record is not None else None
        if newer is not None:
            return replace(newer, merge_request=one)
    return None


def _proven_record(
    target: Target, known: KnownRequests | None, branch: Checkout, head: Commit, author: User | None, asked: BumpQuery
) -> Record | None:
    """The record of a branch's head, where the image's pins there are at the tag that it names, and bumper made it.

    Without GitLab's API nobody says who made the head: it counts as it is.
    """
    record, config, name = read_trailers(head.message), target.setup.config, asked.repository
    tag = _tag_of(target, record, asked) if record is not None else None
    if tag is None:
        return None
    contents = read_files(branch, [file for file in asked.files if file in branch.entries])
    holds_it = any(
        one.pin.repository is not None and tag in (one.pin.tag, one.pin.digest)
        and canonical(config, one.pin.repository) == canonical(config, name)
        for file, content in contents.items()
        for one in pins_of_version(target.environment, config, file, content, target.gathered.values)
    )  # fmt: skip
    return record if holds_it and (known is None or known.made_head(branch.branch, head, author)) else None


def newer_at_head(
    target: Target, known: KnownRequests | None, branch: Checkout, head: Commit, ours: Record, author: User | None
) -> NewerPipeline | None:
    """The newer pipeline that made the same request, by the branch's head and what it holds.

    ``author`` is the one of its merge request.
    """
    record = read_trailers(head.message)
    if record is None:
        return None
    for asked in _asked_by(ours):
        newer = _newest(target, [record], asked)
        if newer is not None and _proven_record(target, known, branch, head, author, asked) is not None:
            return newer
    return None


def newer_of_request(
    target: Target, known: KnownRequests, opened: Iterable[MergeRequest], ours: Record
) -> NewerPipeline | None:
    """A newer pipeline's open merge request for one of the images of the bump ``ours``.

    All heads are read: somebody may have taken the record out of a description, or put another one there.
    """
    queries, listed = list(_asked_by(ours)), [one for one in opened if known.is_by(Command.BUMP, one.source_branch)]
    messages = messages_of_heads(target.checkout, listed) if queries else {}
    heads = {iid: record for iid, message in messages.items() if (record := read_trailers(message)) is not None}
    found = (_newer_in_open(target, known, listed, asked, heads) for asked in queries)
    return next((newer for newer in found if newer is not None), None)


def _asked_by(ours: Record) -> Iterator[BumpQuery]:
    if ours.pipeline is not None and ours.command == Command.BUMP:
        for image in ours.images:
            files = dict.fromkeys(change.file for change in ours.changes if change.image == image.repository)
            yield BumpQuery(image.repository, ours.pipeline, tuple(files))


def _newer_landed(target: Target, known: KnownRequests | None, asked: BumpQuery) -> NewerPipeline | None:
    """The newest bump of the image on the target branch, if it is by a newer pipeline."""
    for file in asked.files:
        if known is not None and len(asked.files) <= _MAX_FILES_ASKED:
            commits = list_commits(known.gitlab, file, target.checkout.branch)
        else:
            commits = [LoggedCommit(one.id, one.message) for one in newest_commits(target.checkout, file)]
        for commit in commits:
            records = list(_landed_records(known, commit))
            newer = _newest(target, records, asked)
            if newer is None and any(_tag_of(target, record, asked) is not None for record in records):
                break  # the newest bump of the image in this file is an older pipeline's
            if newer is None or _is_impossible(known, commit, asked.pipeline):
                continue
            if _set_tag(target, commit.id, newer, asked.repository) and _is_whole(known, target, commit.id, file):
                return newer
    return None


def _is_impossible(known: KnownRequests | None, commit: LoggedCommit, ours: Pipeline) -> bool:
    """Whether a commit was merged before our pipeline was created: then no newer pipeline can have made it.

    GitLab counts its pipelines up, and says itself when it merged; anybody may have written the number.
    """
    request = known.that_landed(commit.id) if known is not None and ours.created is not None else None
    if request is None or request.merged_at is None or ours.created is None:
        return False
    return request.merged_at + _CLOCKS_DIFFER_BY < ours.created


def _landed_records(known: KnownRequests | None, commit: LoggedCommit) -> Iterator[Record]:
    """By the commit's trailers, else by those of its merge request's head: squashed, a commit may have none.

    A description is edited by anybody, the head of a merged merge request by nobody.
    """
    message, request = commit.message, known.that_landed(commit.id) if known is not None else None
    if known is not None and request is not None and read_trailers(message) is None:
        message = message_of(known.gitlab, request.sha) if request.sha not in (None, commit.id) else message
    record = read_trailers(message)
    if record is not None and not (known is not None and known.sealer.check(message) is Sealed.BROKEN):
        yield from _with_notes(known, request, record) if known is not None and request is not None else (record,)


def _with_notes(known: KnownRequests, one: MergeRequest, record: Record) -> Iterator[Record]:
    """The record, and the same by the later pipelines that bumper's own users noted on the merge request."""
    yield record
    for author, text in notes_of(known.gitlab, one.iid) if one.comments else ():
        noted = _NOTE.search(text)
        if noted is not None and known.is_bumpers(author):
            yield replace(record, pipeline=Pipeline(int(noted[1]), "", noted[2]))


def pipeline_note(pipeline: Pipeline) -> str:
    """The comment by which a pipeline says that it asked for what a merge request proposes already."""
    return (
        f"Pipeline {pipeline.id} asked for these values, too; older pipelines will not undo them.\n\n"
        f"<!-- bumper: pipeline {pipeline.id} {pipeline.project} -->"
    )


def _set_tag(target: Target, commit: str, newer: NewerPipeline, image: Repository) -> bool:
    """Whether the commit's diff sets the tag that its record names."""
    scope = scope_of(target, None)
    try:
        steps = scope.files_today().read_back(target.checkout, fetch_past(target.checkout, [commit]))
        changes = [change for _, changes in scope.changed(steps) for change in changes]
    except BumperError:
        return False
    name = canonical(scope.config, image)
    set_to = (change.after for change in changes if canonical(scope.config, change.image) == name)
    return newer.tag is not None and any(newer.tag in (version.tag, version.digest) for version in set_to)


def _is_whole(known: KnownRequests | None, target: Target, commit: str, file: str) -> bool:
    """A commit in the middle of a merged branch may have been undone by the next one of the same branch."""
    if known is None:
        return True
    request = known.that_landed(commit)
    if request is not None and commit in (request.sha, request.merge_commit, request.squash_commit):
        return True
    line = list_commits(known.gitlab, file, target.checkout.branch, first_parent=True)
    return any(one.id == commit for one in line)
