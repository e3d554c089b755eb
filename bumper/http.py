"""The connections to registries and to Argo CD: whom they trust, how often they try, what they never send."""

import ssl
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from bumper import __version__
from bumper.errors import Refused

SECONDS = (5.0, 15.0)  # to connect, and between two parts of an answer
_TRIES = 4
_BACKOFF = 0.5  # seconds: the pauses are 0, 1 and 2, the last two with up to this more at random
_MAX_WAIT = 30  # seconds of a Retry-After that are honoured
_PASSING = frozenset({429, 500, 502, 503, 504})


class Session(requests.Session):
    """Serves several threads: it keeps connections, but neither cookies nor redirects, and reads no ~/.netrc."""

    def __init__(self, ca_file: Path | None, tries: int = _TRIES) -> None:
        """Trust ``ca_file`` too.

        Raises:
            Refused: the CA file cannot be read.

        """
        super().__init__()
        adapter = _Adapter(ca_file, tries)
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Without the encoding a manifest's bytes are the ones that its digest is made of.
        self.headers.update({"User-Agent": f"bumper/{__version__}", "Accept-Encoding": "identity"})
        self.auth = lambda request: request  # else requests takes ~/.netrc's login, in the place of ours

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: requests reads a redirect's body whole, however long, even where it does not follow."""


def speaks_https(host: str, ca_file: Path | None) -> bool:
    """Whether a registry of this machine speaks HTTPS, as Docker finds out: by trying.

    A certificate that cannot be checked counts as HTTPS, so that the failure is told and not gone round.
    """
    try:
        with Session(ca_file, tries=1) as session:
            session.head(f"https://{host}/v2/", timeout=SECONDS, allow_redirects=False)
    except OSError as error:  # every failure of requests is one
        return "CERTIFICATE_VERIFY_FAILED" in str(error)
    return True


class _Adapter(HTTPAdapter):
    """Trusts a CA file beside the usual authorities: a private one for GitLab must not shut out Docker Hub."""

    def __init__(self, ca_file: Path | None, tries: int) -> None:
        if ca_file is not None:
            _tls_context(ca_file)  # whether it can be read is told at once
        self._ca_file = ca_file
        retries = Retry(
            total=tries - 1, other=0, redirect=False, allowed_methods=("GET", "HEAD", "POST"),
            status_forcelist=_PASSING, backoff_factor=_BACKOFF, backoff_jitter=_BACKOFF,
            raise_on_status=False, retry_after_max=_MAX_WAIT,
        )  # fmt: skip
        super().__init__(max_retries=retries, pool_maxsize=8)

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as requests has it
        """With the authorities, once something speaks TLS: to read them all takes as long as a small clone."""
        host, pool = super().build_connection_pool_key_attributes(*args, **kwargs)
        if host["scheme"] == "https":
            pool["ssl_context"] = _tls_context(self._ca_file)
        return host, pool


@cache
def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            if ca_file.is_dir():
                context.load_verify_locations(capath=ca_file)
            else:
                context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise Refused(f"{ca_file} holds no CA certificates (PEM) that can be read; mend it.") from error
    return context
