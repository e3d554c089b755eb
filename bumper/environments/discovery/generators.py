"""The parameter sets of an ApplicationSet's generators, as far as the repository's files decide them. Pure.

How the git generator names and reads them is documented under "Git Generator" in Argo CD's operator manual.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from bumper.environments.discovery.template_text import NotEvaluated, as_text, normalized, render, render_all
from bumper.values.yaml_data import to_data
from bumper.values.yaml_tree import YamlError, parse_documents

_PAIR = 2  # generators of a matrix
# What these yield is known to Argo CD alone: its clusters, and what other servers answer.
_OUTSIDE = ("clusters", "scmProvider", "pullRequest", "clusterDecisionResource", "plugin")


@dataclass(frozen=True, slots=True)
class Tree:
    """The repository's files, and the bytes of those that are YAML or JSON."""

    paths: Mapping[str, None]
    sources: Mapping[str, bytes]

    def folders(self) -> list[str]:
        """Every folder but those whose name, or that of a folder above, starts with a dot; Argo CD leaves these out."""
        found: dict[str, None] = {}
        for path in self.paths:
            folder = path.rpartition("/")[0]
            while folder and folder not in found:
                found[folder] = None
                folder = folder.rpartition("/")[0]
        return sorted(folder for folder in found if not any(part.startswith(".") for part in folder.split("/")))


def _git_parameters(generator: Mapping[str, Any], tree: Tree, *, go: bool) -> Iterator[dict[str, object]]:
    """The parameter sets of a git generator."""
    prefix = str(generator.get("pathParamPrefix") or "")
    found: list[tuple[dict[str, object], str, str | None]]
    if generator.get("directories"):
        found = [({}, folder, None) for folder in _chosen(generator["directories"], tree.folders(), _folder_matches)]
    else:
        files = sorted(_chosen(generator.get("files") or (), tree.paths, _file_matches))
        found = [(content, *_split(path)) for path in files for content in _contents(path, tree)]
    for content, folder, name in found:
        parameters = _with_path(content if go else _flatten(content), folder, name, prefix=prefix, go=go)
        yield _with_values(parameters, generator.get("values") or {}, go=go)


def _chosen(items: Any, names: Any, matches: Any) -> list[str]:  # noqa: ANN401 - YAML
    """What an entry matches and no ``exclude`` does; the order of the entries does not count."""
    wanted = [str(item.get("path", "")) for item in items if not item.get("exclude")]
    unwanted = [str(item.get("path", "")) for item in items if item.get("exclude")]
    return [
        name
        for name in names
        if any(matches(name, pattern) for pattern in wanted) and not any(matches(name, other) for other in unwanted)
    ]


def _folder_matches(folder: str, pattern: str) -> bool:
    """Go's ``path.Match``: no wildcard crosses a slash."""
    parts, wanted = folder.split("/"), pattern.strip("/").replace("[^", "[!").split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def _file_matches(path: str, pattern: str) -> bool:
    """A pathspec of git's, which Argo CD hands to ``git ls-files``: a star crosses slashes."""
    return fnmatchcase(path, pattern.lstrip("/"))


def _split(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder or ".", name


def _contents(path: str, tree: Tree) -> list[dict[str, object]]:
    """The mappings in a file: one, or a list of several."""
    try:
        documents = parse_documents(tree.sources[path].decode("utf-8-sig"))
        data = to_data(documents[0].root) if documents else {}
    except (KeyError, UnicodeDecodeError, YamlError):
        return []
    items = data if isinstance(data, list) else [data or {}]
    return [item for item in items if isinstance(item, dict)]


def _flatten(data: object, prefix: str = "") -> dict[str, object]:
    """Nested data as texts by dotted names, as fasttemplate and label selectors know them."""
    match data:
        case dict():
            pairs = list(data.items())
        case list():
            pairs = list(enumerate(data))
        case _:
            return {prefix: as_text(data)}
    flat: dict[str, object] = {}
    for key, value in pairs:
        flat |= _flatten(value, f"{prefix}.{key}" if prefix else str(key))
    return flat


def _with_path(
    content: Mapping[str, object], folder: str, name: str | None, *, prefix: str, go: bool
) -> dict[str, object]:  # fmt: skip
    base = folder.rpartition("/")[2]
    about: dict[str, object] = {"basename": base, "basenameNormalized": normalized(base)}
    if name is not None:
        about |= {"filename": name, "filenameNormalized": normalized(name)}
    segments = folder.split("/")
    if go:
        path = {"path": {"path": folder, **about, "segments": segments}}
        return {**content, prefix: path} if prefix else {**content, **path}
    key = f"{prefix}.path" if prefix else "path"
    named = {f"{key}.{part}": value for part, value in about.items()}
    return {**content, key: folder, **named, **{f"{key}[{n}]": part for n, part in enumerate(segments)}}


def _with_values(parameters: dict[str, object], values: Mapping[str, object], *, go: bool) -> dict[str, object]:
    """The generator's own ``values``, which may use its other parameters."""
    rendered: dict[str, object] = {}
    for key, text in values.items():
        try:
            rendered[key] = render(str(text), parameters, go=go)
        except NotEvaluated:
            continue  # whoever uses it is named then
    if not rendered:
        return parameters
    return parameters | ({"values": rendered} if go else {f"values.{key}": text for key, text in rendered.items()})


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
        made = Generated(tuple(_git_parameters(generator["git"], tree, go=go)))
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
    return Generated(tuple(one for one in made.parameters if _selects(selector, _flatten(one))))


def _list(generator: Mapping[str, Any], *, go: bool) -> Iterator[dict[str, object]]:
    elements = list(generator.get("elements") or ())
    try:
        documents = parse_documents(str(generator.get("elementsYaml") or ""))
        more = to_data(documents[0].root) if documents else []
    except YamlError:
        more = []
    for element in (*elements, *(more if isinstance(more, list) else ())):
        if isinstance(element, dict):
            yield dict(element) if go else _flatten(element)


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
