"""Servers that never come to an end: each is left within a time and up to a size."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from bumper.http.session import NoAnswer, Session, ask_once
from bumper.http.transport import Limits

HEAD = b"HTTP/1.1 200 OK\r\n"
Send = Callable[[bytes], None]


class Evil:
    """A server that answers every request with what ``speak`` sends."""

    def __init__(self, speak: Callable[[Send, threading.Event], None]) -> None:
        self.requests = 0
        self.done = threading.Event()
        self._speak = speak
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection, suppress(OSError):
                if self.done.is_set():
                    return
                connection.recv(65536)
                self.requests += 1
                self._speak(connection.sendall, self.done)

    def close(self) -> None:
        self.done.set()
        with suppress(OSError):
            socket.create_connection(self._socket.getsockname()).close()
        self._thread.join()
        self._socket.close()


@pytest.fixture
def evil() -> Iterator[Callable[..., Evil]]:
    made: list[Evil] = []

    def make(speak: Callable[[Send, threading.Event], None]) -> Evil:
        made.append(Evil(speak))
        return made[-1]

    yield make
    for server in made:
        server.close()


def drip(start: bytes, piece: bytes) -> Callable[[Send, threading.Event], None]:
    """A byte now and then, always sooner than any pause between two packets would be noticed."""

    def speak(send: Send, done: threading.Event) -> None:
        send(start)
        while not done.wait(0.05):
            send(piece)

    return speak


def pour(start: bytes, piece: bytes) -> Callable[[Send, threading.Event], None]:
    """As much as the other side takes."""

    def speak(send: Send, done: threading.Event) -> None:
        send(start)
        while not done.is_set():
            send(piece)

    return speak


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b"H"),
        (HEAD, b"X-More: 1\r\n"),
        (HEAD + b"Content-Length: 1000000\r\n\r\n", b"x"),
        (HEAD + b"\r\n", b"x"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"Trailer: 1\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_an_answer_that_drips_is_left(evil: Callable[..., Evil], start: bytes, piece: bytes) -> None:
    server = evil(drip(start, piece))

    with pytest.raises(NoAnswer, match=r"did not answer in time|broke off"):
        ask_once(Session(None, Limits(timeouts=(1, 0.3))), "GET", server.url)

    assert server.requests <= 4


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (HEAD + b"Content-Length: 1000000000\r\n\r\n", b"x" * 65536),
        (HEAD + b"\r\n", b"x" * 65536),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"9" * 65536),
        (HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"\0" * 9_000_000), b""),
        (HEAD + b"Content-Length: 3000001\r\n\r\n[" + b"[],[]," * 500_000, b""),
        (b"HTTP/1.1 503 Busy\r\n\r\n", b"x" * 65536),
    ],
    ids=["length", "until closed", "chunks", "one chunk's length", "gzip", "values", "busy"],
)
def test_an_answer_without_end_is_left(evil: Callable[..., Evil], start: bytes, piece: bytes) -> None:
    server = evil(pour(start, piece) if piece else lambda send, _: send(start))

    with pytest.raises(NoAnswer, match=r"more than 4194304 bytes|2000000 values|broke off"):
        ask_once(Session(None), "GET", server.url)


def test_only_the_origin_is_shown(evil: Callable[..., Evil]) -> None:
    server = evil(lambda send, _: send(b"no HTTP at all\r\n\r\n"))

    with pytest.raises(NoAnswer) as failure:
        ask_once(Session(None), "GET", f"{server.url}path?secret=s3cr3t")

    assert "s3cr3t" not in str(failure.value)
