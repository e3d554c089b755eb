"""A pin: a place in a values file that holds the tag (and digest) of an image; and its path in the document."""

import json
import re
from dataclasses import dataclass, field
from typing import TypeAlias

from bumper.image import Repository
from bumper.values.yaml_tree import Scalar

PinPath: TypeAlias = tuple[str | int, ...]

_SHA256 = "sha256:"
_PLAIN_KEY = re.compile(r"[\w-]+")
_STEP = re.compile(
    r"(?P<dot>\.)?(?P<key>[^.\[\]\"\s]+)"  # a key, after a dot unless it comes first
    r"|\[(?P<index>\d+)\]"
    r'|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]'
)


def format_path(path: PinPath) -> str:
    """``path`` as bumper shows it and as ``--path`` takes it; a key with other signs is quoted as in JSON."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def parse_path(text: str) -> PinPath:
    """Read what ``format_path`` writes.

    Raises:
        ValueError: it is no path; the message says where.

    """
    path: list[str | int] = []
    place = 0
    while place < len(text):
        step = _STEP.match(text, place)
        if step is None or (step["key"] is not None and bool(step["dot"]) == (place == 0)):
            raise ValueError(f"{text!r} is not a path at {text[place:]!r}")
        if step["quoted"] is None:
            path.append(step["key"] if step["index"] is None else int(step["index"]))
        else:
            try:
                path.append(str(json.loads(step["quoted"])))
            except json.JSONDecodeError as error:
                raise ValueError(f"{text!r} is not a path: {step['quoted']} is not quoted as in JSON") from error
        place = step.end()
    if not path:
        raise ValueError("a path may not be empty")
    return tuple(path)


@dataclass(frozen=True, slots=True)
class DigestScalar:
    """A scalar of its own that holds an image's digest, or nothing (then ``value`` is None) in place of one."""

    path: PinPath
    scalar: Scalar
    value: str | None
    before: str  # what stands before the digits: "sha256:", "@sha256:" or nothing

    def text_of(self, digest: str) -> str:
        """What to write for ``digest``."""
        return f"{self.before}{digest.removeprefix(_SHA256)}" if digest.startswith(_SHA256) else digest


@dataclass(frozen=True, slots=True)
class LeftDigest:
    """A digest near a pin that is not changed with it."""

    path: PinPath
    line: int


@dataclass(frozen=True, slots=True)
class Version:
    """What a pin holds: a tag, a digest, both or neither."""

    tag: str | None
    digest: str | None

    def __str__(self) -> str:
        """``tag``, ``tag@digest`` shortened for people, or ``(empty)``."""
        digest = f"@{self.digest[:19]}" if self.digest is not None else ""
        return f"{self.tag or ''}{digest}" or "(empty)"


@dataclass(frozen=True, slots=True)
class OtherPin:
    """A pin of another image that reads ``scalar`` as well, by way of an anchor."""

    path: PinPath
    line: int
    repository: Repository
    scalar: Scalar


@dataclass(frozen=True, slots=True)
class Pin:
    """One pin of one file, settable unless ``refusal`` says why not.

    ``line`` counts from 1 and is the one that an edit would change: with an alias, the anchor's.
    ``repository`` is None where neither this file nor a lower one names the image for certain; ``unnamed`` says why,
    and ``name_parts`` are the parts of the name as the files have them; ``name_scalars`` hold them, as far as this file
    does.
    ``tag`` and ``digest`` are None where they are empty, null or not there.
    """

    path: PinPath
    line: int
    repository: Repository | None
    tag: str | None
    digest: str | None
    shape: str
    refusal: str | None = None
    tag_scalar: Scalar | None = field(default=None, compare=False)  # the scalar that holds the tag
    absent: bool = False  # refused because the tag's key is not in this file; ``path`` is where to add it
    prefix: str = ""  # what a new tag is written after: in an image string, the repository and a colon
    digest_scalars: tuple[DigestScalar, ...] = field(default=(), compare=False)  # in keys of their own
    reads_as_text: bool = True  # whether Helm reads the tag_scalar as the text that stands there
    unnamed: str = ""
    name_parts: tuple[str, ...] = ()
    name_scalars: tuple[Scalar, ...] = field(default=(), compare=False)
    digest_switch: PinPath | None = None  # the key that tells the chart to use the digest, where it is on
    left_digests: tuple[LeftDigest, ...] = ()  # digests near the pin that are not changed with it
    others: tuple[OtherPin, ...] = field(default=(), compare=False)

    @property
    def version(self) -> Version:
        """What it holds."""
        return Version(self.tag, self.digest)

    @property
    def is_digest_only(self) -> bool:
        """Whether there is a place for a digest and none for a tag; a tag that begins with @ is such a place too."""
        return self.tag is None and (self.tag_scalar is None or self.tag_scalar.value.startswith("@"))

    @property
    def scalars(self) -> tuple[Scalar, ...]:
        """All scalars that belong to it."""
        digests = tuple(digest.scalar for digest in self.digest_scalars)
        return (self.tag_scalar, *digests) if self.tag_scalar is not None else digests
