"""The session in which GitLab, registries and Argo CD are spoken to."""

from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urljoin

import requests

from bumper import __version__
from bumper.http.adapter import DEFAULT_LIMITS, Adapter, Limits
from bumper.http.origin import origin


class Session(requests.Session):
    """Serves several threads: it keeps connections but no cookies, reads no ~/.netrc, and stays on one origin."""

    def __init__(self, ca_file: Path | None, limits: Limits = DEFAULT_LIMITS) -> None:
        """Trust ``ca_file`` beside the usual authorities.

        Raises:
            Refused: the CA file cannot be read.

        """
        super().__init__()
        adapter = Adapter(ca_file, limits)
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
