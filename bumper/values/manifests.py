"""Images and values in manifests of Argo CD, Flux and Kustomize and in helmfiles, rather than in values files.

Argo CD's ``valuesObject`` holds values as a values file does and is searched like one; ``values`` is a text, in which
bumper edits nothing. See Argo CD's documentation of Helm sources: parameters stand before valuesObject, that before
values. Lists of ``{name, value}`` (Helm parameters, and environment variables) are known by their form, wherever they
stand; a parameter's name is the path of a value.

Kustomize's ``images: [{name, newName, newTag, digest}]`` stands in Flux's Kustomization and its post-renderers and in
Argo CD's Application, too. It replaces the image ``name`` in what it renders: ``newName`` is then what runs, or
``name`` where there is none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bumper.image import read_repository
from bumper.values.digests import digests_beside
from bumper.values.image_names import ImageName, scalars_here
from bumper.values.keys import Lower, NamePart, Origin, Place, Sibling, Surroundings, key_name, siblings_of
from bumper.values.pin import Pin, PinPath
from bumper.values.shapes import absent_pin, digest_only_pin, make_pin, pins_of_keys
from bumper.values.tag_scalars import is_placeholder, plain_value
from bumper.values.yaml_data import look_up, value_of
from bumper.values.yaml_tree import MappingNode, Node, Resolved, SequenceNode

_KINDS = ("Application", "ApplicationSet")
# In a parameter's name: keys with dots between them, a dot inside a key behind a backslash, an index in brackets.
_STEP = re.compile(r"(?P<key>(?:\\.|[^.\[\]\\])+)|\[(?P<index>\d{1,5})\]|\.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Helm:
    """The ``helm`` of one source of a manifest, and where it stands."""

    path: PinPath
    values_object: Resolved | None
    values: Resolved | None


def helm_of_manifest(root: Node) -> list[Helm]:
    """The Helm parts of a document that is an Application or ApplicationSet, or a List of them; none of any other."""
    places: list[PinPath] = [()]
    if plain_value(look_up(root, ("kind",))) == "List":
        places = [("items", index) for index in _indexes(look_up(root, ("items",)))]
    return [helm for place in places for helm in _helm_at(root, place)]


def _helm_at(root: Node, place: PinPath) -> Iterator[Helm]:
    version, kind = (plain_value(look_up(root, (*place, key))) for key in ("apiVersion", "kind"))
    if version is None or not version.startswith("argoproj.io/") or kind not in _KINDS:
        return
    for spec in ((*place, "spec"), (*place, "spec", "template", "spec")):
        indexes = _indexes(look_up(root, (*spec, "sources")))
        for path in ((*spec, "source", "helm"), *((*spec, "sources", index, "helm") for index in indexes)):
            if isinstance(look_up(root, path), MappingNode):
                yield Helm(path, look_up(root, (*path, "valuesObject")), look_up(root, (*path, "values")))


def _indexes(node: Resolved | None) -> range:
    return range(len(node.items) if isinstance(node, SequenceNode) else 0)


def is_parameter_list(items: SequenceNode) -> bool:
    """Whether a list holds names and values. Variables whose value comes from elsewhere may stand among them."""
    return any(isinstance(item, MappingNode) and "name" in item.keys and "value" in item.keys for item in items.items)


def values_beside(mapping: MappingNode) -> tuple[tuple[str, MappingNode], ...]:
    """The values that a mapping with parameters sets as well, below the parameters."""
    found: list[tuple[str, MappingNode]] = []
    for key in ("valuesObject", "values"):
        node = value_of(mapping, key)
        inline = node.items if isinstance(node, SequenceNode) else (node,)  # helmfile's are a list, of files too
        found += [("", part) for part in inline[::-1] if isinstance(part, MappingNode)]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A parameter: the path of a value, whose last step is a ``key``, and the value."""

    folder: PinPath
    key: str
    index: int
    value: Resolved


