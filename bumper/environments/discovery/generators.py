"""The parameter sets of an ApplicationSet's generators, as far as the repository's files decide them. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bumper.environments.discovery.git_generator import Tree, flatten, git_parameters
from bumper.environments.discovery.template_text import as_text, render_all
from bumper.values.yaml_data import to_data
from bumper.values.yaml_tree import YamlError, parse_documents

_PAIR = 2  # generators of a matrix
# What these yield is known to Argo CD alone: its clusters, and what other servers answer.
_OUTSIDE = ("clusters", "scmProvider", "pullRequest", "clusterDecisionResource", "plugin")


@dataclass(frozen=True, slots=True)
class Generated:
    """The parameter sets of one generator; ``outside`` names the generators in it whose parameters are not known."""

    parameters: tuple[dict[str, object], ...]
    outside: tuple[str, ...] = ()


def generate(generator: Mapping[str, Any], tree: Tree, *, go: bool) -> Generated:
    """The parameter sets of ``generator``.

    One whose parameters come from outside the repository yields a single empty set: what does not depend on it can
    still be rendered, and what does is named.
    """
    if isinstance(generator.get("list"), dict):
        made = Generated(tuple(_list(generator["list"], go=go)))
    elif isinstance(generator.get("git"), dict):
        made = Generated(tuple(git_parameters(generator["git"], tree, go=go)))
    elif isinstance(generator.get("matrix"), dict):
        made = _matrix(generator["matrix"], tree, go=go)
    elif isinstance(generator.get("merge"), dict):
        made = _merge(generator["merge"], tree, go=go)
    else:
        names = [name for name in generator if name in _OUTSIDE] or ["unknown"]
        return Generated(({},), tuple(names))
    selector = generator.get("selector")
    if not isinstance(selector, dict) or made.outside:
        return made
    return Generated(tuple(one for one in made.parameters if _selects(selector, flatten(one))))


def _list(generator: Mapping[str, Any], *, go: bool) -> Iterator[dict[str, object]]:
    elements = list(generator.get("elements") or ())
    try:
        documents = parse_documents(str(generator.get("elementsYaml") or ""))
        more = to_data(documents[0].root) if documents else []
    except YamlError:
        more = []
    for element in (*elements, *(more if isinstance(more, list) else ())):
        if isinstance(element, dict):
            yield dict(element) if go else flatten(element)


def _matrix(generator: Mapping[str, Any], tree: Tree, *, go: bool) -> Generated:
    """Every combination of two generators' sets; the second one may use the first one's parameters."""
    pair = [one for one in generator.get("generators") or () if isinstance(one, dict)]
    if len(pair) != _PAIR:
        return Generated((), ("matrix of other than two generators",))
    first = generate(pair[0], tree, go=go)
    combined: list[dict[str, object]] = []
    outside = dict.fromkeys(first.outside)
    for one in first.parameters:
        rendered = render_all(pair[1], one, go=go)
        second = generate(rendered if isinstance(rendered, dict) else {}, tree, go=go)
        outside |= dict.fromkeys(second.outside)
        for other in second.parameters:
            clash = sorted(key for key in one.keys() & other.keys() if one[key] != other[key])
            if clash and not go:  # Argo CD makes no application then
                return Generated((), (f"matrix of two generators that both set {clash[0]}",))
            combined.append(_deep_merge(other, one))
    return Generated(tuple(combined), tuple(outside))


def _merge(generator: Mapping[str, Any], tree: Tree, *, go: bool) -> Generated:
    """The first generator's sets, each overridden by later ones' sets of the same merge keys; others are dropped."""
    keys = [str(key) for key in generator.get("mergeKeys") or ()]
    parts = [generate(one, tree, go=go) for one in generator.get("generators") or () if isinstance(one, dict)]
    outside = tuple(dict.fromkeys(name for part in parts for name in part.outside))
    if not parts or not keys:
        return Generated((), ("merge without generators or keys",))
    merged = {_values_of(one, keys): one for one in parts[0].parameters}
    for part in parts[1:]:
        for one in part.parameters:
            values = _values_of(one, keys)
            if values in merged:
                merged[values] = _deep_merge(merged[values], one)
    return Generated(tuple(merged.values()), outside)


def _values_of(parameters: Mapping[str, object], keys: list[str]) -> tuple[str, ...]:
    return tuple(as_text(parameters.get(key)) for key in keys)


def _deep_merge(lower: Mapping[str, object], upper: Mapping[str, object]) -> dict[str, object]:
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        merged[key] = _deep_merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def merge_templates(template: Mapping[str, object], own: object) -> dict[str, object]:
    """The ApplicationSet's template under a generator's own one."""
    return _deep_merge(template, own) if isinstance(own, dict) else dict(template)


def _selects(selector: Mapping[str, Any], labels: Mapping[str, object]) -> bool:
    """Whether a label selector of Kubernetes's matches the flattened parameters."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(str(key)) != str(value) for key, value in wanted.items()):
        return False
    return all(_meets(one, labels) for one in selector.get("matchExpressions") or () if isinstance(one, dict))


def _meets(expression: Mapping[str, Any], labels: Mapping[str, object]) -> bool:
    key, operator = str(expression.get("key")), expression.get("operator")
    values = [str(value) for value in expression.get("values") or ()]
    match operator:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels
