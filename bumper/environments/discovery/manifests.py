"""Argo CD's Applications and ApplicationSets in a repository, and the applications that they make. Pure."""

import json
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bumper.environments.discovery.generators import Generators, items, mapping, mappings, merge_deeply, read_data
from bumper.environments.discovery.template_text import NotEvaluated, Parameters, render
from bumper.environments.discovery.tree import Tree
from bumper.environments.path_pattern import PathPattern
from bumper.environments.usual_names import CHART_VALUES
from bumper.values.pin_search import parse_parameter_name
from bumper.values.yaml_data import look_up, to_data
from bumper.values.yaml_tree import (
    Document,
    MappingNode,
    Node,
    Scalar,
    SequenceNode,
    YamlError,
    parse_documents,
)

_PLACEHOLDER = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
# A git generator's whole path, which may be several folders deep.
_WHOLE_PATH = frozenset({"path", ".path", ".path.path"})
_REFERENCE = re.compile(r"\$[^/]+/")  # to another source of the same application
_MAX_STARS = 6  # more of them in one path take too long to match
_MARK = b"argoproj.io/"


@dataclass(frozen=True, slots=True)
class Inline:
    """Values in a manifest, which Helm puts above the values files; ``how`` is the key of Argo CD's that holds them."""

    line: int
    how: str
    data: object = field(hash=False)


@dataclass(frozen=True, slots=True)
class Source:
    """What an application is made from.

    ``files`` are globs of its values files from the repository's root, in Helm's order: those of the chart's own, then
    ``helm.valueFiles``.
    """

    files: tuple[str, ...]
    inline: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One Application or ApplicationSet (``kind``).

    ``spec`` is what it says as plain data, empty where that cannot be read as such.
    """

    file: str
    line: int
    kind: str
    name: str
    sources: tuple[Source, ...]
    spec: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)


@dataclass(frozen=True, slots=True)
class Application:
    """An application of Argo CD's.

    ``files`` are the values files of this repository that it reads, in Helm's order, the chart's own first.
    """

    name: str | None  # None where it depends on what only Argo CD knows
    manifest: Manifest
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expanded:
    """The applications of all manifests, and a sentence for everything that could not be evaluated."""

    applications: tuple[Application, ...]
    unknown: tuple[str, ...]


def read_manifests(files: Mapping[str, bytes]) -> tuple[Manifest, ...]:
    """The manifests in ``files`` (bytes by path), by path and line.

    What cannot be read (Go templates, broken YAML, another encoding) is passed over: it is not Argo CD's to read as
    it stands there.
    """
    named = sorted(path for path, source in files.items() if _MARK in source)
    return tuple(manifest for path in named for manifest in _manifests_in(path, files[path]))


def read_source_file(source: bytes) -> tuple[Inline, ...]:
    """What Argo CD puts above an application's source from a file of its own beside it, ``.argocd-source*.yaml``."""
    documents = _documents(source)
    return tuple(_inline(documents[0].root)) if documents else ()


def _documents(source: bytes) -> tuple[Document, ...]:
    try:
        return parse_documents(source.decode("utf-8-sig"))
    except (UnicodeDecodeError, YamlError):
        return ()


def _manifests_in(file: str, source: bytes) -> Iterator[Manifest]:
    templates = {"Application": ("spec",), "ApplicationSet": ("spec", "template", "spec")}
    for root in (document.root for document in _documents(source)):
        kind, group = _text(root, "kind"), _text(root, "apiVersion") or ""
        if kind in templates and group.startswith(_MARK.decode()):
            single = look_up(root, (*templates[kind], "source"))
            # Argo CD takes ``sources`` where both are written.
            nodes = _items(root, *templates[kind], "sources") or ([single] if single is not None else [])
            sources = tuple(Source(_globs(node), tuple(_inline(node))) for node in nodes)
            name = _text(root, "metadata", "name") or "(without a name)"
            yield Manifest(file, root.line, kind, name, sources, _spec(root))


def _globs(source: Node) -> tuple[str, ...]:
    """The values files of a source; addresses and files outside the repository are left out."""
    folder = _text(source, "path")
    names = [*CHART_VALUES] if folder is not None else []
    names += (name for item in _items(source, "helm", "valueFiles") if (name := _text(item)) is not None)
    globs = [_value_file(_as_glob(folder or ""), _as_glob(name)) for name in names if "://" not in name]
    inside = (glob for glob in globs if glob not in ("", ".", "..") and not glob.startswith("../"))
    return tuple(glob for glob in inside if glob.count("*") <= _MAX_STARS)


def _inline(node: Node) -> Iterator[Inline]:
    for item in _items(node, "helm", "parameters"):
        path = parse_parameter_name(_text(item, "name") or "")
        data: object = _text(item, "value") or ""
        for step in reversed(path):
            data = {step: data}
        if path:
            yield Inline(item.line, "helm.parameters", data)
    values_object, values = look_up(node, ("helm", "valuesObject")), look_up(node, ("helm", "values"))
    with suppress(YamlError):
        if isinstance(values_object, MappingNode):
            yield Inline(values_object.line, "helm.valuesObject", to_data(values_object))
    with suppress(YamlError):
        if isinstance(values, Scalar) and isinstance(data := read_data(values.value), dict):
            yield Inline(values.line, "helm.values", data)


def _spec(root: Node) -> Mapping[str, Any]:
    node = look_up(root, ("spec",))
    with suppress(YamlError):
        if node is not None and isinstance(data := to_data(node), dict):
            return data
    return {}


def _items(node: Node, *path: str) -> list[Node]:
    found = look_up(node, path)
    return list(found.items) if isinstance(found, SequenceNode) else []


