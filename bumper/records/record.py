"""What bumper remembers of a deployment, and the seal by which a token recognises what it wrote itself.

The record stands in the commit's trailers and, because GitLab's squashing drops those, in a comment inside the merge
request's description, which no reader sees and a program can read.

Everybody with the role Developer may push to bumper's branches, and may write any trailer there. The seal is a keyed
hash (RFC 2104) of the trailers; the key comes from the token, the project and the target branch. It tells nothing of
the token, and a record of another project or of other images has another seal.
"""

import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import TypeAlias

from bumper.ci import Pipeline, Source, is_pipeline_id
from bumper.image import ImageReference, read_reference
from bumper.settings import Settings
from bumper.values.change import Change

# app, file, path, line, image; tag and digest before; tag and digest after
ChangeRow: TypeAlias = tuple[str, str, str, int, str, str | None, str | None, str | None, str | None]

COMMAND_TRAILER = "Bumper-Command"
URGENT_TRAILER = "Bumper-Urgent"
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (.*)")
# Lone surrogates stand for bytes that are not UTF-8, which neither git nor GitLab takes in a text.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]+")
_SEAL_TRAILER = "Bumper-Seal"
_PREFIX = "Bumper-"
_PURPOSE = "bumper's seal on the trailers of a commit"
_KEY_DIGITS, _SEAL_DIGITS = 8, 32  # of hex


class Command(StrEnum):
    """The commands that leave a record."""

    BUMP = "bump"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    HOLD = "hold"
    UNHOLD = "unhold"


def read_command(text: str) -> Command | None:
    """The command of that name; None where bumper has none."""
    return Command(text) if text in list(Command) else None


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
        return (
            (self.command, self.environment, self.undoes) == (other.command, other.environment, other.undoes)
            and images.issuperset(self.images)
            and self.urgent in (None, other.urgent)
            and (self.pipeline is None or _is_no_newer(self.pipeline, other.pipeline))
        )


def _is_no_newer(pipeline: Pipeline, other: Pipeline | None) -> bool:
    return other is not None and pipeline.project == other.project and pipeline.id <= other.id


def trailers(record: Record, extra: Mapping[str, str]) -> str:
    """The commit message's trailers, one a line."""
    lines = [
        (COMMAND_TRAILER, record.command),
        ("Bumper-Environment", record.environment),
        *(("Bumper-Image", str(image)) for image in record.images),
    ]
    if record.pipeline is not None:
        order = f"{record.pipeline.id} {record.pipeline.project}"
        lines += [("Bumper-Pipeline", record.pipeline.url or order), ("Bumper-Order", order)]
    if record.source is not None:
        lines.append(("Bumper-Source", f"{record.source.project}@{record.source.commit} {record.source.branch}"))
    if record.requested_by is not None:
        lines.append(("Bumper-Requested-By", record.requested_by))
    lines += [("Bumper-Undoes", commit) for commit in record.undoes]
    lines += [("Bumper-Watched", f"{record.watched}")] if record.watched is not None else []
    if record.urgent is not None:
        lines.append((URGENT_TRAILER, record.urgent))
    return "".join(f"{name}: {one_line(value)}\n" for name, value in [*lines, *extra.items()])


def one_line(text: str) -> str:
    """``text`` without line breaks, control and broken characters, so that it cannot become a trailer of its own."""
    return _CONTROL.sub(" ", text).strip()


def read_trailers(message: str) -> Record | None:
    """The record in a commit message; None where the commit is not bumper's."""
    found: dict[str, list[str]] = {}
    for line in message.rstrip("\n").rpartition("\n\n")[2].splitlines():
        match = _TRAILER.fullmatch(line)
        if match is not None:
            found.setdefault(match[1], []).append(match[2].strip())
    first = {name: values[0] for name, values in found.items()}
    command = read_command(first.get(COMMAND_TRAILER, ""))
    if command is None:
        return None
    return Record(
        command=command,
        environment=first.get("Bumper-Environment", ""),
        images=tuple(read_references(found.get("Bumper-Image", []))),
        pipeline=_read_order(first.get("Bumper-Order", ""), first.get("Bumper-Pipeline", "")),
        requested_by=first.get("Bumper-Requested-By"),
        undoes=tuple(found.get("Bumper-Undoes", [])),
        watched=_read_seconds(first.get("Bumper-Watched", "")),
        urgent=first.get(URGENT_TRAILER),
    )


def read_urgent(messages: Iterable[str]) -> list[str]:
    """The reasons that commits give to go past soak and freeze: anybody may write one, and it is recorded."""
    lines = (line for message in messages for line in message.rstrip("\n").rpartition("\n\n")[2].splitlines())
    found = (match[2].strip() for line in lines if (match := _TRAILER.fullmatch(line)) and match[1] == URGENT_TRAILER)
    return list(dict.fromkeys(one_line(reason) for reason in found if reason))


def _read_seconds(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) is not None else None


def _read_order(order: str, url: str) -> Pipeline | None:
    number, _, project = order.partition(" ")
    return Pipeline(int(number), url, project) if is_pipeline_id(number) else None


def read_references(texts: Iterable[str]) -> Iterator[ImageReference]:
    """Those of ``texts`` that are image references."""
    for text in texts:
        reference = read_reference(text)
        if reference is not None:
            yield reference


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
        found = [line for line in _own_lines(message) if line.startswith(f"{_SEAL_TRAILER}: ")]
        if self.key is None or len(found) != 1:
            return Sealed.UNKNOWN
        wanted, digits = self._digits(message), found[0].removeprefix(f"{_SEAL_TRAILER}: ")
        if hmac.compare_digest(wanted.encode(), digits.encode()):
            return Sealed.OURS
        return Sealed.BROKEN if digits.startswith(wanted[: _KEY_DIGITS + 1]) else Sealed.UNKNOWN

    def _digits(self, message: str) -> str:
        """Which key it is, and the seal itself."""
        key = self.key or b""
        lines = [line for line in _own_lines(message) if not line.startswith(f"{_SEAL_TRAILER}: ")]
        text = "\n".join(lines).encode(errors="surrogateescape")
        return f"{_hash(key, b'')[:_KEY_DIGITS]}-{_hash(key, text)[:_SEAL_DIGITS]}"


def make_sealer(settings: Settings, target_branch: str) -> Sealer:
    """The sealer of this run's token; a job's token ends with its job, so that nobody could check its seals."""
    if settings.token is None or settings.token.is_job_token:
        return Sealer(None)
    place = f"{_PURPOSE}\n{settings.address.gitlab_url}\n{settings.address.project.lower()}\n{target_branch}"
    return Sealer(hmac.digest(settings.token.value.encode(), place.encode(), "sha256"))


def _own_lines(message: str) -> list[str]:
    """Bumper's trailers in the last paragraph; merging may add GitLab's."""
    last = message.rstrip("\n").rpartition("\n\n")[2]
    return [line.strip() for line in last.splitlines() if line.startswith(_PREFIX)]


def _hash(key: bytes, text: bytes) -> str:
    return hmac.digest(key, text, "sha256").hex()
