"""A request's parameters, from the query, a form or a JSON body alike, with GitLab's complaints about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug import Request
from werkzeug.exceptions import HTTPException

from bumper.sandbox.behaviour.errors import bad_parameter

_BOOLEANS = {"true": True, "1": True, "t": True, "on": True, "yes": True, "false": False, "0": False, "f": False}
_BOOLEANS |= {"off": False, "no": False, "": False}


@dataclass(frozen=True, slots=True)
class Parameters:
    """Named values; a list is also understood as ``name[]`` repeated or, for labels, as one text with commas."""

    values: Mapping[str, object]

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """The value as text."""
        value = self.values.get(name)
        return default if value is None else str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """The value as a boolean. Raises GitLabError 400 when it is none."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        known = _BOOLEANS.get(str(value).lower())
        if known is None:
            raise bad_parameter(f"{name} is invalid")
        return known

    def number(self, name: str, default: int) -> int:
        """The value as a whole number. Raises GitLabError 400 when it is none."""
        try:
            return int(str(self.values.get(name, default)))
        except ValueError:
            raise bad_parameter(f"{name} is invalid") from None

    def names(self, name: str) -> tuple[str, ...]:
        """The value as a list, without empty entries."""
        value = self.values.get(name)
        parts = value if isinstance(value, list) else str(value or "").split(",")
        return tuple(dict.fromkeys(str(part).strip() for part in parts if str(part).strip()))

    def numbers(self, name: str) -> tuple[int, ...]:
        """The value as a list of whole numbers. Raises GitLabError 400 when it is none."""
        try:
            return tuple(int(part) for part in self.names(name))
        except ValueError:
            raise bad_parameter(f"{name} is invalid") from None

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """The value when it is one of the choices. Raises GitLabError 400 when it is another."""
        value = self.text(name, default)
        if value not in choices:
            raise bad_parameter(f"{name} does not have a valid value")
        return value

    def require(self, *names: str) -> None:
        """Raises GitLabError 400 that lists the missing parameters."""
        missing = [f"{name} is missing" for name in names if name not in self]
        if missing:
            raise bad_parameter(", ".join(missing))


def read_parameters(request: Request) -> Parameters:
    """Everything that the request carries. Raises GitLabError 400 when its JSON is broken."""
    values: dict[str, object] = {}
    for pairs in (request.args, request.form):
        for name in pairs:
            if name.endswith("[]"):
                values[name[:-2]] = pairs.getlist(name)
            else:
                values[name] = pairs[name]
    if request.is_json and request.content_length:
        body = json_object(request)
        if body is None:
            raise bad_parameter("Problems parsing JSON")
        values.update(body)
    return Parameters(values)


def json_object(request: Request) -> dict[str, Any] | None:
    """The body's JSON object; None where it is something else, or broken."""
    try:
        body = request.get_json()
    except (HTTPException, RecursionError):
        return None
    return body if isinstance(body, dict) else None
