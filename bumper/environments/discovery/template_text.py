"""The texts of an ApplicationSet with its generators' parameters filled in: Go templates and fasttemplate. Pure.

Of Go's template language only what is used in names and paths is evaluated: fields, ``index`` and a few functions.
Anything else raises, so that nobody takes half a text for a path.
"""

import re
from collections.abc import Callable, Mapping, Sequence

Parameters = Mapping[str, object]  # nested for Go templates, flat texts for fasttemplate

_PLACEHOLDER = re.compile(r"\{\{(-?)(.*?)(-?)\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<number>-?\d+)(?![\w.])|(?P<field>\$?(?:\.[A-Za-z_]\w*)+|\$|\.)"""
    r"""|(?P<word>[A-Za-z_]\w*)|(?P<sign>[()|]))""",
)
_NOT_IN_NAMES = re.compile(r"[^-a-z0-9.]")
_MAX_NAME = 253


class NotEvaluated(Exception):
    """A text whose value only Argo CD knows; the message is the placeholder."""


def render(text: str, parameters: Parameters, *, go: bool) -> str:
    """``text`` with its placeholders replaced.

    Raises:
        NotEvaluated: a placeholder names an unknown parameter or uses what is not evaluated here.

    """
    rendered, end, trim = "", 0, False
    for found in _PLACEHOLDER.finditer(text):
        before = text[end : found.start()]
        before = before.lstrip() if trim else before
        rendered += before.rstrip() if go and found[1] else before
        rendered += _go_value(found[2], parameters) if go else _parameter(found[2].strip(), parameters)
        end, trim = found.end(), go and bool(found[3])
    rest = text[end:].lstrip() if trim else text[end:]
    if "{{" in rest:
        raise NotEvaluated(rest)
    return rendered + rest


def render_all(data: object, parameters: Parameters, *, go: bool) -> object:
    """Every text in ``data`` rendered; one that cannot be is left as it is, as Argo CD does between two generators."""
    match data:
        case str():
            try:
                return render(data, parameters, go=go)
            except NotEvaluated:
                return data
        case list():
            return [render_all(item, parameters, go=go) for item in data]
        case dict():
            return {key: render_all(value, parameters, go=go) for key, value in data.items()}
        case _:
            return data


def as_text(value: object) -> str:
    """A scalar as Go prints it."""
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "<nil>"
        case _:
            return str(value)


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
        value = _Pipeline(_tokens(expression), parameters).value()
    except (LookupError, TypeError, ValueError) as error:
        raise NotEvaluated(f"{{{{{expression.strip()}}}}}") from error
    if isinstance(value, (dict, list)) or value is None:
        raise NotEvaluated(f"{{{{{expression.strip()}}}}}")
    return as_text(value)


def _tokens(expression: str) -> list[tuple[str, str]]:
    tokens, position, whole = [], 0, expression.strip()
    while position < len(whole):
        found = _TOKEN.match(whole, position)
        if found is None or found.lastgroup is None:
            raise ValueError(whole[position:])
        tokens.append((found.lastgroup, found[found.lastgroup]))
        position = found.end()
    return tokens


class _Pipeline:
    """One expression of Go's: commands with ``|`` between them, each a field, a literal or a call."""

    def __init__(self, tokens: Sequence[tuple[str, str]], parameters: Parameters) -> None:
        self._tokens = [*tokens, ("end", "")]
        self._next = 0
        self._parameters = parameters

    def value(self) -> object:
        value = self._pipeline()
        if self._peek() != ("end", ""):
            raise ValueError(self._peek()[1])
        return value

    def _pipeline(self) -> object:
        value = self._command([])
        while self._peek() == ("sign", "|"):
            self._next += 1
            value = self._command([value])
        return value

    def _command(self, piped: list[object]) -> object:
        kind, text = self._peek()
        if kind != "word" or text in ("true", "false"):
            if piped:
                raise ValueError(text)
            return self._operand()
        self._next += 1
        arguments: list[object] = []
        while self._peek() not in (("end", ""), ("sign", "|"), ("sign", ")")):
            arguments.append(self._operand())
        return _FUNCTIONS[text](*arguments, *piped)

    def _operand(self) -> object:
        kind, text = self._peek()
        self._next += 1
        match kind:
            case "text":
                return text[1:-1].replace('\\"', '"')
            case "number":
                return int(text)
            case "field":
                return self._field(text.removeprefix("$"))
            case "word" if text in ("true", "false"):
                return text == "true"
            case "sign" if text == "(":
                value = self._pipeline()
                if self._peek() == ("sign", ")"):
                    self._next += 1
                    return value
        raise ValueError(text)

    def _field(self, path: str) -> object:
        value: object = self._parameters
        for step in path.split(".")[1:] if path.strip(".") else ():
            value = _index(value, step)
        return value

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next]


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


def _printf(form: object, *values: object) -> str:
    return str(form).replace("%v", "%s").replace("%d", "%s") % tuple(map(as_text, values))


# Sprig's functions take what they work on last, so that it can be piped.
_FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "index": _index,
    "default": lambda fallback, value=None: value or fallback,
    "printf": _printf,
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
