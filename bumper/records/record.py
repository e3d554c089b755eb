"""What bumper remembers of a deployment, and the seal by which a token recognises what it wrote itself.

The record stands in the commit's trailers and, because GitLab's squashing drops those, in a comment inside the merge
request's description, which no reader sees and a program can read.

Everybody with the role Developer may push to bumper's branches, and may write any trailer there. The seal is a keyed
hash (RFC 2104) of the trailers; the key comes from the token, the project and the target branch. It tells nothing of
the token, and a record of another project or of other images has another seal.
"""

import hmac
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from bumper.ci import Pipeline, Source, is_pipeline_id
from bumper.image import ImageReference, read_reference, read_repository
from bumper.settings import Settings
from bumper.values.change import Change
from bumper.values.pin import Version

COMMAND_TRAILER = "Bumper-Command"
_URGENT_TRAILER = "Bumper-Urgent"
_SEAL_TRAILER = "Bumper-Seal"
_PREFIX = "Bumper-"
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (.*)")
# Lone surrogates stand for bytes that are not UTF-8, which neither git nor GitLab takes in a text.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]+")
_COMMENT = re.compile(r"<!-- bumper: (\{.*\}) -->")
_MAX_COMMENT = 500_000  # characters; GitLab takes a description of 1,048,576
_PURPOSE = "bumper's seal on the trailers of a commit"
_KEY_DIGITS, _SEAL_DIGITS = 8, 32  # of hex


class Command(StrEnum):
    """The commands that leave a record."""

    BUMP = "bump"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    HOLD = "hold"
    UNHOLD = "unhold"


@dataclass(frozen=True, slots=True)
class Record:
    """One deployment: which command, where, which images (with the digests that the registry named), and who asked."""

    command: Command
    environment: str
    images: tuple[ImageReference, ...]
    changes: tuple[Change, ...] = ()
    pipeline: Pipeline | None = None
    requested_by: str | None = None
    undoes: tuple[str, ...] = ()  # a rollback's: the commits of the target branch whose deployments it takes back
    superseded_by: int | None = None  # the merge request for whose sake bumper closed this one
    urgent: str | None = None  # why it passes soak and freeze
    source: Source | None = None  # shown in trailers and description; nothing reads it back
    by_itself: bool = False  # a rollback that nobody asked for, because Argo CD reported what it undoes sick
    watched: int | None = None  # seconds after the merge, at most, for which somebody watches it

    def claims_no_more_than(self, other: "Record") -> bool:
        """Whether everything in it that a later run goes by is in ``other``, too: no other image, no newer pipeline."""
        images = {*other.images, *(image.with_digest(None) for image in other.images)}
        ours, theirs = self.pipeline, other.pipeline
        return (
            (self.command, self.environment, self.undoes) == (other.command, other.environment, other.undoes)
            and images.issuperset(self.images)
            and self.urgent in (None, other.urgent)
            and (ours is None or (theirs is not None and ours.project == theirs.project and ours.id <= theirs.id))
        )


def trailers(record: Record, extra: Mapping[str, str]) -> str:
    """The commit message's trailers, one a line."""
    pipeline, source = record.pipeline, record.source
    order = f"{pipeline.id} {pipeline.project}" if pipeline is not None else None
    rows = [
        (COMMAND_TRAILER, record.command),
        ("Bumper-Environment", record.environment),
        *(("Bumper-Image", str(image)) for image in record.images),
        ("Bumper-Pipeline", pipeline.url or order if pipeline is not None else None),
        ("Bumper-Order", order),
        ("Bumper-Source", f"{source.project}@{source.commit} {source.branch}" if source is not None else None),
        ("Bumper-Requested-By", record.requested_by),
        *(("Bumper-Undoes", commit) for commit in record.undoes),
        ("Bumper-Watched", str(record.watched) if record.watched is not None else None),
        (_URGENT_TRAILER, record.urgent),
        *extra.items(),
    ]
    return "".join(f"{name}: {one_line(value)}\n" for name, value in rows if value is not None)


def one_line(text: str) -> str:
    """``text`` without line breaks, control and broken characters, so that it cannot become a trailer of its own."""
    return _CONTROL.sub(" ", text).strip()


def _trailers_of(message: str) -> Iterator[tuple[str, str]]:
    """The trailers in the last paragraph of a message, by name."""
    for line in message.rstrip("\n").rpartition("\n\n")[2].splitlines():
        if (match := _TRAILER.fullmatch(line)) is not None:
            yield match[1], match[2].strip()


