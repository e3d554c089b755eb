"""The walk through a document in search of pins, be it of values, a manifest or a helmfile; without recursion.

Argo CD's ``valuesObject`` holds values as a values file does and is searched like one; ``values`` is a text, in which
bumper edits nothing. See Argo CD's documentation of Helm sources: parameters stand before valuesObject, that before
values. Lists of ``{name, value}`` (Helm parameters, and environment variables) are known by their form, wherever they
stand; a parameter's name is the path of a value.

Kustomize's ``images: [{name, newName, newTag, digest}]`` stands in Flux's Kustomization and its post-renderers and in
Argo CD's Application, too. It replaces the image ``name`` in what it renders: ``newName`` is then what runs, or
``name`` where there is none.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from bumper.image import read_repository
from bumper.values.image_names import ImageName, scalars_here, scope_below
from bumper.values.keys import (
    Kind,
    Lower,
    NamePart,
    Origin,
    Place,
    Scope,
    Sibling,
    Surroundings,
    is_public_image,
    key_name,
    siblings_of,
)
from bumper.values.partners import digests_beside
from bumper.values.pin import Pin, PinPath, format_path
from bumper.values.shapes import absent_pin, digest_only_pin, make_pin, pins_of_keys, pins_of_list
from bumper.values.tag_scalars import is_placeholder, plain_value
from bumper.values.yaml_data import effective_values, keys_twice, look_up, value_of
from bumper.values.yaml_tree import (
    Alias,
    MappingNode,
    Node,
    Resolved,
    Scalar,
    SequenceNode,
    YamlError,
    key_text,
    parse_documents,
)

_Collection: TypeAlias = tuple[MappingNode | SequenceNode, Surroundings]

# In a parameter's name: keys with dots between them, a dot inside a key behind a backslash, an index in brackets.
_STEP = re.compile(r"(?P<key>(?:\\.|[^.\[\]\\])+)|\[(?P<index>\d{1,5})\]|\.", re.DOTALL)


def search_pins(
    text: str, root: Node, lower: tuple[tuple[str, Node], ...], registry: str | None = None
) -> Iterator[Pin]:
    """The pins below ``root``; ``lower`` are the roots of lower-precedence files, highest precedence first.

    ``registry`` is that of repositories that name none, by default Docker Hub.
    """
    if not isinstance(root, (MappingNode, SequenceNode)) or _is_chart_file(root):
        return
    below = tuple((name, other) for name, other in lower if isinstance(other, MappingNode))
    helms = list(_helms_of(root))
    for path, helm in helms:
        yield from _pins_in_text(path, helm)
    # An Application's valuesObject stands for the root of lower files, as the document's own root does.
    roots = {id(root), *(id(value_of(helm, "valuesObject")) for _, helm in helms)}
    waiting: list[_Collection] = [(root, Surroundings(text, scope=Scope(default=registry)))]
    while waiting:
        node, around = waiting.pop()
        if isinstance(node, MappingNode):
            keys, around = _open(node, around._replace(lower=below) if id(node) in roots else around)
            if keys:
                pins_of = _pins_of_kustomize_image if _is_kustomize_image(node, around) else pins_of_keys
                yield from pins_of(Place(keys, around))
            waiting += _in_mapping(node, around)
        else:
            is_parameters = _is_parameter_list(node)
            yield from _pins_of_parameters(node, around, below) if is_parameters else pins_of_list(node, around)
            waiting += _in_list(node, around)


def _is_chart_file(root: Node) -> bool:
    """Whether a document is a Chart.yaml, whose versions and repositories are those of charts."""
    if not isinstance(root, MappingNode) or "kind" in root.keys or not {"name", "version"} <= root.keys.keys():
        return False
    api = root.keys.get("apiVersion")
    return isinstance(api, Scalar) and api.value in ("v1", "v2")


def _pins_in_text(path: PinPath, helm: MappingNode) -> Iterator[Pin]:
    """The pins of ``helm.values``, a text that only Argo CD reads as YAML: bumper changes nothing in it."""
    block, values_object = value_of(helm, "values"), value_of(helm, "valuesObject")
    if not isinstance(block, Scalar):
        return
    try:
        documents = parse_documents(block.value)
    except YamlError:
        return
    below = (("", values_object),) if isinstance(values_object, MappingNode) else ()
    reason = f"it is inside a text, {format_path((*path, 'values'))}; move that to valuesObject, which is YAML"
    for document in documents:
        for pin in search_pins(block.value, document.root, below):
            line = block.line + pin.line if block.style in ("|", ">") else block.line
            refused = replace(pin, path=(*path, "values", *pin.path), line=line, refusal=reason, absent=False)
            yield replace(refused, tag_scalar=None, digest_scalars=(), name_scalars=())


def _open(mapping: MappingNode, around: Surroundings) -> tuple[Mapping[str, Sibling], Surroundings]:
    """The keys of ``mapping``, none where none of them can be of an image, and what holds in it."""
    speaks = around.in_images or len(mapping.keys) < len(mapping.pairs)  # a duplicate may hide an image
    is_scope = bool(around.lower)
    for text, value in mapping.keys.items():
        name = key_name(text)
        speaks = speaks or name.speaks or is_public_image(value)
        is_scope = is_scope or name.is_above
    keys = siblings_of(mapping, around.lower, every=around.in_images) if speaks or is_scope else {}
    if is_scope:
        around = around._replace(scope=scope_below(around, keys))
    return keys if speaks else {}, around


def _in_mapping(mapping: MappingNode, around: Surroundings) -> Iterator[_Collection]:
    """The collections in ``mapping``, the last one first."""
    twice = keys_twice(mapping)
    lower = [(file, effective_values(other)) for file, other in around.lower]
    for key, value in reversed(mapping.pairs):
        if isinstance(value, (Scalar, Alias)) or (text := key_text(key)) is None:
            continue
        name = key_name(text)
        below: Lower = ()
        if isinstance(value, MappingNode):
            below = tuple((file, node) for file, values in lower if isinstance(node := values.get(text), MappingNode))
        elif _is_parameter_list(value):
            below = _values_beside(mapping)
        in_images = around.in_images or name.kind in (Kind.IMAGE, Kind.IMAGES)
        doubled = f"the key {text!r} above it is twice in one mapping; join them" if text in twice else None
        way, duplicate = (around.way, text), doubled or around.duplicate
        yield value, Surroundings(around.text, way, name.name, in_images, below, around.scope, duplicate)


def _in_list(items: SequenceNode, around: Surroundings) -> Iterator[_Collection]:
    """The collections in a list, the last one first. Helm replaces a list whole, so nothing below is shared."""
    for index in range(len(items.items) - 1, -1, -1):
        item = items.items[index]
        if not isinstance(item, (Scalar, Alias)):
            text, way, name, in_images, _, scope, duplicate = around
            yield item, Surroundings(text, (way, index), name, in_images, (), scope, duplicate)


def _helms_of(root: Node) -> Iterator[tuple[PinPath, MappingNode]]:
    """The ``helm`` of each source of an Application or ApplicationSet, or of a List of them; none of any other."""
    places: list[PinPath] = [()]
    if plain_value(look_up(root, ("kind",))) == "List":
        places = [("items", index) for index in _indexes(look_up(root, ("items",)))]
    for place in places:
        version, kind = (plain_value(look_up(root, (*place, key))) or "" for key in ("apiVersion", "kind"))
        specs = (*place, "spec"), (*place, "spec", "template", "spec")
        for spec in specs if version.startswith("argoproj.io/") and kind in ("Application", "ApplicationSet") else ():
            indexes = _indexes(look_up(root, (*spec, "sources")))
            for path in ((*spec, "source", "helm"), *((*spec, "sources", index, "helm") for index in indexes)):
                helm = look_up(root, path)
                if isinstance(helm, MappingNode):
                    yield path, helm


def _indexes(node: Resolved | None) -> range:
    return range(len(node.items) if isinstance(node, SequenceNode) else 0)


def _is_parameter_list(items: SequenceNode) -> bool:
    """Whether a list holds names and values. Variables whose value comes from elsewhere may stand among them."""
    return any(isinstance(item, MappingNode) and "name" in item.keys and "value" in item.keys for item in items.items)


def _values_beside(mapping: MappingNode) -> tuple[tuple[str, MappingNode], ...]:
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


def _pins_of_parameters(items: SequenceNode, around: Surroundings, below: Lower) -> Iterator[Pin]:
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
        inside = Surroundings(around.text, parent_name=parent, scope=scope, duplicate=around.duplicate)
        for pin in pins_of_keys(Place(keys, inside)):
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


def _is_kustomize_image(item: MappingNode, around: Surroundings) -> bool:
    """Whether a mapping is an item of a list of images of Kustomize's by its keys."""
    is_item = around.way is not None and isinstance(around.way[1], int)
    if not is_item or around.parent_name != "images" or "name" not in item.keys:
        return False
    return "newName" in item.keys or "newTag" in item.keys or item.keys.keys() == {"name", "digest"}


def _pins_of_kustomize_image(place: Place) -> Iterator[Pin]:
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
