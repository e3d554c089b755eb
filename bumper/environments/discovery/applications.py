"""The applications that Argo CD makes of a repository's manifests, and what of them no environment covers. Pure."""

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bumper.environments.discovery.candidates import Candidate
from bumper.environments.discovery.generators import Tree, generate, merge_templates
from bumper.environments.discovery.manifests import REFERENCE, Manifest, matching
from bumper.environments.discovery.template_text import NotEvaluated, Parameters, render
from bumper.environments.usual_names import CHART_VALUES

_MAX_APPLICATIONS = 20_000  # of one ApplicationSet: a matrix of two large lists is somebody's mistake


@dataclass(frozen=True, slots=True)
class Application:
    """An application of Argo CD's.

    ``files`` are the values files of this repository that it reads, in Helm's order, the chart's own first; ``charts``
    are the folders that it is made from.
    """

    name: str | None  # None where it depends on what only Argo CD knows
    manifest: Manifest
    files: tuple[str, ...]
    charts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expanded:
    """The applications of all manifests, and a sentence for everything that could not be evaluated."""

    applications: tuple[Application, ...]
    unknown: tuple[str, ...]


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
    """One manifest's applications; what cannot be evaluated is collected in ``unknown``."""

    def __init__(self, manifest: Manifest, tree: Tree) -> None:
        self._manifest = manifest
        self._tree = tree
        self._go = manifest.spec.get("goTemplate") is True
        self._outside: tuple[str, ...] = ()
        self.unknown: list[str] = []

    def applications(self) -> Iterator[Application]:
        spec: Mapping[str, Any] = self._manifest.spec
        if self._manifest.kind == "Application":
            if not _holds_template(spec.get("source")) and not _holds_template(spec.get("sources")):
                yield self._application(self._manifest.name, spec, None)
            return
        template = spec.get("template") or {}
        if isinstance(spec.get("templatePatch"), str) and "valueFiles" in spec["templatePatch"]:
            self._name("sets valueFiles in its templatePatch, which bumper does not evaluate")
        generators = [one for one in spec.get("generators") or () if isinstance(one, dict)]
        for generator in generators:
            own = next((one.get("template") for one in generator.values() if isinstance(one, dict)), None)
            yield from self._generated(generator, merge_templates(template, own))

    def _generated(self, generator: Mapping[str, Any], template: Mapping[str, Any]) -> Iterator[Application]:
        made = generate(generator, self._tree, go=self._go)
        self._outside = made.outside
        if made.outside:
            what = ", ".join(made.outside)
            self._name(f"uses a generator that bumper cannot evaluate ({what}); what depends on it is left out")
        elif not made.parameters:
            self._name("has a generator that finds nothing in this repository")
        for parameters in made.parameters[:_MAX_APPLICATIONS]:
            try:
                name = render(str(template.get("metadata", {}).get("name", "")), parameters, go=self._go)
            except NotEvaluated as error:
                name = None
                if not self._outside:
                    self._name(f"names its applications by {error}, which bumper cannot evaluate")
            yield self._application(name, template.get("spec") or {}, parameters)

    def _name(self, what: str) -> None:
        manifest = self._manifest
        self.unknown.append(f"{manifest.file}:{manifest.line}: {manifest.kind} {manifest.name} {what}")

    def _application(self, name: str | None, spec: Mapping[str, Any], parameters: Parameters | None) -> Application:
        sources = spec.get("sources") or [spec.get("source")]
        files: dict[str, None] = {}
        charts: list[str] = []
        for source in sources if isinstance(sources, list) else ():
            if isinstance(source, dict):
                folder = self._text(source.get("path"), parameters)
                if folder is not None:
                    charts.append(posixpath.normpath(folder.lstrip("/") or "."))
                files |= dict.fromkeys(self._files(source, folder, parameters))
        return Application(name, self._manifest, tuple(files), tuple(charts))

    def _files(self, source: Mapping[str, Any], folder: str | None, parameters: Parameters | None) -> Iterator[str]:
        """The values files of a source in Helm's order: the chart's own values.yaml, then ``valueFiles``."""
        helm = source.get("helm") if isinstance(source.get("helm"), dict) else None
        paths = self._tree.paths
        if folder is not None and (helm is not None or _join(folder, "Chart.yaml") in paths):
            yield from [path for name in CHART_VALUES if (path := _join(folder, name)) in paths][:1]
        for written in (helm or {}).get("valueFiles") or ():
            name = self._text(written, parameters)
            if name is not None and "://" not in name and (folder is not None or REFERENCE.match(name)):
                yield from matching(_value_file(folder or "", name), paths)

    def _text(self, text: object, parameters: Parameters | None) -> str | None:
        """``text`` as it is for one application; None where it is none or cannot be evaluated."""
        if not isinstance(text, str) or parameters is None:
            return text if isinstance(text, str) else None
        try:
            return render(text, parameters, go=self._go)
        except NotEvaluated:
            if not self._outside:
                self._name(f"reads {text}, which bumper cannot evaluate")
            return None


def _value_file(folder: str, name: str) -> str:
    """The path from the repository's root: ``valueFiles`` are relative to the source's folder or to a ``$ref``."""
    reference = REFERENCE.match(name)
    if reference is not None:
        return posixpath.normpath(name[reference.end() :])
    return posixpath.normpath(name.lstrip("/")) if name.startswith("/") else _join(folder, name)


def _join(folder: str, name: str) -> str:
    return posixpath.normpath(f"{folder.strip('/') or '.'}/{name}")


def _holds_template(data: object) -> bool:
    """Whether there is a placeholder anywhere in ``data``: a Helm chart makes that manifest, not Argo CD."""
    match data:
        case str():
            return "{{" in data
        case dict():
            return any(map(_holds_template, data.values()))
        case list():
            return any(map(_holds_template, data))
        case _:
            return False


@dataclass(frozen=True, slots=True)
class Coverage:
    """Argo CD's applications whose tags no environment has, and files with tags that none has, with their number.

    ``unknown`` are sentences about what could not be compared.
    """

    applications: tuple[Application, ...]
    files: Mapping[str, int]
    unknown: tuple[str, ...]


def compare_coverage(
    expanded: Expanded, candidates: Mapping[str, Candidate], values: Collection[str], bases: Collection[str]
) -> Coverage:
    """Compare what Argo CD reads and which files hold tags with the environments' ``values`` and ``bases``."""
    with_tags = {path: one.pins for path, one in candidates.items() if one.pins}
    applications = (
        application
        for application in expanded.applications
        if any(path in with_tags for path in application.files)
        and not any(path in values for path in application.files)
    )
    files = {path: pins for path, pins in with_tags.items() if path not in values and path not in bases}
    return Coverage(tuple(applications), files, expanded.unknown)