def pins_of_parameters(items: SequenceNode, around: Surroundings, below: Lower) -> Iterator[Pin]:
    """The pins that parameters set, with the repositories beside them, in the values beside or in those ``below``."""
    parameters = list(_parameters(items))
    scope, lower = around.scope, (*around.lower, *below)
    registry = next((one.value for one in parameters if (*one.folder, one.key) == ("global", "imageRegistry")), None)
    if value := plain_value(registry):
        scope = replace(scope, shared=(NamePart("global.imageRegistry", value),))
    for folder in dict.fromkeys(one.folder for one in parameters):
        own = [one for one in parameters if one.folder == folder]
        keys = {sibling.name.name: sibling for sibling in _siblings(own, folder, lower)}
        parent = next((key_name(step).name for step in reversed(folder) if isinstance(step, str)), "")
        places: dict[str | int, PinPath] = {one.key: (*around.path, one.index, "value") for one in own}
        for pin in pins_of_keys(Place(keys, Surroundings(around.text, parent_name=parent, scope=scope))):
            if not pin.absent and pin.path[-1] in places:
                digests = tuple(replace(digest, path=places[digest.path[-1]]) for digest in pin.digest_scalars)
                path, shape = places[pin.path[-1]], f"parameters' {pin.shape}"
                yield replace(pin, path=path, shape=shape, digest_scalars=digests)


def _parameters(items: SequenceNode) -> Iterator[_Parameter]:
    for index, item in enumerate(items.items):
        name, value = plain_value(look_up(item, ("name",))), look_up(item, ("value",))
        match parse_parameter_name(name or ""):
            case (*folder, str(key)) if value is not None:
                yield _Parameter(tuple(folder), key, index, value)


def _siblings(own: list[_Parameter], folder: PinPath, lower: Lower) -> Iterator[Sibling]:
    """The keys of one mapping of values, those of lower precedence first: whoever collects them keeps the last."""
    for file, root in reversed(lower):
        mapping = look_up(root, folder)
        for sibling in siblings_of(mapping, ()).values() if isinstance(mapping, MappingNode) else ():
            yield replace(sibling, origin=Origin.LOWER, file=file)
    for one in own:
        yield Sibling(one.key, key_name(one.key), one.value, one.value.line, Origin.OWN)


def parse_parameter_name(name: str) -> PinPath:
    """The path that a name means to ``helm --set`` and in ``helm.parameters``; empty where it is not a parameter's."""
    steps = list(_STEP.finditer(name))
    if "".join(step[0] for step in steps) != name:
        return ()
    return tuple(
        int(step["index"]) if step["index"] is not None else re.sub(r"\\(.)", r"\1", step["key"])
        for step in steps
        if step[0] != "."
    )


def is_kustomize_image(item: MappingNode, around: Surroundings) -> bool:
    """Whether a mapping is an item of a list of images of Kustomize's by its keys."""
    is_item = around.way is not None and isinstance(around.way[1], int)
    if not is_item or around.parent_name != "images" or "name" not in item.keys:
        return False
    return "newName" in item.keys or "newTag" in item.keys or item.keys.keys() == {"name", "digest"}


def pins_of_kustomize_image(place: Place) -> Iterator[Pin]:
    """The pin of one image of Kustomize's, which knows no registry but the one in the name itself."""
    partner = next((place.keys[key] for key in ("newname", "name") if place.value(key)), None)
    if partner is None:
        return
    text, replaced = place.value(partner.name.name) or "", place.keys["name"]
    repository = None if is_placeholder(text) else read_repository(text)
    unnamed = "" if repository is not None else f"{text!r} is not a repository"
    parts, scalars = (text, place.value("name") or ""), scalars_here(partner, replaced)
    name = ImageName(repository, parts, (partner.key,), unnamed, scalars=scalars)
    tag, digests = place.keys.get("newtag"), digests_beside(place, "")
    if tag is not None:
        shape = f"Kustomize's {partner.key}+{tag.key}"
        yield make_pin(place, tag, shape=shape, name=name, digests=digests, partner=partner)
    elif digests.value is not None:
        yield digest_only_pin(place, partner, name, digests)
    elif repository is not None:
        yield absent_pin(place, partner, "newTag", name, "there is no newTag beside it")
