"""The paths that Argo CD's manifests name, as globs from the repository's root. Pure."""

import posixpath
import re
from collections.abc import Collection, Iterable

from bumper.environments.path_pattern import compile_pattern

_PLACEHOLDER = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
# A git generator's whole path, which may be several folders deep.
_WHOLE_PATH = frozenset({"path", ".path", ".path.path"})
_REFERENCE = re.compile(r"\$[^/]+/")
_MAX_STARS = 6  # more of them in one path take too long to match


def as_glob(text: str) -> str:
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
    expression = compile_pattern(glob)
    return [path for path in paths if expression.fullmatch(path)]


def _value_file(folder: str, name: str) -> str | None:
    reference = _REFERENCE.match(name)
    relative = reference is None and not name.startswith("/")
    whole = f"{folder}/{name}" if relative else name[reference.end() if reference is not None else 1 :]
    path = posixpath.normpath(as_glob(whole).lstrip("/"))
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
