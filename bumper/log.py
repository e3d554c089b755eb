"""What a run logs: its steps, for whoever listens (the command line shows those that take long), and no secret.

Secrets are taken out of every text before anybody reads it: messages, results, logs, whatever a server echoes.
"""

import base64
import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

LOGGER = logging.getLogger("bumper.steps")
_SHORTEST = 6  # characters: what is shorter is no secret, and a part of too many words
_SHOWN = "[token]"
_BASE64 = "[A-Za-z0-9+/=]*"
# Of the base64 digits of a text that follows 0, 1 or 2 other bytes: how many of the first ones are not its own.
_FOREIGN_DIGITS = (0, 2, 3)


def report_step(step: str) -> None:
    """A step begins, which ends the one before; no secret is ever in it."""
    LOGGER.info("%s", step)


@dataclass(frozen=True, slots=True)
class Redactor:
    """Hides secrets in the forms in which HTTP carries them: as they are, URL-encoded, in JSON, in Basic's base64."""

    _plain: tuple[str, ...] = field(repr=False)
    _encoded: tuple[str, ...] = field(repr=False)

    def __call__(self, text: str) -> str:
        """``text`` without the secrets."""
        for form in self._plain:
            text = text.replace(form, _SHOWN)
        for digits in self._encoded:
            if digits in text:
                text = re.sub(re.escape(digits) + _BASE64, _SHOWN, text)
        return text


def redactor(secrets: Iterable[str | None]) -> Redactor:
    """The redactor of these secrets; None and what is too short to be one are passed over."""
    known = [secret for secret in secrets if secret is not None and len(secret) >= _SHORTEST]
    plain = {form for secret in known for form in _plain_forms(secret)}
    encoded = [_base64_digits(secret, before) for secret in known for before in range(len(_FOREIGN_DIGITS))]
    return Redactor(tuple(sorted(plain, key=len, reverse=True)), tuple(encoded))


def _plain_forms(secret: str) -> set[str]:
    encoded = quote(secret, safe="", errors="surrogateescape")
    return {secret, json.dumps(secret)[1:-1], encoded, re.sub("%..", lambda found: found[0].lower(), encoded)}


def _base64_digits(secret: str, before: int) -> str:
    """The digits of ``secret`` in base64 that depend on nothing else, where ``before`` bytes (mod 3) precede it."""
    raw = b"\0" * before + secret.encode(errors="surrogateescape")
    digits = base64.b64encode(raw).decode()
    return digits[_FOREIGN_DIGITS[before] : len(raw) * 8 // 6]  # up to the last digit that no next byte shares
