"""Of Markdown, what bumper writes: paragraphs, lists, tables and code; no comments. Everything else stays text."""

import re
from collections.abc import Sequence
from html import unescape

from markupsafe import Markup, escape

_COMMENT = re.compile(r"^<!--.*?-->", re.DOTALL | re.MULTILINE)  # GitLab shows none that begins a line
_CODE = re.compile(r"`([^`\n]*)`")
_BAR = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\|(?:\s*:?-+:?\s*\|)+\s*")


def rendered(text: str) -> Markup:
    """``text`` as HTML in which nothing of it is HTML."""
    blocks = re.split(r"\n{2,}", _COMMENT.sub("", text.replace("\r\n", "\n")).strip("\n"))
    return Markup("\n").join(_block(block.split("\n")) for block in blocks)


def _block(lines: Sequence[str]) -> Markup:
    if len(lines) > 1 and _RULE.fullmatch(lines[1]) and all(line.startswith("|") for line in lines):
        return _table([_cells(line) for line in (lines[0], *lines[2:])])
    if all(line.startswith("- ") for line in lines):
        return Markup("<ul>{}</ul>").format(
            Markup().join(Markup("<li>{}</li>").format(_line(one[2:])) for one in lines)
        )
    return Markup("<p>{}</p>").format(Markup("\n").join(map(_line, lines)))


def _table(rows: Sequence[Sequence[str]]) -> Markup:
    head, *body = rows
    column = Markup("<th scope='col' role='columnheader'>{}</th>")
    cell = Markup("<td role='cell' data-label='{}'>{}</td>")
    parts = [Markup().join(column.format(_line(name)) for name in head)]
    parts += [
        Markup().join(cell.format(name, _line(text)) for name, text in zip(head, row, strict=False)) for row in body
    ]
    first, *others = (Markup("<tr role='row'>{}</tr>").format(part) for part in parts)
    return Markup(
        "<table role='table'><thead role='rowgroup'>{}</thead><tbody role='rowgroup'>{}</tbody></table>"
    ).format(first, Markup().join(others))


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(line.strip().strip("|"))]


def _line(text: str) -> Markup:
    """Escaped, with what stands between two backticks as code; entities count outside of it only."""
    parts = _CODE.split(text)
    return Markup().join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(unescape(part))
        for number, part in enumerate(parts)
    )
