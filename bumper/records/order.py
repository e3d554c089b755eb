"""Order: a pipeline that finishes late never undoes a newer one of the same source project.

No state is kept outside git and GitLab: a bump's pipeline stands in its commit's trailers and in its merge request's
description, so that every merge method keeps one of the two.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bumper.ci import Pipeline
from bumper.git.checkout import Checkout
from bumper.git.log import newest_messages
from bumper.gitlab.commits import LoggedCommit, merge_request_of, newest_commits
from bumper.gitlab.connection import GitLab
from bumper.gitlab.merge_requests import MergeRequest
from bumper.image import Repository
from bumper.records.record import Record, read_trailers

_AT_ONCE = 8  # questions to GitLab
_MAX_SILENT = 40  # commits without trailers, squashed or a person's: each is a question more
_COMMAND = "bump"


@dataclass(frozen=True, slots=True)
class NewerPipeline:
    """A newer pipeline's bump of an image, open or on the target branch already."""

    pipeline: Pipeline
    tag: str | None
    merge_request: MergeRequest | None = None  # the open one


class Outrun(Exception):
    """A newer pipeline of the same project has been here: nothing is to be done."""

    def __init__(self, newer: NewerPipeline) -> None:
        """``newer`` is what it did."""
        super().__init__(f"pipeline {newer.pipeline.id}")
        self.newer = newer


@dataclass(frozen=True, slots=True)
class Asked:
    """An image that a pipeline wants to bump in an environment, and the files that hold its pins."""

    environment: str
    repository: Repository
    pipeline: Pipeline
    files: tuple[str, ...]


def newer_among(records: Iterable[tuple[Record | None, MergeRequest | None]], asked: Asked) -> NewerPipeline | None:
    """The newest of ``records`` that is a bump of the same image by a newer pipeline of the same project."""
    newest: NewerPipeline | None = None
    for record, request in records:
        image = _concerns(record, asked)
        if record is None or record.pipeline is None or image is None or record.pipeline.id <= asked.pipeline.id:
            continue
        if newest is None or record.pipeline.id > newest.pipeline.id:
            newest = NewerPipeline(record.pipeline, image[0], request)
    return newest


def newer_than(ours: Record, records: Sequence[tuple[Record | None, MergeRequest | None]]) -> NewerPipeline | None:
    """The newest of ``records`` that is newer than the bump ``ours`` for one of its images."""
    if ours.pipeline is None or ours.command != _COMMAND:
        return None
    asked = [Asked(ours.environment, image.repository, ours.pipeline, ()) for image in ours.images]
    found = [newer for each in asked if (newer := newer_among(records, each)) is not None]
    return max(found, key=lambda newer: newer.pipeline.id, default=None)


def _concerns(record: Record | None, asked: Asked) -> tuple[str | None] | None:
    """The tag that a bump of the same image in the same environment by the same project set; None where it is none."""
    if record is None or record.pipeline is None or record.command != _COMMAND:
        return None
    if record.environment != asked.environment or record.pipeline.project != asked.pipeline.project:
        return None
    tags = [image.tag for image in record.images if image.repository == asked.repository]
    return (tags[0],) if tags else None


def newer_on_branch(checkout: Checkout, gitlab: GitLab | None, asked: Asked) -> NewerPipeline | None:
    """The same among what the target branch has deployed last; without the API, as far as git's trailers tell."""
    if gitlab is None:
        messages = (message for file in asked.files for message in newest_messages(checkout, file))
        return newer_among(((read_trailers(message), None) for message in messages), asked)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        last = pool.map(lambda file: _last_bump(gitlab, checkout.branch, file, asked), asked.files)
        return newer_among(((record, None) for records in last for record in records), asked)


def _last_bump(gitlab: GitLab, branch: str, file: str, asked: Asked) -> Sequence[Record]:
    """What is known of the newest commit of ``file`` that bumped the image."""
    silent = 0
    for commit in newest_commits(gitlab, file, branch):
        own = read_trailers(commit.message)
        silent += own is None
        if silent <= _MAX_SILENT and (own is None or _concerns(own, asked) is not None):
            records = [record for record in _records(gitlab, commit, own) if _concerns(record, asked) is not None]
            if records:
                return records
    return ()


def _records(gitlab: GitLab, commit: LoggedCommit, own: Record | None) -> Iterator[Record]:
    """By its trailers (``own``), and by its merge request.

    Squashed, a commit has no trailers; and a later pipeline that found its values proposed already has left its number
    in the merge request only.
    """
    if own is not None:
        yield own
    request = merge_request_of(gitlab, commit.id)
    if request is not None and request.record is not None:
        yield request.record
