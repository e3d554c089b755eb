"""What a text makes GitLab do: lines such as ``/merge`` are carried out and taken away, ``@name`` notifies people."""

import re
from dataclasses import dataclass

from bumper.sandbox.state.world import World

_INERT = re.compile(r"^(?:```.*?^```|~~~.*?^~~~)\s*$|`[^`\n]+`|<!--.*?-->|^>>>\n.*?\n>>>$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^/(?P<name>[a-z_]+)(?:[ \t]+(?P<argument>.*?))?[ \t]*$", re.MULTILINE)
_MENTION = re.compile(r"(?<![\w.@/])@([A-Za-z0-9_][A-Za-z0-9_.-]*[A-Za-z0-9_]|[A-Za-z0-9_])")
_LABEL = re.compile(r'~(?:"([^"]+)"|(\S+))')
_KNOWN = frozenset({"merge", "close", "label", "assign", "approve"})


@dataclass(frozen=True, slots=True)
class Actions:
    """What a text asks for, and the text without the lines that asked."""

    body: str
    commands: frozenset[str]
    labels: tuple[str, ...]
    assignees: tuple[str, ...]
    mentions: tuple[str, ...]


def read_text(world: World, text: str) -> Actions:
    """Find quick actions and mentions outside code, quotes and HTML comments, as GitLab does."""
    text = text.replace("\r\n", "\n")
    open_text = _without_inert(text)
    found = [match for match in _COMMAND.finditer(open_text) if match["name"] in _KNOWN]
    body = text
    for match in reversed(found):
        body = body[: match.start()] + body[match.end() + 1 :]
    arguments = [(match["name"], match["argument"] or "") for match in found]
    labels = [label for name, argument in arguments if name == "label" for label in _labels(argument)]
    assigned = [who for name, argument in arguments if name == "assign" for who in _people(world, argument)]
    return Actions(
        body.rstrip("\n") if found else body,
        frozenset(name for name, _ in arguments),
        tuple(labels),
        tuple(assigned),
        tuple(_people(world, open_text)),
    )


def mentioned(world: World, *texts: str) -> list[str]:
    """The users whom these texts mention."""
    return [name for text in texts for name in _people(world, _without_inert(text))]


def _without_inert(text: str) -> str:
    """The text with NULs in place of what does nothing, so that the rest keeps its position."""
    return _INERT.sub(lambda inert: re.sub(r"[^\n]", "\0", inert[0]), text)


def _labels(argument: str) -> list[str]:
    return [quoted or plain for quoted, plain in _LABEL.findall(argument)]


def _people(world: World, text: str) -> list[str]:
    """The users who are named; ``@all`` is everybody, and just as loud."""
    names = _MENTION.findall(text)
    return [name for name in names if name in world.records.users or name == "all"]
