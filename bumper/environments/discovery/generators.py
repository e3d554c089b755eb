"""The parameter sets of an ApplicationSet's generators, as far as the repository's files decide them. Pure.

How the git generator names and reads them is documented under "Git Generator" in Argo CD's operator manual.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from bumper.environments.discovery.template_text import NotEvaluated, Parameters, as_text, normalized, render
from bumper.environments.discovery.tree import Tree
from bumper.values.yaml_data import to_data
from bumper.values.yaml_tree import YamlError, parse_documents

_PAIR = 2  # generators of a matrix
_MAX_COMBINATIONS = 20_000  # of one matrix: that of two large lists is somebody's mistake
# What these yield is known to Argo CD alone: its clusters, and what other servers answer.
_OUTSIDE = ("clusters", "scmProvider", "pullRequest", "clusterDecisionResource", "plugin")


@dataclass(slots=True)
class Generators:
    """The generators of one ApplicationSet over the files of ``tree``; ``go`` says that its templates are Go's.

    ``outside`` collects the names of generators whose parameters are not known.
    """

    tree: Tree
    go: bool
    outside: list[str] = field(default_factory=list)

    def generate(self, generator: Mapping[str, Any]) -> list[dict[str, object]]:
        """The parameter sets of ``generator``.

        One whose parameters come from outside the repository yields a single empty set: what does not depend on it can
        still be rendered, and what does is named.
        """
        known = {"list": self._list, "git": self._git, "matrix": self._matrix, "merge": self._merge}
        kind = next((name for name in known if isinstance(generator.get(name), dict)), None)
        if kind is None:
            self.outside += [name for name in generator if name in _OUTSIDE] or ["unknown"]
            return [{}]
        before = len(self.outside)
        made = list(known[kind](generator[kind]))
        selector = generator.get("selector")
        if not isinstance(selector, dict) or len(self.outside) > before:
            return made
        return [parameters for parameters in made if _selects(selector, _flatten(parameters))]

    def _list(self, generator: Mapping[str, Any]) -> Iterator[dict[str, object]]:
        try:
            more = read_data(str(generator.get("elementsYaml") or ""))
        except YamlError:
            more = None
        for element in mappings(generator.get("elements")) + mappings(more):
            yield element if self.go else _flatten(element)

    def _git(self, generator: Mapping[str, Any]) -> Iterator[dict[str, object]]:
        prefix = str(generator.get("pathParamPrefix") or "")
        found: Iterable[tuple[Parameters, str, str]]
        if generator.get("directories"):
            found = [({}, folder, "") for folder in _chosen(generator["directories"], self.tree.folders(), _in_folder)]
        else:
            files = sorted(_chosen(generator.get("files"), self.tree.paths, _in_git))
            splits = [(path, *path.rpartition("/")[::2]) for path in files]
            found = [
                (content, folder or ".", name) for path, folder, name in splits for content in self._contents(path)
            ]
        for content, folder, name in found:
            parameters = self._with_path(content if self.go else _flatten(content), folder, name, prefix)
            yield parameters | self._own_values(mapping(generator.get("values")), parameters)

    def _contents(self, path: str) -> list[dict[str, object]]:
        """The mappings in a file: one, or a list of several."""
        try:
            data = read_data(self.tree.sources[path].decode("utf-8-sig"))
        except (KeyError, UnicodeDecodeError, YamlError):
            return []
        return mappings(data if isinstance(data, list) else [data or {}])

    def _with_path(self, content: Parameters, folder: str, name: str, prefix: str) -> dict[str, object]:
        base = folder.rpartition("/")[2]
        about: dict[str, object] = {"basename": base, "basenameNormalized": normalized(base)}
        if name:
            about |= {"filename": name, "filenameNormalized": normalized(name)}
        segments = folder.split("/")
        if self.go:
            path = {"path": {"path": folder, **about, "segments": segments}}
            return {**content, prefix: path} if prefix else {**content, **path}
        key = f"{prefix}.path" if prefix else "path"
        named = {f"{key}.{part}": value for part, value in about.items()}
        return {**content, key: folder, **named, **{f"{key}[{n}]": part for n, part in enumerate(segments)}}

    def _own_values(self, values: Parameters, parameters: Parameters) -> dict[str, object]:
        """The generator's own ``values``, which may use its other parameters."""
        rendered: dict[str, object] = {}
        for key, text in values.items():
            try:
                rendered[key if self.go else f"values.{key}"] = render(str(text), parameters, go=self.go)
            except NotEvaluated:
                continue  # whoever uses it is named then
        return {"values": rendered} if self.go and rendered else rendered

    def _matrix(self, generator: Mapping[str, Any]) -> list[dict[str, object]]:
        """Every combination of two generators' sets; the second one may use the first one's parameters."""
        pair = mappings(generator.get("generators"))
        if len(pair) != _PAIR:
            self.outside.append("matrix of other than two generators")
            return []
        combined: list[dict[str, object]] = []
        for one in self.generate(pair[0]):
            second = {key: self._render_all(value, one) for key, value in pair[1].items()}
            for other in self.generate(second):
                clash = sorted(key for key in one.keys() & other.keys() if one[key] != other[key])
                if clash and not self.go:  # Argo CD makes no application then
                    self.outside.append(f"matrix of two generators that both set {clash[0]}")
                    return []
                combined.append(merge_deeply(other, one))
            if len(combined) > _MAX_COMBINATIONS:
                self.outside.append(f"matrix of more than {_MAX_COMBINATIONS} combinations")
                return []
        return combined

    def _render_all(self, data: object, parameters: Parameters) -> object:
        """Every text in ``data`` rendered; one that cannot be is left, as Argo CD does between two generators."""
        match data:
            case str():
                try:
                    return render(data, parameters, go=self.go)
                except NotEvaluated:
                    return data
            case list():
                return [self._render_all(item, parameters) for item in data]
            case dict():
                return {key: self._render_all(value, parameters) for key, value in data.items()}
            case _:
                return data

    def _merge(self, generator: Mapping[str, Any]) -> list[dict[str, object]]:
        """The first generator's sets, overridden by later ones' sets of the same merge keys; others are dropped."""
        keys = list(map(str, items(generator.get("mergeKeys"))))
        parts = mappings(generator.get("generators"))
        if not parts or not keys:
            self.outside.append("merge without generators or keys")
            return []
        merged: dict[tuple[str, ...], dict[str, object]] = {}
        for number, part in enumerate(parts):
            for one in self.generate(part):
                values = tuple(as_text(one.get(key)) for key in keys)
                if number == 0:
                    merged[values] = one
                elif values in merged:
                    merged[values] = merge_deeply(merged[values], one)
        return list(merged.values())


