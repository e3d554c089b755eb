"""Markdown as GitLab shows it, as far as bumper and people write it: no HTML but parts that fold, and no images."""

import re
from collections.abc import MutableMapping, Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup, escape

_COMMENT = re.compile(r"<!--.*?-->\s*", re.DOTALL)
_FOLD = re.compile(r"<details>\s*<summary>([^<]*)</summary>\s*|</details>\s*")
_ROLES = {
    "table_open": "table", "thead_open": "rowgroup", "tbody_open": "rowgroup", "tr_open": "row",
    "th_open": "columnheader", "td_open": "cell",
}  # fmt: skip


def rendered(text: str) -> Markup:
    """``text`` as HTML, in which what it has of HTML is text."""
    tokens = _MARKDOWN.parse(text)
    _prepare_tables(tokens)
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704 - escaped by the renderer


def _prepare_tables(tokens: Sequence[Token]) -> None:
    """Name the parts of tables to screen readers, which lose them where a telephone shows rows as blocks."""
    head: list[str] = []
    column = 0
    for place, token in enumerate(tokens):
        if token.type in _ROLES:
            token.attrSet("role", _ROLES[token.type])
        if token.type == "table_open":
            head = []
        elif token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            token.attrSet("scope", "col")
            head.append(tokens[place + 1].content)
        elif token.type == "td_open":
            token.attrSet("data-label", head[column])
            column += 1


def _html_block(
    _: RendererProtocol, tokens: Sequence[Token], place: int, __: OptionsDict, ___: MutableMapping[str, object]
) -> str:  # fmt: skip
    """A part that folds; a comment is not shown, and everything else is text."""
    content = _COMMENT.sub("", tokens[place].content)
    if _FOLD.fullmatch(content):
        return content
    return Markup("<p>{}</p>").format(content.strip()) if content.strip() else ""


def _html_inline(
    _: RendererProtocol, tokens: Sequence[Token], place: int, __: OptionsDict, ___: MutableMapping[str, object]
) -> str:  # fmt: skip
    return str(escape(_COMMENT.sub("", tokens[place].content)))


_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table").disable("image")
_MARKDOWN.add_render_rule("html_block", _html_block)
_MARKDOWN.add_render_rule("html_inline", _html_inline)