def _text(node: Node, *path: str) -> str | None:
    found = look_up(node, path)
    return found.value if isinstance(found, Scalar) else None


def matching(glob: str, paths: Collection[str]) -> list[str]:
    """The ``paths`` that ``glob`` means, in their order."""
    if not any(sign in glob for sign in "*?["):  # by far the most: a manifest for one application
        return [glob] if glob in paths else []
    expression = PathPattern(glob).expression
    return [path for path in paths if expression.fullmatch(path)]


def _value_file(folder: str, name: str) -> str:
    """The path from the repository's root: ``valueFiles`` are relative to the source's folder or to a ``$ref``."""
    reference = _REFERENCE.match(name)
    if reference is not None:
        folder, name = "", name[reference.end() :]
    return posixpath.normpath((name if name.startswith("/") else f"{folder}/{name}").lstrip("/"))


def _as_glob(text: str) -> str:
    """``text`` with every generator's placeholder as ``*``, and as ``**`` where it alone stands for a path."""
    parts = _PLACEHOLDER.sub(lambda found: found[0].replace("/", ""), text).split("/")  # one in it divides nothing
    return "/".join(map(_glob_part, parts))


def _glob_part(part: str) -> str:
    whole = _PLACEHOLDER.fullmatch(part)
    if part == "**" or (whole is not None and whole[1] in _WHOLE_PATH):
        return "**"
    # A lone brace would be read as the start of {app}.
    return re.sub(r"\*{2,}", "*", _PLACEHOLDER.sub("*", part)).replace("{", "?")


def expand(manifests: Iterable[Manifest], tree: Tree) -> Expanded:
    """Every Application, and those that every ApplicationSet generates from ``tree``."""
    applications: list[Application] = []
    unknown: list[str] = []
    for manifest in manifests:
        reader = _Reader(manifest, tree)
        applications += reader.applications()
        unknown += reader.unknown
    return Expanded(tuple(applications), tuple(dict.fromkeys(unknown)))


class _Reader:
    """One manifest's applications; what cannot be evaluated is collected in ``unknown``.

    Of what depends on a generator that Argo CD alone can evaluate, the generator is named and nothing else.
    """

    def __init__(self, manifest: Manifest, tree: Tree) -> None:
        self._manifest = manifest
        self._tree = tree
        self._go = manifest.spec.get("goTemplate") is True
        self._is_named = False  # such a generator, for the applications that are being made
        self.unknown: list[str] = []

    def applications(self) -> Iterator[Application]:
        spec = self._manifest.spec
        if self._manifest.kind == "Application":
            # A placeholder says that a Helm chart makes this manifest, not Argo CD.
            if "{{" not in json.dumps([spec.get("source"), spec.get("sources")]):
                yield Application(self._manifest.name, self._manifest, self._files(spec, None))
            return
        if isinstance(spec.get("templatePatch"), str) and "valueFiles" in spec["templatePatch"]:
            self._note("sets valueFiles in its templatePatch, which bumper does not evaluate")
        for generator in mappings(spec.get("generators")):
            own = next((one.get("template") for one in generator.values() if isinstance(one, dict)), None)
            yield from self._generated(generator, merge_deeply(mapping(spec.get("template")), mapping(own)))

    def _generated(self, generator: Mapping[str, Any], template: Mapping[str, Any]) -> Iterator[Application]:
        generators = Generators(self._tree, self._go)
        made = generators.generate(generator)
        self._is_named = False
        if generators.outside:
            what = ", ".join(dict.fromkeys(generators.outside))
            self._note(f"uses a generator that bumper cannot evaluate ({what}); what depends on it is left out")
            self._is_named = True
        elif not made:
            self._note("has a generator that finds nothing in this repository")
        for parameters in made:
            try:
                name = render(str(mapping(template.get("metadata")).get("name", "")), parameters, go=self._go)
            except NotEvaluated as error:
                name = None
                self._note(f"names its applications by {error}, which bumper cannot evaluate")
            yield Application(name, self._manifest, self._files(mapping(template.get("spec")), parameters))

    def _note(self, what: str) -> None:
        manifest = self._manifest
        if not self._is_named:
            self.unknown.append(f"{manifest.file}:{manifest.line}: {manifest.kind} {manifest.name} {what}")

    def _files(self, spec: Mapping[str, Any], parameters: Parameters | None) -> tuple[str, ...]:
        """The values files of all sources in Helm's order: the chart's own values.yaml, then ``valueFiles``."""
        paths = self._tree.paths
        files: dict[str, None] = {}
        for source in mappings(spec.get("sources")) or mappings([spec.get("source")]):
            folder = self._text(source.get("path"), parameters)
            helm = source.get("helm")
            if folder is not None and (isinstance(helm, dict) or _value_file(folder, "Chart.yaml") in paths):
                own = (_value_file(folder, name) for name in CHART_VALUES)
                files |= dict.fromkeys([path for path in own if path in paths][:1])
            for written in items(mapping(helm).get("valueFiles")):
                name = self._text(written, parameters)
                if name is not None and "://" not in name and (folder is not None or _REFERENCE.match(name)):
                    files |= dict.fromkeys(matching(_value_file(folder or "", name), paths))
        return tuple(files)

    def _text(self, text: object, parameters: Parameters | None) -> str | None:
        """``text`` as it is for one application; None where it is none or cannot be evaluated."""
        if not isinstance(text, str) or parameters is None:
            return text if isinstance(text, str) else None
        try:
            return render(text, parameters, go=self._go)
        except NotEvaluated:
            self._note(f"reads {text}, which bumper cannot evaluate")
            return None