def read_trailers(message: str) -> Record | None:
    """The record in a commit message; None where the commit is not bumper's."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in _trailers_of(message):
        found[name].append(value)
    first = {name: values[0] for name, values in found.items()}
    if first.get(COMMAND_TRAILER) not in list(Command):
        return None
    number, _, project = first.get("Bumper-Order", "").partition(" ")
    watched = first.get("Bumper-Watched", "")
    return Record(
        command=Command(first[COMMAND_TRAILER]),
        environment=first.get("Bumper-Environment", ""),
        images=_read_references(found["Bumper-Image"]),
        pipeline=_read_pipeline(number, first.get("Bumper-Pipeline", ""), project),
        requested_by=first.get("Bumper-Requested-By"),
        undoes=tuple(found["Bumper-Undoes"]),
        watched=int(watched) if re.fullmatch(r"[0-9]{1,9}", watched) is not None else None,
        urgent=first.get(_URGENT_TRAILER),
    )


def read_urgent(messages: Iterable[str]) -> list[str]:
    """The reasons that commits give to go past soak and freeze: anybody may write one, and it is recorded."""
    found = (value for message in messages for name, value in _trailers_of(message) if name == _URGENT_TRAILER)
    return list(dict.fromkeys(one_line(reason) for reason in found if reason))


def _read_pipeline(number: str, url: str, project: str) -> Pipeline | None:
    return Pipeline(int(number), url, project) if is_pipeline_id(number) else None


def _read_references(texts: Iterable[str]) -> tuple[ImageReference, ...]:
    """Those of ``texts`` that are image references."""
    return tuple(reference for text in texts if (reference := read_reference(text)) is not None)


# app, file, path, line, image; tag and digest before; tag and digest after
_ChangeRow: TypeAlias = tuple[str, str, str, int, str, str | None, str | None, str | None, str | None]


class _Json(BaseModel):
    """The record as it stands in a description."""

    model_config = ConfigDict(strict=True, defer_build=True)

    command: Command
    environment: str
    images: tuple[str, ...]
    changes: tuple[_ChangeRow, ...]
    pipeline: tuple[int, str, str] | None = None
    requested_by: str | None = None
    undoes: tuple[str, ...] = ()
    superseded_by: int | None = None
    urgent: str | None = None
    watched: int | None = None
    by_itself: bool = False


def comment(record: Record) -> str:
    """The record as a comment of Markdown. Nothing in it can end the comment or be read as Markdown or HTML."""
    data: dict[str, object] = {
        "command": record.command,
        "environment": record.environment,
        "images": [str(image) for image in record.images],
        "requested_by": record.requested_by,
        "undoes": record.undoes,
        "superseded_by": record.superseded_by,
        "urgent": record.urgent,
        "watched": record.watched,
        "by_itself": record.by_itself,
        "changes": [
            (one.app, one.file, one.path, one.line, str(one.image),
             one.before.tag, one.before.digest, one.after.tag, one.after.digest)
            for one in record.changes
        ],
    }  # fmt: skip
    if record.pipeline is not None:
        data["pipeline"] = [record.pipeline.id, record.pipeline.url, record.pipeline.project]
    if len(text := dump(data)) > _MAX_COMMENT:
        text = dump(data | {"changes": []})
    return f"<!-- bumper: {text} -->"


def dump(data: object) -> str:
    """``data`` as JSON that a comment of Markdown can hold, and in which nobody is mentioned."""
    text = json.dumps(data, separators=(",", ":"))
    for sign in "<>&@`":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text.replace("--", "-\\u002d")


def read_comment(description: str) -> Record | None:
    """The record in a merge request's description; None where there is none that can be read."""
    match = _find_comment(description)
    if match is None:
        return None
    try:
        read = _Json.model_validate_json(match[1])
    except ValidationError:  # somebody edited it by hand: then it says nothing
        return None
    number, *origin = read.pipeline or (0, "", "")
    changes = (
        Change(app, file, path, line, repository, Version(tag, digest), Version(new_tag, new_digest))
        for app, file, path, line, image, tag, digest, new_tag, new_digest in read.changes
        if (repository := read_repository(image)) is not None
    )
    same = dict(read) | {
        "images": _read_references(read.images),
        "changes": tuple(changes),
        "pipeline": _read_pipeline(str(number), *origin),
    }
    return Record(**same)


def replace_comment(description: str, record: Record) -> str:
    """``description`` with its record replaced; everything else in it stays."""
    match = _find_comment(description)
    if match is None:
        return f"{description}\n\n{comment(record)}"
    return f"{description[: match.start()]}{comment(record)}{description[match.end() :]}"


def _find_comment(description: str) -> re.Match[str] | None:
    """The last one, as bumper writes it: what stands before may quote anything, a user's name for one."""
    return next(reversed(list(_COMMENT.finditer(description))), None)


class Sealed(Enum):
    """What a seal says of the trailers above it."""

    OURS = auto()  # they were written with this token
    BROKEN = auto()  # they have been changed since they were written with this token
    UNKNOWN = auto()  # no seal, or one by another token


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals messages, and checks seals; without a key it writes none and knows none."""

    key: bytes | None = field(repr=False)

    def seal(self, message: str) -> str:
        """``message``, which ends with its trailers, with a seal as the last of them."""
        return message if self.key is None else f"{message}{_SEAL_TRAILER}: {self._digits(message)}\n"

    def check(self, message: str) -> Sealed:
        """Whether the trailers of ``message`` are as this token wrote them."""
        found = [value for name, value in _trailers_of(message) if name == _SEAL_TRAILER]
        if self.key is None or len(found) != 1:
            return Sealed.UNKNOWN
        wanted = self._digits(message)
        if hmac.compare_digest(wanted.encode(), found[0].encode(errors="surrogateescape")):
            return Sealed.OURS
        return Sealed.BROKEN if found[0].startswith(wanted[: _KEY_DIGITS + 1]) else Sealed.UNKNOWN

    def _digits(self, message: str) -> str:
        """Which key it is, and the seal itself: of bumper's own trailers, for merging may add GitLab's."""
        own = (f"{name}: {value}" for name, value in _trailers_of(message) if name.startswith(_PREFIX))
        text = "\n".join(line for line in own if not line.startswith(f"{_SEAL_TRAILER}: "))
        which, seal = (
            hmac.digest(self.key or b"", signed, "sha256").hex()
            for signed in (b"", text.encode(errors="surrogateescape"))
        )
        return f"{which[:_KEY_DIGITS]}-{seal[:_SEAL_DIGITS]}"


def make_sealer(settings: Settings, target_branch: str) -> Sealer:
    """The sealer of this run's token; a job's token ends with its job, so that nobody could check its seals."""
    if settings.token is None or settings.token.is_job_token:
        return Sealer(None)
    place = f"{_PURPOSE}\n{settings.address.gitlab_url}\n{settings.address.project.lower()}\n{target_branch}"
    return Sealer(hmac.digest(settings.token.value.encode(), place.encode(), "sha256"))
