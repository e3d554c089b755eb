"""A seal on a commit's trailers, by which a token recognises what it wrote itself.

Everybody with the role Developer may push to bumper's branches, and may write any trailer there. The seal is a keyed
hash (RFC 2104) of the trailers; the key comes from the token, the project and the target branch. It tells nothing of
the token, and a record of another project or of other images has another seal.
"""

import hmac
from dataclasses import dataclass, field
from enum import Enum, auto

from bumper.settings import Settings

_TRAILER = "Bumper-Seal"
_PREFIX = "Bumper-"
_PURPOSE = "bumper's seal on the trailers of a commit"
_KEY_DIGITS, _SEAL_DIGITS = 8, 32  # of hex


class Sealed(Enum):
    """What a seal says of the trailers above it."""

    OURS = auto()  # they were written with this token
    BROKEN = auto()  # they have been changed since they were written with this token
    UNKNOWN = auto()  # no seal, or one by another token


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals messages, and checks seals; without a key it writes none and knows none."""

    key: bytes | None = field(repr=False)

    def seal(self, message: str) -> str:
        """``message``, which ends with its trailers, with a seal as the last of them."""
        return message if self.key is None else f"{message}{_TRAILER}: {self._digits(message)}\n"

    def check(self, message: str) -> Sealed:
        """Whether the trailers of ``message`` are as this token wrote them."""
        found = [line for line in _own_lines(message) if line.startswith(f"{_TRAILER}: ")]
        if self.key is None or len(found) != 1:
            return Sealed.UNKNOWN
        wanted, digits = self._digits(message), found[0].removeprefix(f"{_TRAILER}: ")
        if hmac.compare_digest(wanted.encode(), digits.encode()):
            return Sealed.OURS
        return Sealed.BROKEN if digits.startswith(wanted[: _KEY_DIGITS + 1]) else Sealed.UNKNOWN

    def _digits(self, message: str) -> str:
        """Which key it is, and the seal itself."""
        key = self.key or b""
        lines = [line for line in _own_lines(message) if not line.startswith(f"{_TRAILER}: ")]
        text = "\n".join(lines).encode(errors="surrogateescape")
        return f"{_hash(key, b'')[:_KEY_DIGITS]}-{_hash(key, text)[:_SEAL_DIGITS]}"


def make_sealer(settings: Settings, target_branch: str) -> Sealer:
    """The sealer of this run's token; a job's token ends with its job, so that nobody could check its seals."""
    if settings.token is None or settings.token.is_job_token:
        return Sealer(None)
    place = f"{_PURPOSE}\n{settings.address.gitlab_url}\n{settings.address.project.lower()}\n{target_branch}"
    return Sealer(hmac.digest(settings.token.value.encode(), place.encode(), "sha256"))


def _own_lines(message: str) -> list[str]:
    """Bumper's trailers in the last paragraph; merging may add GitLab's."""
    last = message.rstrip("\n").rpartition("\n\n")[2]
    return [line.strip() for line in last.splitlines() if line.startswith(_PREFIX)]


def _hash(key: bytes, text: bytes) -> str:
    return hmac.digest(key, text, "sha256").hex()
