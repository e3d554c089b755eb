"""How a request is sent: as often as the retry policy has it, and its answer read whole, within bounds."""

import random
import re
import ssl
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from time import sleep
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from bumper.errors import Refused
from bumper.http.bounded import POOLS
from bumper.http.failures import AnswerTooLarge, is_timeout, is_unreachable

_TRIES_OF_A_WRITE = 2
_JITTER = 0.5  # seconds: pipelines that were turned away together do not come back together
_MAX_RETRY_AFTER = 30  # seconds
_SECONDS = re.compile(r"[0-9]{1,9}")
_PASSING = frozenset({429, 502, 503, 504})
_READING = frozenset({"GET", "HEAD"})
_CHUNK = 64 * 1024
_MAX_VALUES = 2_000_000  # in JSON, each of which takes three bytes of text and a hundred of memory


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a request is sent, and how long and how large its answer may be."""

    tries: int = 4
    timeouts: tuple[float, float] = (5.0, 20.0)  # seconds to connect, and for the whole answer
    max_bytes: int = 4 * 1024 * 1024  # the limit that registries set themselves for a manifest


DEFAULT_LIMITS = Limits()


class Adapter(HTTPAdapter):
    """Sends requests; a private authority is trusted beside the usual ones: GitLab's must not shut out Docker Hub."""

    def __init__(self, ca_file: Path | None, limits: Limits) -> None:
        if ca_file is not None:
            _tls_context(ca_file)  # a file that cannot be read is reported at once
        self._ca_file = ca_file
        self._limits = limits
        super().__init__(pool_maxsize=8)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as requests has it
        """Keep connections whose answers are bounded."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ANN401 - as requests has it
        """Keep bounded connections through an HTTP proxy, too; one of SOCKS has connections of its own."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = POOLS
        return manager

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as requests has it
        """Add the authorities only where TLS is spoken: to read them all takes as long as a small clone."""
        host, pool = super().build_connection_pool_key_attributes(*args, **kwargs)
        if host["scheme"] == "https":
            pool["ssl_context"] = _tls_context(self._ca_file)
        return host, pool

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        """The answer with its whole body, or the failure of the last try."""
        for number in range(1, self._limits.tries):
            try:
                answer = self._send_once(request, *args, **kwargs)
            except requests.RequestException as error:
                if not _may_repeat(request, number, error):
                    raise
                pause = _pause(number)
            else:
                if not _is_passing(request, answer.status_code):
                    return answer
                pause = _pause(number, answer.headers.get("Retry-After", ""))
            sleep(pause)
        return self._send_once(request, *args, **kwargs)

    def _send_once(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        try:
            answer = super().send(request, *args, **kwargs | {"stream": True, "timeout": self._limits.timeouts})
        except HTTPError as error:  # those that requests does not translate
            raise requests.ConnectionError(error, request=request) from error
        _read_whole(answer, self._limits.max_bytes)
        return answer


def _read_whole(answer: requests.Response, max_bytes: int) -> None:
    """Read the body, decompressed, unless it is longer than anybody should read."""
    body = bytearray()
    try:
        for chunk in answer.iter_content(_CHUNK):
            body += chunk
            if len(body) > max_bytes:
                raise AnswerTooLarge(f"answered with more than {max_bytes} bytes")
    except (requests.RequestException, OSError):
        answer.close()
        raise
    if sum(body.count(mark) for mark in b",[{") > _MAX_VALUES:
        raise AnswerTooLarge(f"answered with more than {_MAX_VALUES} values")
    answer._content = bytes(body)  # noqa: SLF001 - what answer.content would have read, without a bound


def _may_repeat(request: requests.PreparedRequest, number: int, error: requests.RequestException) -> bool:
    """Whether a try that failed may be made again: always, if nothing was sent, and once, if the answer took too long.

    A write whose answer was lost may have been carried out. It is sent once more: GitLab answers 409 to the second.
    """
    if isinstance(error, AnswerTooLarge | requests.exceptions.SSLError | ValueError):
        return False
    if is_unreachable(error):
        return True
    is_lost_for_good = request.method not in _READING or is_timeout(error)
    return number < _TRIES_OF_A_WRITE or not is_lost_for_good


def _is_passing(request: requests.PreparedRequest, status: int) -> bool:
    """Whether the server may answer otherwise in a moment; a write that ends as 500 may have been half done."""
    return status in _PASSING or (status == HTTPStatus.INTERNAL_SERVER_ERROR and request.method in _READING)


def _pause(number: int, retry_after: str = "") -> float:
    if _SECONDS.fullmatch(retry_after):
        return min(int(retry_after), _MAX_RETRY_AFTER)
    return number - 1 + random.uniform(0, _JITTER)  # noqa: S311 - no secret


@cache
def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """The usual authorities, and those of ``ca_file`` (a file, or a folder as OpenSSL has them) beside them.

    Raises:
        Refused: it cannot be read.

    """
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            if ca_file.is_dir():
                context.load_verify_locations(capath=ca_file)
            else:
                context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise Refused(
                f"{ca_file} holds no CA certificates (PEM) that can be read",
                "correct the file, or the variable that names it",
            ) from error
    return context
