"""An answer that is read within a time and up to a size, from its status line to its last byte.

http.client and urllib3 start a timeout anew with every packet, so that a server which sends a byte now and then is
waited for without end; and they read lines of chunked answers however long. Both are bounded here, at the socket.
"""

import io
import socket
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MAX_BYTES = 40 * 1024 * 1024  # of an answer on its way, headers and chunks' lengths included


class _BoundedReader(io.RawIOBase):
    """Reads a socket until its timeout has passed once, counted from now, or too many bytes have come."""

    def __init__(self, stream: io.RawIOBase, sock: socket.socket) -> None:
        self._stream = stream
        self._socket = sock
        timeout = sock.gettimeout()
        self._deadline = time.monotonic() + timeout if timeout is not None else None
        self._left = _MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        if self._deadline is not None:
            seconds = self._deadline - time.monotonic()
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


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _Pool, "https": _TlsPool}
