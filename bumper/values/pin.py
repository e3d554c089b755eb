"""A pin: a place in a values file that holds the tag (and digest) of an image."""

from dataclasses import dataclass, field

from bumper.image import Repository
from bumper.values.digests import DigestScalar, LeftDigest
from bumper.values.pin_path import PinPath
from bumper.values.yaml_tree import Scalar


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
    def is_digest_only(self) -> bool:
        """Whether there is a place for a digest and none for a tag; a tag that begins with @ is such a place too."""
        return self.tag is None and (self.tag_scalar is None or self.tag_scalar.value.startswith("@"))

    @property
    def scalars(self) -> tuple[Scalar, ...]:
        """All scalars that belong to it."""
        digests = tuple(digest.scalar for digest in self.digest_scalars)
        return (self.tag_scalar, *digests) if self.tag_scalar is not None else digests
