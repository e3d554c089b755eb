"""Pins from the keys that hold them."""

from bumper.values.image_names import ImageName
from bumper.values.key_names import companion_names
from bumper.values.pin import Pin
from bumper.values.pin_path import PinPath
from bumper.values.siblings import Sibling
from bumper.values.surroundings import Place
from bumper.values.tag_scalars import Digest, plain_value, read_digest, read_tag_scalar

NO_DIGEST = Digest()
_DIGEST_ONLY = "it holds a digest and no tag; add a tag beside it"
_NO_NAME = ImageName(None, (), unnamed="no repository stands beside it")


def digest_beside(place: Place, prefix: str) -> Digest:
    """The digest of ``<prefix>tag``'s image that stands in a key of its own."""
    for name in companion_names(prefix, "digest", "sha", "sha256"):
        key = place.keys.get(name)
        if key is not None and (digest := read_digest(key, place.around.text)) is not None:
            return digest
    return NO_DIGEST


def make_pin(
    place: Place,
    key: Sibling,
    *,
    shape: str,
    digest: Digest,
    name: ImageName = _NO_NAME,
    partner: Sibling | None = None,
    prefix: str = "",
    steps: PinPath = (),
) -> Pin:
    """A pin whose tag stands in ``key``'s value, after ``prefix`` and a colon or an at sign."""
    held = read_tag_scalar(key.node, place.around.text, prefix)
    refusal = place.around.duplicate or _twice(key, partner) or name.refusal or held.refusal or digest.refusal
    if partner is not None and (plain_value(partner.node) or "").endswith("@sha256"):
        refusal = "its repository ends in @sha256, so that the tag is a digest's digits; give it a tag and a digest key"
    return Pin(
        path=(*place.around.path, *(steps or (key.key,))),
        line=key.node.line if key.node is not None else key.line,
        repository=name.repository,
        tag=held.tag,
        digest=held.digest or digest.value,
        shape=shape + (f"+{digest.key}" if digest.key else "@digest" if held.digest else ""),
        refusal=refusal,
        tag_scalar=held.scalar,
        prefix=f"{prefix}:" if prefix else "",
        digest_scalar=digest.scalar,
        bare_digest=digest.bare,
        reads_as_text=held.reads_as_text,
        unnamed=name.unnamed,
        name_parts=name.parts,
    )


def digest_only_pin(place: Place, key: Sibling, name: ImageName, digest: Digest) -> Pin:
    """The pin of a repository in ``key`` beside which a digest stands and no tag."""
    scalar = digest.scalar
    return Pin(
        path=(*place.around.path, digest.key),
        line=scalar.line if scalar is not None else key.line,
        repository=name.repository,
        tag=None,
        digest=digest.value,
        shape="+".join([*name.keys, digest.key]),
        refusal=place.around.duplicate or _twice(key) or name.refusal or digest.refusal or _DIGEST_ONLY,
        digest_scalar=scalar,
        bare_digest=digest.bare,
        unnamed=name.unnamed,
        name_parts=name.parts,
    )


def absent_pin(place: Place, key: Sibling, steps: PinPath, name: ImageName, reason: str, *, prefix: str = "") -> Pin:
    """What is to be said of an image whose tag is not in this file; ``steps`` lead to where it is to be added."""
    path = (*place.around.path, *steps)
    refusal = place.around.duplicate or name.refusal or reason
    return Pin(path, key.line, name.repository, None, None, key.key, refusal=refusal, absent=True, prefix=prefix)


def _twice(*keys: Sibling | None) -> str | None:
    for key in keys:
        if key is not None and key.twice:
            where = f"{key.file}:{key.line}" if key.file else f"line {key.line}"
            return f"the key {key.key!r} stands twice in one mapping (again in {where}); delete one"
    return None
