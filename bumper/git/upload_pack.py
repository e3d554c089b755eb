"""The blobs that are missing in a partial clone, in one request of git's protocol version 2.

``git fetch`` would ask the server for its capabilities first, which the clone has just been told; that is one more
round trip, one more TLS connection and two more processes for every command. Whatever is not as expected here (SSH, a
helper's credentials, a proxy of git's own, an old server) is left to ``git fetch``. See git's gitprotocol-v2 and
gitprotocol-http.
"""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Protocol

from bumper.errors import Refused
from bumper.http import SECONDS, Session
from bumper.settings import Settings

_RESULT = "application/x-git-upload-pack-result"
_FLUSH, _DELIMITER = b"0000", b"0001"
_DATA, _PROGRESS = b"\1", b"\2"
_HEX_OF_SHA1 = 40  # digits of an object id
_TRIES = 2  # then git takes over, with tries of its own


class _Unexpected(Exception):
    """The server answers in another way."""


class _Stream(Protocol):
    def read(self, amount: int) -> bytes: ...


def request_pack(settings: Settings, tip: str, object_ids: Sequence[str]) -> bytes | None:
    """A pack with these objects; None where git itself has to fetch them."""
    if settings.address.over_ssh or settings.token is None:
        return None
    headers = {
        "Authorization": f"Basic {settings.token.basic}",
        "Content-Type": "application/x-git-upload-pack-request",
        "Accept": _RESULT,
        "Git-Protocol": "version=2",
    }
    try:
        with (
            Session(settings.ca_file, _TRIES) as session,
            session.post(
                f"{settings.address.url}/git-upload-pack", data=_question(tip, object_ids), headers=headers,
                timeout=SECONDS, allow_redirects=False, stream=True,
            ) as answer,
        ):  # fmt: skip
            if answer.status_code != HTTPStatus.OK or answer.headers.get("Content-Type") != _RESULT:
                return None
            return b"".join(_pack(answer.raw))
    except (OSError, _Unexpected, Refused, ValueError):  # every failure of requests is an OSError
        return None


def _question(tip: str, object_ids: Sequence[str]) -> bytes:
    kind = "sha1" if len(object_ids[0]) == _HEX_OF_SHA1 else "sha256"
    wants = [f"want {each}\n" for each in object_ids]
    # That the clone is shallow is no matter here, but spares the server a third of its work.
    lines = ["no-progress\n", "ofs-delta\n", f"shallow {tip}\n", *wants, "done\n"]
    capabilities = _packet("command=fetch\n") + _packet(f"object-format={kind}\n")
    return b"".join([capabilities, _DELIMITER, *map(_packet, lines), _FLUSH])


def _packet(line: str) -> bytes:
    return f"{len(line) + 4:04x}{line}".encode()


def _pack(stream: _Stream) -> Iterator[bytes]:
    """The pack's bytes, out of the band that carries them; the sections before it are passed over."""
    while (packet := _read_packet(stream)) != b"packfile\n":
        if packet is None:
            raise _Unexpected
    while (packet := _read_packet(stream)) is not None:
        if packet[:1] == _DATA:
            yield packet[1:]
        elif packet[:1] != _PROGRESS:
            raise _Unexpected
    if stream.read(1):  # the answer's end, without which the server would find its client gone
        raise _Unexpected


def _read_packet(stream: _Stream) -> bytes | None:
    """The next packet; an empty one between two sections, None for the end."""
    head = _read(stream, 4)
    if head in (_FLUSH, _DELIMITER):
        return None if head == _FLUSH else b""
    length = int(head, 16) - len(head)
    if length <= 0:
        raise _Unexpected
    return _read(stream, length)


def _read(stream: _Stream, amount: int) -> bytes:
    """Exactly so many bytes: urllib3 may hand over fewer at a time."""
    parts = bytearray()
    while len(parts) < amount:
        part = stream.read(amount - len(parts))
        if not part:
            raise _Unexpected
        parts += part
    return bytes(parts)
