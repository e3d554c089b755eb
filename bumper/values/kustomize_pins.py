"""Kustomize's ``images: [{name, newName, newTag, digest}]``, wherever such a list stands.

Kustomize replaces the image ``name`` in what it renders: ``newName`` is then what runs, or ``name`` where there is
none. Flux's Kustomization and its post-renderers, and Argo CD's Application, hold the same list.
"""

from collections.abc import Iterator

from bumper.image import read_repository
from bumper.values.digests import digests_beside
from bumper.values.image_names import ImageName, scalars_here
from bumper.values.pin import Pin
from bumper.values.pin_making import absent_pin, digest_only_pin, make_pin
from bumper.values.siblings import Sibling, siblings_of
from bumper.values.surroundings import Place, Surroundings
from bumper.values.tag_scalars import is_placeholder, plain_value
from bumper.values.yaml_tree import MappingNode

_NEW = ("newName", "newTag")
_WITH_A_DIGEST = frozenset({"name", "digest"})


def is_kustomize_image(item: MappingNode, parent_name: str) -> bool:
    """Whether ``item`` of a list is an image of Kustomize's by its keys."""
    if "name" not in item.keys or parent_name != "images":
        return False
    return any(key in item.keys for key in _NEW) or item.keys.keys() == _WITH_A_DIGEST


def pins_of_kustomize_image(item: MappingNode, around: Surroundings) -> Iterator[Pin]:
    """The pin of one image."""
    place = Place(siblings_of(item, ()), around)
    partner = next((place.keys[key] for key in ("newname", "name") if place.value(key)), None)
    if partner is None:
        return
    name = _name(partner, place.keys["name"])
    tag, digests = place.keys.get("newtag"), digests_beside(place, "")
    if tag is not None:
        shape = f"Kustomize's {partner.key}+{tag.key}"
        yield make_pin(place, tag, shape=shape, name=name, digests=digests, partner=partner)
    elif digests.value is not None:
        yield digest_only_pin(place, partner, name, digests)
    elif name.repository is not None:
        yield absent_pin(place, partner, ("newTag",), name, "there is no newTag beside it")


def _name(partner: Sibling, replaced: Sibling) -> ImageName:
    """The image of ``partner``; Kustomize knows no registry but the one in the name itself."""
    text = plain_value(partner.node) or ""
    repository = None if is_placeholder(text) else read_repository(text)
    unnamed = "" if repository is not None else f"{text!r} is not a repository"
    parts = (text, plain_value(replaced.node) or "")
    return ImageName(repository, parts, (partner.key,), unnamed, scalars=scalars_here(partner, replaced))
