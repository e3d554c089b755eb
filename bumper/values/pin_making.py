"""Pins from the keys that hold them."""

from bumper.values.digests import Digests
from bumper.values.image_names import ImageName
from bumper.values.pin import Pin, PinPath
from bumper.values.siblings import Sibling
from bumper.values.surroundings import Place
from bumper.values.tag_scalars import plain_value, read_tag_scalar

_NO_NAME = ImageName(None, (), unnamed="there is no repository beside it")


def make_pin(
    place: Place,
    key: Sibling,
    *,
    shape: str,
    digests: Digests,
    name: ImageName = _NO_NAME,
    partner: Sibling | None = None,
    prefix: str = "",
    steps: PinPath = (),
) -> Pin:
    """A pin whose tag stands in ``key``'s value, after ``prefix`` and a colon or an at sign."""
    held = read_tag_scalar(key.node, place.around.text, prefix)
    refusal = place.around.duplicate or _twice(key, partner) or name.refusal or held.refusal or digests.refusal
    if partner is not None and "@" in (plain_value(partner.node) or ""):
        refusal = "a digest begins in its repository; write the repository alone there, and the digest in a key digest"
    return Pin(
        path=(*place.around.path, *(steps or (key.key,))),
        line=key.node.line if key.node is not None else key.line,
        repository=name.repository,
        tag=held.tag,
        digest=held.digest or digests.value,
        shape=shape + (f"+{digests.key}" if digests.key else "@digest" if held.digest else ""),
        refusal=refusal,
        tag_scalar=held.scalar,
        prefix=f"{prefix}:" if prefix else "",
        digest_scalars=digests.scalars,
        reads_as_text=held.reads_as_text,
        unnamed=name.unnamed,
        name_parts=name.parts,
        name_scalars=name.scalars,
        digest_switch=digests.switch,
        left_digests=digests.left,
    )


def digest_only_pin(place: Place, key: Sibling, name: ImageName, digests: Digests) -> Pin:
    """The pin of a repository in ``key`` beside which a digest stands and no tag."""
    digest = digests.scalars[0]
    return Pin(
        path=digest.path,
        line=digest.scalar.line,
        repository=name.repository,
        tag=None,
        digest=digest.value,
        shape="+".join([*name.keys, digests.key]),
        refusal=place.around.duplicate or _twice(key) or name.refusal or digests.refusal,
        digest_scalars=digests.scalars,
        unnamed=name.unnamed,
        name_parts=name.parts,
        name_scalars=name.scalars,
        left_digests=digests.left,
    )


def absent_pin(place: Place, key: Sibling, steps: PinPath, name: ImageName, reason: str, *, prefix: str = "") -> Pin:
    """The pin of an image whose tag is not in this file; ``steps`` lead to where it is to be added."""
    path = (*place.around.path, *steps)
    refusal = place.around.duplicate or name.refusal or reason
    return Pin(
        path=path,
        line=key.line,
        repository=name.repository,
        tag=None,
        digest=None,
        shape=key.key,
        refusal=refusal,
        absent=True,
        prefix=prefix,
        name_scalars=name.scalars,
    )


def _twice(*keys: Sibling | None) -> str | None:
    for key in keys:
        if key is not None and key.twice:
            where = f"{key.file}:{key.line}" if key.file else f"line {key.line}"
            return f"the key {key.key!r} is twice in one mapping (again in {where}); delete one"
    return None
