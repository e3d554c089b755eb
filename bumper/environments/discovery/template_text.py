"""The texts of an ApplicationSet with its generators' parameters filled in: Go templates and fasttemplate. Pure.

Of Go's template language only what is used in names and paths is evaluated: fields, ``index`` and a few functions.
Anything else raises, so that nobody takes half a text for a path.
"""

import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeAlias

Parameters: TypeAlias = Mapping[str, object]  # nested for Go templates, flat texts for fasttemplate
_Token: TypeAlias = tuple[str, str]  # kind and text

_FAST = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_GO = re.compile(
    r"(?:(?<!\s)\s*\{\{-|\{\{)(.*?)(?:-\}\}\s*|\}\})", re.DOTALL
)  # a hyphen takes away the space beside it
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<number>-?\d+)(?![\w.])|(?P<field>\$?(?:\.[A-Za-z_]\w*)+|\$|\.)"""
    r"""|(?P<truth>true|false)\b|(?P<word>[A-Za-z_]\w*)|(?P<sign>[()|]))""",
)
_PIPE, _CLOSE, _END = ("sign", "|"), ("sign", ")"), ("end", "")
_NOT_IN_NAMES = re.compile(r"[^-a-z0-9.]")
_MAX_NAME = 253


class NotEvaluated(Exception):
    """A text whose value only Argo CD knows; the message is the placeholder."""


def render(text: str, parameters: Parameters, *, go: bool) -> str:
    """``text`` with its placeholders replaced.

    Raises:
        NotEvaluated: a placeholder names an unknown parameter or uses what is not evaluated here.

    """
    placeholder, evaluate = (_GO, _go_value) if go else (_FAST, _parameter)
    rendered = placeholder.sub(lambda found: evaluate(found[1].strip(), parameters), text)
    rest = text.rpartition("}}")[2]
    if "{{" in rest:
        raise NotEvaluated(rest)
    return rendered


def as_text(value: object) -> str:
    """A scalar as Go prints it."""
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)


def normalized(name: object) -> str:
    """``name`` as Argo CD's ``normalize`` and ``basenameNormalized`` write it, so that it can be a DNS name."""
    return _NOT_IN_NAMES.sub("-", str(name).lower())[:_MAX_NAME].strip("-.")


def _parameter(name: str, parameters: Parameters) -> str:
    value = parameters.get(name)
    if not isinstance(value, str):
        raise NotEvaluated(f"{{{{{name}}}}}")
    return value


def _go_value(expression: str, parameters: Parameters) -> str:
    try:
        value = _Expression(expression, parameters).value()
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise NotEvaluated(f"{{{{{expression}}}}}") from error
    if isinstance(value, (dict, list)) or value is None:
        raise NotEvaluated(f"{{{{{expression}}}}}")
    return as_text(value)


class _Expression:
    """One expression of Go's: commands with ``|`` between them, each a field, a literal or a call."""

    def __init__(self, text: str, parameters: Parameters) -> None:
        tokens = list(_TOKEN.finditer(text))
        if "".join(token[0] for token in tokens) != text:
            raise ValueError(text)
        self._tokens: deque[_Token] = deque((str(token.lastgroup), token[str(token.lastgroup)]) for token in tokens)
        self._tokens.append(_END)
        self._parameters = parameters

    def value(self) -> object:
        value = self._pipeline()
        if self._tokens[0] != _END:
            raise ValueError(self._tokens[0])
        return value

    def _pipeline(self) -> object:
        value = self._command()
        while self._tokens[0] == _PIPE:
            self._tokens.popleft()
            value = self._command(value)
        return value

    def _command(self, *piped: object) -> object:
        kind, text = self._tokens[0]
        if kind != "word":
            if piped:
                raise ValueError(text)
            return self._operand()
        self._tokens.popleft()
        arguments: list[object] = []
        while self._tokens[0] not in (_PIPE, _CLOSE, _END):
            arguments.append(self._operand())
        return _FUNCTIONS[text](*arguments, *piped)

    def _operand(self) -> object:
        kind, text = self._tokens.popleft()
        match kind:
            case "text":
                return text[1:-1].replace('\\"', '"')
            case "number":
                return int(text)
            case "truth":
                return text == "true"
            case "field":
                return _index(self._parameters, *filter(None, text.removeprefix("$").split(".")))
            case "sign" if text == "(":
                value = self._pipeline()
                if self._tokens.popleft() == _CLOSE:
                    return value
        raise ValueError(text)


def _index(value: object, *steps: object) -> object:
    """Go's ``index``; what is missing raises, where Go would print ``<no value>``."""
    for step in steps:
        match value, step:
            case Mapping(), str():
                value = value[step]
            case list(), int() if 0 <= step < len(value):
                value = value[step]
            case _:
                raise LookupError(str(step))
    return value


# Sprig's functions take what they work on last, so that it can be piped.
_FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "index": _index,
    "default": lambda fallback, value=None: value or fallback,
    "printf": lambda form, *values: re.sub("%[vd]", "%s", str(form)) % tuple(map(as_text, values)),
    "lower": lambda text: str(text).lower(),
    "upper": lambda text: str(text).upper(),
    "trim": lambda text: str(text).strip(),
    "trimPrefix": lambda prefix, text: str(text).removeprefix(prefix),
    "trimSuffix": lambda suffix, text: str(text).removesuffix(suffix),
    "replace": lambda old, new, text: str(text).replace(old, new),
    "splitList": lambda separator, text: str(text).split(separator),
    "join": lambda separator, items: separator.join(map(as_text, items)),
    "first": lambda items: items[0],
    "last": lambda items: items[-1],
    "normalize": normalized,
    "slugify": normalized,
    "toString": as_text,
}
