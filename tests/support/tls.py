"""TLS on the loopback interface."""

import ssl
import subprocess
from pathlib import Path


class Tls:
    """A self-signed certificate of the loopback interface."""

    def __init__(self, folder: Path) -> None:
        self.ca_file, self._key = folder / "ca.pem", folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", str(self._key), "-out", str(self.ca_file)],
            check=True, capture_output=True,
        )  # fmt: skip

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, self._key)
        return context
