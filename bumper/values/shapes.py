"""The shapes in which values files hold an image: which keys of a mapping are a pin, and of which image.

Everything is found by the keys' names and by what stands beside them; nothing is changed here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bumper.image import (
    Repository,
    has_host,
    is_address,
    read_repository,
    split_reference,
)
from bumper.values.key_names import Kind, companion_names, key_name, repository_names
from bumper.values.pin import Pin
from bumper.values.pin_path import PinPath
from bumper.values.siblings import Origin, Sibling, resolve, siblings_of
from bumper.values.tag_scalars import (
    Digest,
    image_string,
    image_string_for_tag,
    is_switch,
    plain_value,
    read_digest,
    read_tag_scalar,
)
from bumper.values.yaml_tree import MappingNode, Scalar, SequenceNode

# Beside these keys, `repository` and `version` speak of a Helm chart, not of an image.
_CHART_KEYS = frozenset({"chart", "chartname"})
_CHART_PARENTS = frozenset({"chart", "charts", "dependencies"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides how a mapping or a list is read, beside what stands in it."""

    text: str
    path: PinPath
    parent_name: str  # the name (see key_names) of the key that leads here, through lists
    in_images: bool  # whether a key above is named for images, so that any value here may be one
    lower: Sequence[tuple[str, MappingNode]]  # the same mapping in lower-precedence files, the highest of them first
    global_registry: str | None
    duplicate: str | None  # what to say of a duplicate key above, where there is one


@dataclass(frozen=True, slots=True)
class _Place:
    """A mapping's effective keys and their surroundings."""

    keys: dict[str, Sibling]
    around: Surroundings


def pins_of_mapping(mapping: MappingNode, around: Surroundings) -> Iterator[Pin]:
    """The pins whose own keys stand in ``mapping`` or are first put together there, those not to be set included."""
    yield from pins_of_keys(siblings_of(mapping, around.lower, every=around.in_images), around)


def pins_of_keys(keys: dict[str, Sibling], around: Surroundings) -> Iterator[Pin]:
    """The same for the keys of a mapping by name, wherever they stand."""
    place = _Place(keys, around)
    claimed: set[str] = set()
    here = [key for key in place.keys.values() if key.origin is not Origin.LOWER]
    for kind in (Kind.TAG, Kind.VERSION):  # where both stand, the version is the chart's or the application's own
        for tag in here:
            if tag.name.kind is kind:
                yield from _tag_pin(place, tag, claimed)
    for key in here:
        if key.origin is Origin.OWN and key.name.name not in claimed:
            if key.name.kind in (Kind.IMAGE, Kind.REPOSITORY):
                yield from _image_pin(place, key)
            elif key.name.kind in (None, Kind.IMAGES) and around.in_images:
                yield from _loose_image(place, key, (key.key,))


def pins_of_list(items: SequenceNode, around: Surroundings) -> Iterator[Pin]:
    """The pins of ``images: [repository:tag, ...]``."""
    if around.in_images:
        place = _Place({}, around)
        for index, item in enumerate(items.items):
            entry = Sibling("", key_name(""), resolve(item), item.line, Origin.OWN)
            yield from _loose_image(place, entry, (index,))


def _tag_pin(place: _Place, tag: Sibling, claimed: set[str]) -> Iterator[Pin]:
    """The pin of a key that is a tag by its name, with the repository that stands beside it or in a lower file."""
    partner = _partner(place, tag, claimed)
    if partner is None:
        if tag.origin is Origin.OWN and _is_image_tag_by_name(place, tag) and not is_switch(tag.node):
            if image_string_for_tag(plain_value(tag.node)) is not None:
                yield from _image_pin(place, tag)
            else:
                digest = _digest(place, tag.name.prefix)
                yield _pin(place, tag, shape=tag.key, repository=None, digest=digest)
        return
    claimed.add(partner.name.name)
    if tag.origin is Origin.MERGED and partner.home is tag.home:
        return  # found where the anchor stands
    text = plain_value(partner.node) or ""
    repository, registry_key = _repository(place, text.partition("@")[0], tag.name.prefix)
    shape = "+".join([*registry_key, partner.key, tag.key])
    digest = _digest(place, tag.name.prefix)
    yield _pin(place, tag, shape=shape, repository=repository, digest=digest, partner=partner)


def _is_image_tag_by_name(place: _Place, tag: Sibling) -> bool:
    if tag.name.kind is not Kind.TAG:
        return False
    return tag.name.prefix.endswith("image") or (tag.name.prefix == "" and place.around.parent_name.endswith("image"))


def _partner(place: _Place, tag: Sibling, claimed: set[str]) -> Sibling | None:
    """The key that holds the repository of ``tag``'s image."""
    kind = tag.name.kind or Kind.TAG
    if kind is Kind.VERSION and _speaks_of_a_chart(place, tag):
        return None
    for name in repository_names(tag.name.prefix, kind):
        key = place.keys.get(name)
        if key is not None and name not in claimed and _may_name_the_image(place, key, kind):
            return key
    return None


def _speaks_of_a_chart(place: _Place, tag: Sibling) -> bool:
    above = place.around.parent_name in _CHART_PARENTS
    return above or tag.name.prefix.endswith("chart") or not _CHART_KEYS.isdisjoint(place.keys)


def _may_name_the_image(place: _Place, key: Sibling, kind: Kind) -> bool:
    value = plain_value(key.node)
    if not value or is_address(value):
        return False
    _, own_tag, own_digest = split_reference(value)
    if own_tag is not None or own_digest not in (None, "sha256"):
        return False
    if key.name.name == "name" and "/" not in value and not place.around.parent_name.endswith(("image", "images")):
        return False  # most names are names of something else
    return kind is Kind.TAG or read_repository(value) is not None


