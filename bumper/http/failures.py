"""Why a server gave no answer, in words; where a URL leads, and whether what is sent there can be read on the way."""

import ipaddress
import re
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NewConnectionError

from bumper.errors import Unavailable

RequestFailed = requests.RequestException  # for the rooms that do not import requests
_BROKEN = (
    requests.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
# What OpenSSL's versions call plain HTTP in the place of a TLS record.
_NO_TLS = re.compile("WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|UNKNOWN_PROTOCOL|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG")


class NoAnswer(Unavailable):
    """A server cannot be reached, took too long, or sent more than is read."""


class UntrustedCertificate(NoAnswer):
    """A server speaks TLS with a certificate of an unknown authority, or with one of another host."""


class AnswerTooLarge(requests.RequestException):
    """The answer's body was longer than anybody should read; the rest of it was left."""


def is_unreachable(error: Exception) -> bool:
    """Whether no connection was made, so that nothing was sent."""
    reason = getattr(error.args[0], "reason", None) if error.args else None  # urllib3's MaxRetryError names it
    return isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError) or (
        isinstance(reason, NewConnectionError)  # an unknown name is one, too
    )


def is_timeout(error: Exception) -> bool:
    """Whether the server took too long; requests calls a body that does so a ConnectionError."""
    return isinstance(error, requests.Timeout) or "timed out" in str(error)


def explain_failure(error: Exception, url: str) -> NoAnswer:
    """The failure of a request to ``url`` as a sentence; only the origin is shown."""
    where = origin(url)
    if isinstance(error, AnswerTooLarge):
        return NoAnswer(f"{where} {error}", "check that this is the right server")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return UntrustedCertificate(
            f"The TLS certificate of {where} cannot be checked",
            "set REQUESTS_CA_BUNDLE to a file with its CA",
        )
    if _NO_TLS.search(str(error)):
        return NoAnswer(f"{where} does not speak HTTPS", "check the port, or whether plain HTTP is meant")
    if is_timeout(error):
        return NoAnswer(f"{where} did not answer in time", "try again")
    if isinstance(error, _BROKEN) and not is_unreachable(error):
        return NoAnswer(f"{where} broke off its answer, or sent one that cannot be read", "try again")
    return NoAnswer(f"{where} cannot be reached", "check its name and the network")


def origin(url: str) -> str:
    """Scheme, host and port of ``url``: what may be shown of it, for its query may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def is_loopback(host: str) -> bool:
    """Whether ``host``, with or without a port, is this machine."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def is_private(url: str) -> bool:
    """Whether nobody on the way can read what is sent to ``url``: it is encrypted, or stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.netloc)
