"""Answers that no server of its kind would give: wrong types, missing keys, HTML, nothing, other statuses."""

import json
import random
from collections.abc import Callable
from io import BytesIO
from typing import Any, TypeAlias

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

Reply: TypeAlias = tuple[int, dict[str, str], bytes]  # status, headers and body


class Answers(BaseAdapter):
    """Answers every request with what ``answer`` returns: status, headers and body."""

    def __init__(self, answer: Callable[[str], Reply]) -> None:
        super().__init__()
        self.asked: list[str] = []
        self._answer = answer

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override] # noqa: ANN401
        self.asked.append(str(request.url))
        status, headers, body = self._answer(str(request.url))
        raw = HTTPResponse(BytesIO(body), headers, status, preload_content=False)
        response = requests.Response()
        response.status_code, response.url, response.raw, response.request = status, str(request.url), raw, request
        response.headers.update(headers)
        return response

    def close(self) -> None:
        """Nothing is open."""


def _anything(chance: random.Random) -> object:
    choices: list[object] = [
        None, True, 0, -1, 1e400, 10**30, "", "x", "\0", "not a date", [], {}, [None], [[]], ["x"], {"id": None},
        {"commits": None}, {"commits": [None]}, [{"iid": "x"}], {"message": {"a": [1]}}, "9" * 5000, "https://gitlab.example/x",
    ]  # fmt: skip
    return chance.choice(choices)


def _spoilt(value: object, chance: random.Random) -> object:
    """GitLab's answer with something else somewhere in it."""
    if chance.random() < 0.25:
        return _anything(chance)
    if isinstance(value, dict) and value:
        key = chance.choice(list(value))
        without = {name: one for name, one in value.items() if name != key}
        return without if chance.random() < 0.3 else {**value, key: _spoilt(value[key], chance)}
    if isinstance(value, list) and value:
        return [_spoilt(value[0], chance), *value[1:]]
    return _anything(chance)


def _answer(expected: object, chance: random.Random) -> Reply:
    kind = chance.choice([{"Content-Type": "application/json"}] * 4 + [{"Content-Type": "text/html"}, {}])
    status = chance.choice([200, 200, 200, 201, 202, 204, 206, 299, 302, 400, 404, 409, 418, 422, 500])
    body = json.dumps(_spoilt(expected, chance)).encode()
    broken = [b"", b"<html>Sign in</html>", b"{", b"\xff\xfe", b"[" * 100_000, body[: len(body) // 2]]
    return status, kind, body if chance.random() < 0.8 else chance.choice(broken)


class Spoilt:
    """Answers that GitLab would not give; ``status`` is the last one's."""

    def __init__(self, expected: object, seed: str) -> None:
        self._expected = expected
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self.status = 0

    def __call__(self, _: str) -> Reply:
        answer = _answer(self._expected, self._chance)
        self.status = answer[0]
        return answer
