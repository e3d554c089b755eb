"""Path patterns of bumper.yaml: globs in which ``{app}`` names the application and ``{env}`` the environment."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from bumper.values.pin import PinPath, parse_path

APP = "{app}"
ENV = "{env}"
Section: TypeAlias = PinPath  # {app} in it stands for every key there
ENVIRONMENT_NAME = "[A-Za-z0-9][A-Za-z0-9._-]*"

_HIDDEN = "\ue000app\ue001"
# One alternative for each thing that is not an ordinary character; a run of ** means the same as one of them.
_PIECE = re.compile(r"(?:\*\*/)+|\*\*$|\*|\?|\{app\}|\{env\}|\[!?\]?[^\]/]*\]|[^*?{\[]+|.", re.DOTALL)
_WILDCARDS = {"?": "[^/]", "*": "[^/]*", "**": ".*", "**/": "(?:[^/]+/)*"}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_MAX_WILDCARDS = 3  # in one part of a path, and **: with many more a path takes minutes to match


class Identity(NamedTuple):
    """An application: what ``{app}`` matched, and what the wildcards in folders before and after it did.

    A tuple, because tens of thousands are made, sorted and looked up by each command.
    """

    app: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def matched(self) -> tuple[str, ...]:
        """What everything matched that tells it from others."""
        return (self.app, *self.before, *self.after)

    @property
    def width(self) -> tuple[int, int]:
        """How many wildcards tell it; two patterns are alike where they have equally many."""
        return len(self.before), len(self.after)

    @property
    def whole_name(self) -> str:
        """Its name with every folder before it."""
        return self.name(len(self.before))

    def name(self, folders: int) -> str:
        """Its name with so many of the folders before it."""
        kept = [folder for folder in self.before if folder]
        return "/".join((*kept[max(0, len(kept) - folders) :], self.app))


class Claim(NamedTuple):
    """What makes a file an environment's: the application it belongs to, and its place in Helm's order."""

    identity: Identity
    position: int  # a later one wins; files of the same position go by path

    @property
    def app(self) -> str:
        """What ``{app}`` matched, or the name of the application that no folder names."""
        return self.identity.app


@dataclass(frozen=True)
class PathPattern:
    """A pattern that ``check_pattern`` lets pass."""

    text: str

    @cached_property
    def _pieces(self) -> tuple[tuple[str, int], ...]:
        """The wildcards, placeholders and the texts between them, each with its place in the text."""
        return tuple((found[0], found.start()) for found in _PIECE.finditer(self.text))

    @cached_property
    def names_app(self) -> bool:
        """Whether ``{app}`` is in it."""
        return any(piece == APP for piece, _ in self._pieces)

    @cached_property
    def wildcards(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """For each wildcard in a folder, before ``{app}`` and after it, the pattern's text up to that wildcard."""
        file_name = self.text.rfind("/") + 1
        places = [place for piece, place in self._pieces if place < file_name and _is_wildcard(piece)]
        split = next((place for piece, place in self._pieces if piece == APP), len(self.text))
        before = tuple(self.text[:place] for place in places if place < split)
        return before, tuple(self.text[:place] for place in places if place > split)

    @cached_property
    def width(self) -> int:
        """How many wildcards tell one application from another, beside ``{app}``."""
        return sum(map(len, self.wildcards))

    @cached_property
    def has_loose_file_name(self) -> bool:
        """Whether a wildcard in the file's name could stand for an application's: nothing else names it there."""
        folder, _, name = self.text.rpartition("/")
        loose = any(_is_wildcard(piece) for piece, place in self._pieces if place >= len(self.text) - len(name))
        return loose and not name.startswith(("values", ".argocd-source")) and APP not in folder

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The regular expression for whole paths; every wildcard in a folder, and ``{app}``, is a group."""
        return re.compile(self.translate(), re.DOTALL)

    def translate(self, *, lazy: bool = False, environment: str | None = None) -> str:
        """The pattern as a regular expression in which all wildcards match as much (or, ``lazy``, little) as they can.

        ``environment`` is what ``{env}`` may be; as such, it does the opposite.
        """
        file_name = self.text.rfind("/") + 1
        parts: list[str] = []
        for piece, place in self._pieces:
            if piece == ENV and environment is not None:
                group = f"(?P<env>{environment})"
                parts.append("(?P=env)" if group in parts else group)
            else:
                parts.append(_translate(piece, in_folder=place < file_name, lazy=lazy))
        return "".join(parts)

    def reaches_into(self, folder: str) -> bool:
        """Whether it may match a file somewhere below the folder."""
        parts = self.text.split("/")[: folder.count("/") + 1]
        if "**" in parts:
            parts = [*parts[: parts.index("**")], "**"]
        elif "/".join(parts) == self.text:
            return False
        return PathPattern("/".join(parts)).expression.fullmatch(folder) is not None

    def identify(self, match: re.Match[str], default_app: str) -> Identity:
        """Whose a matched path is; several folders are given without the slash at their end."""
        app = match["app"] if self.names_app else default_app
        if not self.width:  # as most patterns are
            return Identity(app)
        app_group = self.expression.groupindex.get("app", 0)
        found = tuple(text.rstrip("/") for number, text in enumerate(match.groups(), 1) if number != app_group)
        split = len(self.wildcards[0])
        return Identity(app, found[:split], found[split:])


def parse_section(at: str | None, app: str = APP) -> Section:
    """The section that bumper.yaml's ``at`` names, with the name of ``app`` in it; the whole file without ``at``."""
    steps = parse_path(at.replace(APP, _HIDDEN)) if at is not None else ()
    return tuple(step.replace(_HIDDEN, app) if isinstance(step, str) else step for step in steps)


