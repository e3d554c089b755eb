"""What pydantic expected in the place of a wrong value, in words of ours: its own are a programmer's."""

from pydantic_core import ErrorDetails

_KINDS = {
    "bool": "true or false",
    "dict": "a mapping",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "model": "a mapping",
    "string": "text",
    "tuple": "a list",
}


def expected(error: ErrorDetails) -> str:
    """What has to stand there: ``a whole number``, ``'merge' or 'ff'``, ``at least 0``."""
    context, kind = error.get("ctx", {}), error["type"]
    match kind:
        case "literal_error" | "enum":
            return str(context["expected"])
        case "greater_than_equal":
            return f"at least {context['ge']}"
        case "greater_than":
            return f"more than {context['gt']}"
        case "value_error":
            return str(context["error"])
        case _:
            return _KINDS.get(kind.partition("_")[0], "another value")
