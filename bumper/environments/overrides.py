"""Overrides in Argo CD's manifests that stand above the values files: a tag set there is not what runs. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from bumper.environments.discovery.manifests import Manifest, Source, matching, read_source_file, value_file_globs
from bumper.environments.gather import Gathered
from bumper.environments.layout import Environment
from bumper.environments.usual_names import CHART_VALUES
from bumper.errors import Refused
from bumper.values.pin import PinPath, format_path

_SOURCE_FILE = ".argocd-source"


@dataclass(frozen=True, slots=True)
class Override:
    """A pin that a manifest overrides inline, and what to do about it."""

    found: str
    next_step: str

    def __str__(self) -> str:
        """Both as one sentence."""
        return f"{self.found}; {self.next_step}."


def find_overrides(manifests: Sequence[Manifest], pins: Mapping[str, Collection[PinPath]]) -> list[Override]:
    """Every pin that a manifest overrides inline.

    ``pins`` are the paths of the pins by file; a manifest concerns the files that its sources read.
    """
    overrides = (
        override
        for manifest in manifests
        for source in manifest.sources
        for override in _of_source(manifest, source, pins)
    )
    return list(dict.fromkeys(overrides))


def source_files_beside(environment: Environment, paths: Iterable[str]) -> list[str]:
    """Argo CD's own files beside the environment's, which it puts above the values: those that are not among them."""
    files = set(environment.files)
    folders = {path.rpartition("/")[0] for path in files}
    return [
        path
        for path in paths
        if _SOURCE_FILE in path and path not in files
        if path.rpartition("/")[2].startswith(_SOURCE_FILE) and path.rpartition("/")[0] in folders
    ]


def overridden_pins(gathered: Gathered, environment: str, sources: Mapping[str, bytes]) -> Iterator[Refused]:
    """The pins that the files of Argo CD's own in ``sources`` override, each with what to do."""
    for file, content in sources.items():
        source = read_source_file(file, content)
        folder = file.rpartition("/")[0]
        users = {
            app.app for app in gathered.applications
            if any(path.rpartition("/")[0] == folder for path in app.files)
        }  # fmt: skip
        paths = {found.pin.path: found for found in gathered.pins if found.app in users}
        for inline in source.inline if source is not None else ():
            for path, found in paths.items():
                if _decides(inline.data, path):
                    yield Refused(
                        f"{file}:{inline.line}: Argo CD sets {format_path(path)} of {found.app} by {inline.how} here, "
                        f"above {found.file}",
                        f"add {_beside(folder, _SOURCE_FILE)}*.yaml to the values of {environment} in bumper.yaml, or "
                        "remove it there",
                    )


def _beside(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _of_source(manifest: Manifest, source: Source, pins: Mapping[str, Collection[PinPath]]) -> Iterator[Override]:
    if not source.inline:
        return
    own = value_file_globs(source.path, CHART_VALUES) if source.path is not None else ()
    files = dict.fromkeys(found for glob in (*own, *source.value_files) for found in matching(glob, pins))
    places = [(name, path) for name in files for path in pins[name]]
    overridden: defaultdict[tuple[int, str, PinPath], list[str]] = defaultdict(list)
    for (file, path), inline in product(places, source.inline):
        if _decides(inline.data, path):
            overridden[inline.line, inline.how, path].append(file)
    for (line, how, path), concerned in sorted(overridden.items(), key=lambda item: (item[0][0], str(item[0]))):
        yield Override(
            f"{manifest.file}:{line}: {manifest.kind} {manifest.name} sets {format_path(path)} by {how}, which "
            f"overrides {_listed(concerned)}",
            "remove the parameter" if "param" in how else "remove it there",
        )


def _listed(files: Sequence[str]) -> str:
    rest = len(files) - 1
    more = f" and {rest} more {'file' if rest == 1 else 'files'}" if rest else ""
    return f"{min(files)}{more}"


def _decides(data: object, path: PinPath) -> bool:
    """Whether ``data`` says what stands at ``path``: mappings are merged, everything else is replaced as a whole.

    An index of ``--set`` is a key here, so that the rest of its list stays.
    """
    for step in path:
        if not isinstance(data, dict):
            return True
        if step not in data:
            return False
        data = data[step]
    return True
