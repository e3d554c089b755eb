"""Argo CD's git generator: parameters from the folders or from the files of a repository. Pure.

How it names and reads them is documented under "Git Generator" in Argo CD's operator manual.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from bumper.environments.discovery.template_text import NotEvaluated, as_text, normalized, render
from bumper.values.yaml_data import to_data
from bumper.values.yaml_tree import YamlError, parse_documents


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


def git_parameters(generator: Mapping[str, Any], tree: Tree, *, go: bool) -> Iterator[dict[str, object]]:
    """The parameter sets of a git generator."""
    prefix = str(generator.get("pathParamPrefix") or "")
    found: list[tuple[dict[str, object], str, str | None]]
    if generator.get("directories"):
        found = [({}, folder, None) for folder in _chosen(generator["directories"], tree.folders(), _folder_matches)]
    else:
        files = sorted(_chosen(generator.get("files") or (), tree.paths, _file_matches))
        found = [(content, *_split(path)) for path in files for content in _contents(path, tree)]
    for content, folder, name in found:
        parameters = _with_path(content if go else flatten(content), folder, name, prefix=prefix, go=go)
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


def flatten(data: object, prefix: str = "") -> dict[str, object]:
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
        flat |= flatten(value, f"{prefix}.{key}" if prefix else str(key))
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
