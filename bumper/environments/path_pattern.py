"""Path patterns of bumper.yaml: globs in which ``{app}`` names the application."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

APP = "{app}"

# One alternative for each thing that is not an ordinary character; a run of ** means the same as one of them.
_PIECE = re.compile(r"(?:\*\*/)+|\*\*$|\*|\?|\{app\}|\[!?\]?[^\]/]*\]|[^*?{\[]+|.", re.DOTALL)
_WILDCARDS = {APP: "(?P<app>[^/]+)", "?": "[^/]", "*": "[^/]*", "**": ".*"}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


AppFolder: TypeAlias = tuple[str, str]  # an application's name and, by convention, its folder: names may repeat


@dataclass(frozen=True, slots=True)
class Claim:
    """What makes a file an environment's: the application it belongs to, and its place in Helm's order."""

    app: str
    folder: str  # the application's, by convention; "" where bumper.yaml names the application
    position: int  # a later one wins; files of the same position go by path


def find_problem(pattern: str) -> str | None:
    """What is wrong with ``pattern``, and what is allowed; None where it is a pattern."""
    parts = pattern.split("/")
    unknown = [name for name in _PLACEHOLDER.findall(pattern) if name != "app"]
    problem = None
    if pattern.startswith("/"):
        problem = f"starts with a slash; write it from the repository's root on: {pattern.lstrip('/')!r}"
    elif "" in parts:
        problem = f"has an empty part; write the path of a file, like 'apps/{APP}/values.yaml'"
    elif "." in parts or ".." in parts:
        problem = "has the part '.' or '..'; write it from the repository's root on"
    elif any("**" in part and part != "**" for part in parts):
        problem = "has '**' inside a part; '**' stands alone between slashes, '*' stays within a part"
    elif unknown:
        problem = f"has the unknown placeholder {{{unknown[0]}}}; only {APP} is known, a list gives alternatives"
    elif pattern.count(APP) > 1:
        problem = f"has {APP} twice; write it once and * for the other"
    return f"{pattern!r} {problem}" if problem else None


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The regular expression for whole paths; its group ``app``, where there is one, is what ``{app}`` matched."""
    return re.compile("".join(_translate(piece) for piece in _PIECE.findall(pattern)), re.DOTALL)


def _translate(piece: str) -> str:
    if piece in _WILDCARDS:
        return _WILDCARDS[piece]
    if piece.startswith("**/"):
        return "(?:[^/]+/)*"
    if piece.startswith("[") and len(piece) > 1:
        return _translate_class(piece[1:-1])
    return re.escape(piece)


def _translate_class(characters: str) -> str:
    """A glob's ``[a-z]`` or ``[!a-z]``; a range that runs backwards matches nothing, as in a shell."""
    negated = characters.startswith("!")
    # Everything that a regular expression reads differently is escaped; a run of hyphens is one of them.
    members = re.sub(r"([\\\[\]^&~|])|-{2,}", lambda special: f"\\{special[1] or '-'}", characters.removeprefix("!"))
    try:
        re.compile(f"[{members}]")
    except re.error:
        return "(?!)"
    return f"(?!/)[{'^' if negated else ''}{members}]"


def claim_paths(patterns: Iterable[str], paths: Iterable[str], default_app: str) -> dict[str, Claim]:
    """The files that ``patterns`` match, each once, at the last pattern that does: Helm would read it there last."""
    paths = tuple(paths)
    claims: dict[str, Claim] = {}
    for position, pattern in enumerate(patterns):
        expression = compile_pattern(pattern)
        named = "app" in expression.groupindex
        for match in filter(None, map(expression.fullmatch, paths)):
            claims[match.string] = Claim(match["app"] if named else default_app, "", position)
    return claims
