"""A pin: a place in a values file that holds the tag (and digest) of an image."""

from dataclasses import dataclass, field

from bumper.image import Repository
from bumper.values.pin_path import PinPath
from bumper.values.yaml_tree import Scalar


@dataclass(frozen=True, slots=True)
class Pin:
    """One pin of one file, settable unless ``refusal`` says why not.

    ``line`` counts from 1 and is the one that an edit would change: with an alias, the anchor's.
    ``repository`` is None where neither this file nor a lower one names the image for certain; ``unnamed`` says why,
    and ``name_parts`` are the parts of the name as the files have them.
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
    digest_scalar: Scalar | None = field(default=None, compare=False)  # the digest's own key, where there is one
    bare_digest: bool = False  # whether that key holds the digits alone, without "sha256:"
    reads_as_text: bool = True  # whether Helm reads the tag_scalar as the text that stands there
    unnamed: str = ""
    name_parts: tuple[str, ...] = ()
