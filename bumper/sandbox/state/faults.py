"""Answers that a test ordered beforehand: the next requests of a kind fail."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from werkzeug import Response


@dataclass(frozen=True, slots=True)
class Fault:
    """The next ``times`` requests with this method whose path fits get this answer."""

    method: str
    path: re.Pattern[str]
    status: int
    body: str
    headers: Mapping[str, str]
    times: int


class Faults:
    """The faults that are still to come, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def order(self, fault: Fault) -> None:
        """Let a fault happen."""
        with self._lock:
            self._waiting.append(fault)

    def take(self, method: str, path: str) -> Response | None:
        """The answer that was ordered for this request, if any."""
        with self._lock:
            for place, fault in enumerate(self._waiting):
                if fault.method in {method, "*"} and fault.path.search(path):
                    left = replace(fault, times=fault.times - 1)
                    self._waiting[place : place + 1] = [left] if left.times else []
                    return Response(fault.body, fault.status, dict(fault.headers))
        return None
