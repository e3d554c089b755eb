"""Argo CD's Applications and ApplicationSets among a repository's YAML files. Pure: bytes in, manifests out."""

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from bumper.environments.path_pattern import PathPattern
from bumper.values.siblings import look_up
from bumper.values.yaml_data import to_data
from bumper.values.yaml_tree import (
    MappingNode,
    Node,
    Resolved,
    Scalar,
    SequenceNode,
    YamlError,
    parse_documents,
    resolve,
)

_PLACEHOLDER = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
# A git generator's whole path, which may be several folders deep.
_WHOLE_PATH = frozenset({"path", ".path", ".path.path"})
REFERENCE = re.compile(r"\$[^/]+/")  # to another source of the same application
_MAX_STARS = 6  # more of them in one path take too long to match
_MARK = b"argoproj.io/"
_KINDS = ("Application", "ApplicationSet")
# JSON is what git generators often read, and the ending that helmfile's values have.
_DATA_FILE = re.compile(r".*\.(?:ya?ml|json)(?:\.gotmpl)?", re.DOTALL)


def _as_glob(text: str) -> str:
    """``text`` with every generator's placeholder as ``*``, and as ``**`` where it alone stands for a path."""
    return "/".join(_glob_part(part) for part in _split(text))


def value_file_globs(folder: str, names: Iterable[str]) -> tuple[str, ...]:
    """``helm.valueFiles`` of a source at ``folder``; addresses and files outside the repository are left out."""
    globs = (_value_file(folder, name) for name in names if "://" not in name)
    return tuple(glob for glob in globs if glob is not None and glob.count("*") <= _MAX_STARS)


def matching(glob: str, paths: Collection[str]) -> list[str]:
    """The ``paths`` that ``glob`` means, in their order."""
    if not any(sign in glob for sign in "*?["):  # by far the most: a manifest for one application
        return [glob] if glob in paths else []
    expression = PathPattern(glob).expression
    return [path for path in paths if expression.fullmatch(path)]


def _value_file(folder: str, name: str) -> str | None:
    reference = REFERENCE.match(name)
    relative = reference is None and not name.startswith("/")
    whole = f"{folder}/{name}" if relative else name[reference.end() if reference is not None else 1 :]
    path = posixpath.normpath(_as_glob(whole).lstrip("/"))
    return None if path in ("", ".", "..") or path.startswith("../") else path


def _split(text: str) -> list[str]:
    """The parts between slashes; a slash in a placeholder divides nothing."""
    return _PLACEHOLDER.sub(lambda found: found[0].replace("/", ""), text).split("/")


