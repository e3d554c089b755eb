"""Where a URL leads: its origin, and whether what is sent there can be read on the way."""

import ipaddress
from urllib.parse import urlsplit


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
