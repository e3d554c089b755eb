"""The session in which GitLab, registries and Argo CD are spoken to, and in words why one of them gave no answer.

Registries and Argo CD have no library of their own here: they are asked by ``ask_once``.
"""

import ipaddress
import re
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

from bumper import __version__
from bumper.errors import Unavailable
from bumper.http.transport import Adapter, AnswerTooLarge, Limits, is_timeout, is_unreachable

# For the rooms that do not import requests.
RequestFailed = requests.RequestException
Response = requests.Response
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


class Session(requests.Session):
    """Serves several threads: it keeps connections but no cookies, reads no ~/.netrc, and stays on one origin."""

    def __init__(self, ca_file: Path | None, limits: Limits | None = None) -> None:
        """Trust ``ca_file`` beside the usual authorities; Refused where the CA file cannot be read."""
        super().__init__()
        adapter = Adapter(ca_file, limits or Limits())
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Without the encoding a manifest's bytes are the ones that its digest is made of.
        self.headers.update({"User-Agent": f"bumper/{__version__}", "Accept-Encoding": "identity"})
        self.auth = lambda request: request  # else requests takes ~/.netrc's login, in the place of ours

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """The target on the server that answered, as GitLab's of a renamed project; None for any other server."""
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        try:
            url = urljoin(resp.url, target)
            return target if origin(url) == origin(resp.url) else None
        except ValueError:
            return None


def ask_once(
    session: Session,
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
) -> Response:
    """The answer, read whole, after retries; a redirect is returned, not followed.

    NoAnswer where there is none, or it is too long.
    """
    try:
        return session.request(method, url, headers=headers, data=form, allow_redirects=False)
    except (OSError, ValueError) as error:  # requests' failures are OSErrors; a bad address is a ValueError
        raise explain_failure(error, url) from error


def explain_failure(error: Exception, url: str) -> NoAnswer:
    """The failure of a request to ``url`` as a sentence; only the origin is shown."""
    where = origin(url)
    if isinstance(error, AnswerTooLarge):
        return NoAnswer(f"{where} {error}", "check that this is the right server")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return UntrustedCertificate(
            f"the TLS certificate of {where} cannot be checked",
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
