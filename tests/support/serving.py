"""Servers of the tests in threads of their own."""

import threading
from socketserver import BaseServer


class ServingThread:
    """Serves ``server``, which listens already, from ``start`` until ``stop``."""

    def __init__(self, server: BaseServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more, and free the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