def read_data(text: str) -> object:
    """The first YAML document of ``text`` as plain data, None where there is none.

    Raises:
        YamlError: it is not YAML, or more than plain data.

    """
    documents = parse_documents(text)
    return to_data(documents[0].root) if documents else None


def items(data: object) -> list[Any]:
    """The items of ``data``, none where it is no list."""
    return data if isinstance(data, list) else []


def mappings(data: object) -> list[dict[str, Any]]:
    """The mappings among the items of ``data``."""
    return [item for item in items(data) if isinstance(item, dict)]


def mapping(data: object) -> dict[str, Any]:
    """``data``, or nothing where it is no mapping."""
    return data if isinstance(data, dict) else {}


def _chosen(entries: object, names: Iterable[str], matches: Callable[[str, str], bool]) -> list[str]:
    """What an entry matches and no ``exclude`` does; the order of the entries does not count."""
    wanted = [str(entry.get("path", "")) for entry in mappings(entries) if not entry.get("exclude")]
    unwanted = [str(entry.get("path", "")) for entry in mappings(entries) if entry.get("exclude")]
    return [
        name
        for name in names
        if any(matches(name, pattern) for pattern in wanted) and not any(matches(name, other) for other in unwanted)
    ]


def _in_folder(folder: str, pattern: str) -> bool:
    """Go's ``path.Match``: no wildcard crosses a slash."""
    parts, wanted = folder.split("/"), pattern.strip("/").replace("[^", "[!").split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def _in_git(path: str, pattern: str) -> bool:
    """A pathspec of git's, which Argo CD hands to ``git ls-files``: a star crosses slashes."""
    return fnmatchcase(path, pattern.lstrip("/"))


def _flatten(data: object, prefix: str = "") -> dict[str, object]:
    """Nested data as texts by dotted names, as fasttemplate and label selectors know them."""
    if not isinstance(data, (dict, list)):
        return {prefix: as_text(data)}
    flat: dict[str, object] = {}
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        flat |= _flatten(value, f"{prefix}.{key}" if prefix else str(key))
    return flat


def merge_deeply(lower: Parameters, upper: Parameters) -> dict[str, object]:
    """``lower`` with what ``upper`` sets, mapping by mapping."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        merged[key] = merge_deeply(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _selects(selector: Mapping[str, Any], labels: Parameters) -> bool:
    """Whether a label selector of Kubernetes's matches the flattened parameters."""
    wanted = mapping(selector.get("matchLabels")).items()
    expressions = [{"key": key, "operator": "In", "values": [value]} for key, value in wanted]
    return all(_meets(expression, labels) for expression in expressions + mappings(selector.get("matchExpressions")))


def _meets(expression: Mapping[str, Any], labels: Parameters) -> bool:
    key = str(expression.get("key"))
    values = list(map(str, items(expression.get("values"))))
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels
