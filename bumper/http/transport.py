"""How a request is sent: as often as the retry policy has it; its answer is read whole, within a time and up to a size.

http.client and urllib3 start a timeout anew with every packet, so that a server which sends a byte now and then is
waited for without end; and they read lines of chunked answers however long. Both are bounded here, at the socket.
"""

import io
import random
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from bumper.errors import Refused

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_TRIES_OF_A_WRITE = 2
_JITTER = 0.5  # seconds: pipelines that were turned away together do not come back together
_MAX_RETRY_AFTER = 30  # seconds
_SECONDS = re.compile(r"[0-9]{1,9}")
_PASSING = frozenset({429, 502, 503, 504})
_READING = frozenset({"GET", "HEAD"})
_CHUNK = 64 * 1024
_MAX_VALUES = 2_000_000  # in JSON, each of which takes three bytes of text and a hundred of memory
_MAX_BYTES = 40 * 1024 * 1024  # of an answer on its way, headers and chunks' lengths included


class AnswerTooLarge(requests.RequestException):
    """The answer's body was longer than anybody should read; the rest of it was left."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a request is sent, and how long and how large its answer may be."""

    tries: int = 4
    timeouts: tuple[float, float] = (5.0, 20.0)  # seconds to connect, and for the whole answer
    max_bytes: int = 4 * 1024 * 1024  # the limit that registries set themselves for a manifest


class _BoundedReader(io.RawIOBase):
    """Reads a socket until its timeout has passed once, counted from now, or too many bytes have come."""

    def __init__(self, stream: io.RawIOBase, sock: socket.socket) -> None:
        self._stream = stream
        self._socket = sock
        timeout = sock.gettimeout()
        self._deadline = monotonic() + timeout if timeout is not None else None
        self._left = _MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        if self._deadline is not None:
            seconds = self._deadline - monotonic()
            if seconds <= 0:
                raise TimeoutError("timed out")
            self._socket.settimeout(seconds)
        count = self._stream.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise OSError("the answer is too long")
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


class _BoundedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - http.client's own
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_BoundedReader(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class = _BoundedResponse


class _TlsConnection(HTTPSConnection):
    response_class = _BoundedResponse


# Those of SOCKS are left as they are.
_BOUNDED: Mapping[object, type[HTTPConnection]] = {HTTPConnection: _Connection, HTTPSConnection: _TlsConnection}


class Adapter(HTTPAdapter):
    """Sends requests; a private authority is trusted beside the usual ones: GitLab's must not shut out Docker Hub."""

    def __init__(self, ca_file: Path | None, limits: Limits) -> None:
        if ca_file is not None:
            _tls_context(ca_file)  # a file that cannot be read is reported at once
        self._ca_file = ca_file
        self._limits = limits
        super().__init__(pool_maxsize=8)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as requests has it
        """Connections whose answers are bounded, through an HTTP proxy, too."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _BOUNDED.get(pool.ConnectionCls, pool.ConnectionCls)
        return pool

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

    Refused where it cannot be read.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            is_folder = ca_file.is_dir()
            context.load_verify_locations(None if is_folder else ca_file, ca_file if is_folder else None)
        except OSError as error:  # ssl.SSLError is one
            raise Refused(
                f"{ca_file} holds no CA certificates (PEM) that can be read",
                "correct the file, or the variable that names it",
            ) from error
    return context


def is_unreachable(error: Exception) -> bool:
    """Whether no connection was made, so that nothing was sent."""
    reason = getattr(error.args[0], "reason", None) if error.args else None  # urllib3's MaxRetryError names it
    return isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError) or (
        isinstance(reason, NewConnectionError)  # an unknown name is one, too
    )


def is_timeout(error: Exception) -> bool:
    """Whether the server took too long; requests calls a body that does so a ConnectionError."""
    return isinstance(error, requests.Timeout) or "timed out" in str(error)