def are_apart(one: Section, other: Section) -> bool:
    """Whether no pin can be in both sections."""
    return any(
        here != there and APP not in str(here) and APP not in str(there)
        for here, there in zip(one, other, strict=False)
    )


def check_pattern(pattern: str, *allowed: str) -> None:
    """Raise ValueError for what is no pattern with the ``allowed`` placeholders: what is wrong, and what is right."""
    parts = pattern.split("/")
    unknown = [name for name in _PLACEHOLDER.findall(pattern) if f"{{{name}}}" not in allowed]
    problem = None
    if pattern.startswith("/"):
        problem = f"starts with a slash; write it from the repository's root on: {pattern.lstrip('/')!r}"
    elif "" in parts:
        problem = f"has an empty part; write the path of a file, like 'apps/{APP}/values.yaml'"
    elif "." in parts or ".." in parts:
        problem = "has the part '.' or '..'; write it from the repository's root on"
    elif any("**" in part and part != "**" for part in parts):
        problem = "has '**' inside a part; '**' has to be alone between slashes, '*' stays within a part"
    elif unknown and allowed:
        problem = f"has the unknown placeholder {{{unknown[0]}}}; known are {' and '.join(allowed)}, a list gives more"
    elif unknown:
        problem = f"has the placeholder {{{unknown[0]}}}; write * for any name"
    elif pattern.count(APP) > 1:
        problem = f"has {APP} twice; write it once and * for the other"
    elif any(part.count("*") > _MAX_WILDCARDS for part in parts) or parts.count("**") > _MAX_WILDCARDS:
        problem = f"has more than {_MAX_WILDCARDS} of '*' in one part or of '**'; write several patterns"
    if problem is not None:
        raise ValueError(f"{pattern!r} {problem}")


def _is_wildcard(piece: str) -> bool:
    return piece[0] in "*?" or (piece[0] == "[" and len(piece) > 1)


def _translate(piece: str, *, in_folder: bool, lazy: bool) -> str:
    if piece == APP:
        return f"(?P<app>[^/]+{'?' if lazy else ''})"
    if not _is_wildcard(piece):
        return re.escape(piece)
    if piece[0] == "[":
        expression = _translate_class(piece[1:-1])
    else:
        expression = _WILDCARDS["**/" if piece.startswith("**/") else piece]
        if lazy and expression.endswith("*"):
            expression += "?"
    return f"({expression})" if in_folder else expression


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


def claim_paths(patterns: Iterable[str], paths: Iterable[str], default_app: str, first: int = 0) -> dict[str, Claim]:
    """The files that ``patterns`` match, each once, at the last pattern that does: Helm would read it there last.

    ``first`` is the position of the first pattern.
    """
    paths = tuple(paths)
    claims: dict[str, Claim] = {}
    for position, text in enumerate(patterns, first):
        pattern = PathPattern(text)
        for match in filter(None, map(pattern.expression.fullmatch, paths)):
            claims[match.string] = Claim(pattern.identify(match, default_app), position)
    return claims
