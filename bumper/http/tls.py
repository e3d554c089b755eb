"""Whose certificates are trusted."""

import ssl
from functools import cache
from pathlib import Path

from bumper.errors import Refused


@cache
def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """The usual authorities, and those of ``ca_file`` (a file, or a folder as OpenSSL has them) beside them.

    Raises:
        Refused: it cannot be read.

    """
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            if ca_file.is_dir():
                context.load_verify_locations(capath=ca_file)
            else:
                context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise Refused(
                f"{ca_file} holds no CA certificates (PEM) that can be read",
                "correct the file, or the variable that names it",
            ) from error
    return context
