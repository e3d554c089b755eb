"""Overrides in Argo CD's manifests that stand above the values files: a tag set there is not what runs. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product

from bumper.environments.discovery.manifests import Manifest, matching, read_source_file, value_file_globs
from bumper.environments.gather import Gathered
from bumper.environments.layout import Environment
from bumper.environments.usual_names import CHART_VALUES
from bumper.errors import Refused
from bumper.values.pin import PinPath, format_path

_SOURCE_FILE = ".argocd-source"


def find_overrides(manifests: Iterable[Manifest], pins: Mapping[str, Collection[PinPath]]) -> list[Refused]:
    """Every pin that a manifest overrides inline, each with what to do.

    ``pins`` are the paths of the pins by file; a manifest concerns the files that its sources read.
    """
    found: dict[str, Refused] = {}
    for manifest, source in ((owner, source) for owner in manifests for source in owner.sources):
        own = value_file_globs(source.path, CHART_VALUES) if source.path is not None else ()
        globs = (*own, *source.value_files) if source.inline else ()
        files = dict.fromkeys(file for glob in globs for file in matching(glob, pins))
        overridden: defaultdict[tuple[int, str, PinPath], list[str]] = defaultdict(list)
        for inline, file in product(source.inline, files):
            for path in (path for path in pins[file] if _decides(inline.data, path)):
                overridden[inline.line, inline.how, path].append(file)
        for (line, how, path), concerned in sorted(overridden.items(), key=lambda item: (item[0][0], str(item[0]))):
            override = Refused(
                f"{manifest.file}:{line}: {manifest.kind} {manifest.name} sets {format_path(path)} by {how}, which "
                f"overrides {_listed(concerned)}",
                "remove the parameter" if "param" in how else "remove it there",
            )
            found[str(override)] = override
    return list(found.values())


def _listed(files: Sequence[str]) -> str:
    rest = len(files) - 1
    more = f" and {rest} more {'file' if rest == 1 else 'files'}" if rest else ""
    return f"{min(files)}{more}"


def source_files_beside(environment: Environment, paths: Iterable[str]) -> list[str]:
    """Argo CD's own files beside the environment's, which it puts above the values: those that are not among them."""
    files = set(environment.files)
    folders = set(map(_folder, files))
    found = (path for path in paths if _SOURCE_FILE in path and path not in files)
    return [path for path in found if path.rpartition("/")[2].startswith(_SOURCE_FILE) and _folder(path) in folders]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def overridden_pins(gathered: Gathered, environment: str, sources: Mapping[str, bytes]) -> Iterator[Refused]:
    """The pins that the files of Argo CD's own in ``sources`` override, each with what to do."""
    for file, content in sources.items():
        source = read_source_file(file, content)
        folder, slash, _ = file.rpartition("/")
        users = {app.app for app in gathered.applications if folder in map(_folder, app.files)}
        paths = {found.pin.path: found for found in gathered.pins if found.app in users}
        for inline in source.inline if source is not None else ():
            for path, found in paths.items():
                if _decides(inline.data, path):
                    yield Refused(
                        f"{file}:{inline.line}: Argo CD sets {format_path(path)} of {found.app} by {inline.how} here, "
                        f"above {found.file}",
                        f"add {folder}{slash}{_SOURCE_FILE}*.yaml to the values of {environment} in bumper.yaml, or "
                        "remove it there",
                    )


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