def _image_pin(place: _Place, key: Sibling) -> Iterator[Pin]:
    """The pin of ``image: repository:tag``, or what is to be said of a repository without a tag."""
    value = plain_value(key.node)
    if value is None or not isinstance(key.node, Scalar):
        return
    parts = image_string(value)
    name = value if parts is None else parts[0]
    repository, registry_key = _repository(place, name, key.name.name)
    if repository is None or is_address(value):
        return
    if parts is not None:
        shape = "+".join([*registry_key, "image string"])
        digest = _digest(place, key.name.name)
        yield _pin(place, key, shape=shape, repository=repository, digest=digest, prefix=name)
    elif key.name.kind is not Kind.TAG:
        yield _without_tag(place, key, repository)


def _loose_image(place: _Place, key: Sibling, steps: PinPath) -> Iterator[Pin]:
    """The pin of an image string among images, whatever its key is: ``images: {tags: {api: registry/api:v1}}``."""
    parts = image_string(plain_value(key.node))
    if parts is None or ("/" not in parts[0] and not place.around.parent_name.endswith("images")):
        return
    repository, registry_key = _repository(place, parts[0], "")
    if repository is not None:
        shape = "+".join([*registry_key, "image string"])
        yield _pin(place, key, shape=shape, repository=repository, digest=Digest(), prefix=parts[0], steps=steps)


def _without_tag(place: _Place, key: Sibling, repository: Repository) -> Pin:
    """What is to be said of a repository whose tag stands in a lower file only, or nowhere."""
    for tag in place.keys.values():
        kind = tag.name.kind
        if (
            kind in (Kind.TAG, Kind.VERSION)
            and tag.origin is Origin.LOWER
            and key.name.name in repository_names(tag.name.prefix, kind)
        ):
            reason = f"its tag stands only in {tag.file}:{tag.line}, which is shared"
            return _absent(place, key, (tag.key,), repository, reason)
    if key.name.kind is Kind.IMAGE:
        return _absent(place, key, (key.key,), repository, "it names no tag", prefix=f"{plain_value(key.node)}:")
    return _absent(place, key, (_tag_key(key.key),), repository, "no tag stands beside it")


def _tag_key(repository_key: str) -> str:
    """What the tag beside ``repository_key`` would be called: imageTag for imageRepository, tag for repository."""
    for ending in ("repository", "imageName", "imagename", "repo"):
        stem = repository_key[: -len(ending)]
        if repository_key.lower() == f"{stem}{ending}".lower():
            return f"{stem}tag" if stem == "" or stem[-1] in "._-" else f"{stem}Tag"
    return "tag"


def _repository(place: _Place, text: str, prefix: str) -> tuple[Repository | None, list[str]]:
    """The repository that ``text`` names here, and the key of the registry that stands beside it, if one counts."""
    if has_host(text):
        return read_repository(text), []
    for name in companion_names(prefix, "registry"):
        key = place.keys.get(name)
        registry = plain_value(key.node) if key is not None else None
        if key is not None and registry:
            return read_repository(f"{registry.rstrip('/')}/{text}"), [key.key]
    if place.around.global_registry:
        return read_repository(f"{place.around.global_registry.rstrip('/')}/{text}"), []
    return read_repository(text), []


def _digest(place: _Place, prefix: str) -> Digest:
    for name in companion_names(prefix, "digest", "sha", "sha256"):
        key = place.keys.get(name)
        if key is not None and (digest := read_digest(key, place.around.text)) is not None:
            return digest
    return Digest()


def _pin(
    place: _Place,
    key: Sibling,
    *,
    shape: str,
    repository: Repository | None,
    digest: Digest,
    partner: Sibling | None = None,
    prefix: str = "",
    steps: PinPath = (),
) -> Pin:
    """A pin whose tag stands in ``key``'s value, after ``prefix`` and a colon or an at sign."""
    held = read_tag_scalar(key.node, place.around.text, prefix)
    refusal = place.around.duplicate or _twice(key, partner) or held.refusal or digest.refusal
    if partner is not None and (plain_value(partner.node) or "").endswith("@sha256"):
        refusal = "its repository ends in @sha256, so that the tag is a digest's digits; give it a tag and a digest key"
    return Pin(
        path=(*place.around.path, *(steps or (key.key,))),
        line=key.node.line if key.node is not None else key.line,
        repository=repository,
        tag=held.tag,
        digest=held.digest or digest.value,
        shape=shape + (f"+{digest.key}" if digest.key else "@digest" if held.digest else ""),
        refusal=refusal,
        tag_scalar=held.scalar,
        prefix=f"{prefix}:" if prefix else "",
        digest_scalar=digest.scalar,
        bare_digest=digest.bare,
        reads_as_text=held.reads_as_text,
    )


def _twice(*keys: Sibling | None) -> str | None:
    for key in keys:
        if key is not None and key.twice:
            where = f"{key.file}:{key.line}" if key.file else f"line {key.line}"
            return f"the key {key.key!r} stands twice in one mapping (again in {where}); delete one"
    return None


def _absent(
    place: _Place, key: Sibling, steps: PinPath, repository: Repository, reason: str, *, prefix: str = ""
) -> Pin:
    path = (*place.around.path, *steps)
    refusal = place.around.duplicate or reason
    return Pin(path, key.line, repository, None, None, key.key, refusal=refusal, absent=True, prefix=prefix)