def _glob_part(part: str) -> str:
    whole = _PLACEHOLDER.fullmatch(part)
    if part == "**" or (whole is not None and whole[1] in _WHOLE_PATH):
        return "**"
    # A lone brace would be read as the start of {app}.
    return re.sub(r"\*{2,}", "*", _PLACEHOLDER.sub("*", part)).replace("{", "?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One of ``helm.parameters``: ``--set name=value``."""

    name: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Inline:
    """Values that stand in the manifest itself; ``line`` is where they begin."""

    data: Mapping[str, object] = field(hash=False)
    line: int


@dataclass(frozen=True, slots=True)
class Source:
    """What an application is made from.

    ``value_files`` are globs from the repository's root, in Helm's order; they take the place of ``helm.valueFiles``,
    which are relative to ``path`` or to a ``$ref``.
    """

    path: str | None
    value_files: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    values_object: Inline | None = None
    values: Inline | None = None

    @property
    def overrides(self) -> bool:
        """Whether anything stands in the manifest that Helm puts above the values files."""
        return bool(self.parameters) or self.values_object is not None or self.values is not None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One Application or ApplicationSet (``kind``); ``application`` is the glob of its applications' names.

    ``spec`` is what it says as plain data, empty where that cannot be read as such.
    """

    file: str
    line: int
    kind: str
    name: str
    application: str
    sources: tuple[Source, ...]
    spec: Mapping[str, object] = field(default_factory=dict, hash=False, repr=False)


def is_data(path: str) -> bool:
    """Whether ``path`` is worth reading for manifests, values, and what generators read: a YAML or a JSON file."""
    return _DATA_FILE.fullmatch(path) is not None


def read_manifests(files: Mapping[str, bytes]) -> tuple[Manifest, ...]:
    """The manifests in ``files`` (bytes by path), by path and line.

    What cannot be read (Go templates, broken YAML, another encoding) is passed over: it is not Argo CD's to read as
    it stands there.
    """
    named = sorted(path for path, source in files.items() if _MARK in source)
    return tuple(manifest for path in named for manifest in _manifests_in(path, files[path]))


def _manifests_in(file: str, source: bytes) -> Iterator[Manifest]:
    try:
        documents = parse_documents(source.decode("utf-8-sig"))
    except (UnicodeDecodeError, YamlError):
        return
    for document in documents:
        root = document.root
        kind, group = _text(root, "kind"), _text(root, "apiVersion") or ""
        if kind in _KINDS and group.startswith(_MARK.decode()):
            spec = ("spec",) if kind == "Application" else ("spec", "template", "spec")
            name = _text(root, "metadata", "name") or "(without a name)"
            generated = name if kind == "Application" else _text(root, "spec", "template", "metadata", "name") or name
            sources = tuple(_sources(root, spec))
            yield Manifest(file, root.line, kind, name, _as_glob(generated), sources, _spec(root))


def read_source_file(file: str, source: bytes) -> Source | None:
    """What Argo CD reads above an application's source from a file of its own beside it, ``.argocd-source*.yaml``."""
    try:
        documents = parse_documents(source.decode("utf-8-sig"))
    except (UnicodeDecodeError, YamlError):
        return None
    root = resolve(documents[0].root) if documents else None
    found = _source(root) if isinstance(root, MappingNode) else None
    return replace(found, path=file.rpartition("/")[0]) if found is not None else None


def _spec(root: Node) -> Mapping[str, object]:
    node = look_up(root, ("spec",))
    try:
        data = to_data(node) if node is not None else None
    except YamlError:
        return {}
    return data if isinstance(data, dict) else {}


def _sources(root: Node, spec: tuple[str, ...]) -> Iterator[Source]:
    """Argo CD takes ``sources`` where both are written; an ApplicationSet may hold either."""
    several = look_up(root, (*spec, "sources"))
    nodes = map(resolve, several.items) if isinstance(several, SequenceNode) else [look_up(root, (*spec, "source"))]
    yield from (_source(node) for node in nodes if isinstance(node, MappingNode))


def _source(node: MappingNode) -> Source:
    path = _text(node, "path")
    listed = look_up(node, ("helm", "valueFiles"))
    items = [resolve(item) for item in listed.items] if isinstance(listed, SequenceNode) else []
    names = [item.value for item in items if isinstance(item, Scalar)]
    return Source(
        path=_as_glob(path) if path is not None else None,
        value_files=value_file_globs(path or "", names),
        parameters=tuple(_parameters(look_up(node, ("helm", "parameters")))),
        values_object=_inline(look_up(node, ("helm", "valuesObject"))),
        values=_inline_text(look_up(node, ("helm", "values"))),
    )


def _parameters(listed: Resolved | None) -> Iterator[Parameter]:
    for item in listed.items if isinstance(listed, SequenceNode) else ():
        name = _text(item, "name")
        if name is not None:
            yield Parameter(name, _text(item, "value") or "", item.line)


def _inline(node: Resolved | None) -> Inline | None:
    try:
        data = to_data(node) if node is not None else None
    except YamlError:
        return None
    return Inline(data, node.line) if node is not None and isinstance(data, dict) else None


def _inline_text(node: Resolved | None) -> Inline | None:
    """``helm.values`` is YAML in a text."""
    if not isinstance(node, Scalar):
        return None
    try:
        documents = parse_documents(node.value)
    except YamlError:
        return None
    inner = _inline(resolve(documents[0].root)) if documents else None
    return Inline(inner.data, node.line) if inner is not None else None


def _text(node: Node, *path: str) -> str | None:
    found = look_up(node, path)
    return found.value if isinstance(found, Scalar) else None
