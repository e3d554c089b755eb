"""Markdown as GitLab reads it, around text that others wrote: none of it comes to life. Pure."""

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from bumper.records.record import one_line

_ZERO_WIDTH_SPACE = "\u200b"
_REFERENCE = re.compile(r"[@#!$&~%](?=[\w\"])")
_MARKUP = re.compile(r"[\\`*_\[\]<|~&$]|^[#>+=-]")
_MAX_URL = 2000  # characters


def code(text: str) -> str:
    """``text`` as code: no Markdown, HTML, mention or quick action in it comes to life, in a table neither."""
    shown = one_line(text).replace("`", "'").replace("|", "\\|")
    return f"`{shown or ' '}`"


def inert(text: str) -> str:
    """A title that somebody wrote, with no reference in it: GitLab closes what "closes #1" names even inside code."""
    return without_references(one_line(text)).replace("://", f":{_ZERO_WIDTH_SPACE}//")


def plain(text: str) -> str:
    """``text`` as the words of a sentence that others' names are a part of."""
    return _MARKUP.sub(r"\\\g<0>", inert(text)).replace("\\<", "&lt;")


def quiet(text: str) -> str:
    """``text`` in which no name notifies anybody: GitLab reads mentions in titles too, where backticks do not help."""
    return text.replace("@", f"@{_ZERO_WIDTH_SPACE}")


def without_references(text: str) -> str:
    """``text`` in which no name is a reference either: an application called "closes #1" closes no issue by a commit.

    GitLab reads ``#1 !1 $1 &1 ~label %milestone @user`` (its documentation of GitLab-specific references).
    """
    return _REFERENCE.sub(f"\\g<0>{_ZERO_WIDTH_SPACE}", text)


def link(text: str, url: str) -> str:
    """``text``, as code, that leads to ``url``; without a link where that is no address of the web."""
    address = one_line(url)
    try:
        parts = urlsplit(address)
    except ValueError:
        return code(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or len(address) > _MAX_URL:
        return code(text)
    return f"[{code(text)}]({quote(address, safe=':/?#&=%+,;~.-_[]')})"


def bullets(items: Iterable[str], most: int) -> str:
    """A list of at most so many items, and how many are left out."""
    lines = [f"- {item}" for item in items]
    more = [f"- … and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join([*lines[:most], *more])


def folded(summary: str, content: str) -> str:
    """A part that GitLab shows when its summary is clicked."""
    return f"<details>\n<summary>{summary}</summary>\n\n{content}\n\n</details>"
