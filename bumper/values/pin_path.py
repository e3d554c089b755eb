"""Where a pin stands in a document: ``a.b[0].tag``, ``a["key.with.dots"].tag``."""

import json
import re
from typing import TypeAlias

PinPath: TypeAlias = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[\w-]+")
_STEP = re.compile(
    r"(?P<dot>\.)?(?P<key>[^.\[\]\"\s]+)"  # a key, after a dot unless it comes first
    r"|\[(?P<index>\d+)\]"
    r'|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]'
)


def format_path(path: PinPath) -> str:
    """``path`` as bumper shows it and as ``--path`` takes it; a key with other signs is quoted as in JSON."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def parse_path(text: str) -> PinPath:
    """Read what ``format_path`` writes.

    Raises:
        ValueError: it is no path; the message says where.

    """
    path: list[str | int] = []
    place = 0
    while place < len(text):
        step = _STEP.match(text, place)
        if step is None or (step["key"] is not None and bool(step["dot"]) == (place == 0)):
            raise ValueError(f"{text!r} is not a path at {text[place:]!r}")
        if step["key"] is not None:
            path.append(step["key"])
        elif step["index"] is not None:
            path.append(int(step["index"]))
        else:
            path.append(_unquote(text, step["quoted"]))
        place = step.end()
    if not path:
        raise ValueError("a path may not be empty")
    return tuple(path)


def _unquote(text: str, quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except json.JSONDecodeError as error:
        raise ValueError(f"{text!r} is not a path: {quoted} is not quoted as in JSON") from error
