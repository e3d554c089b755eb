"""``bumper sandbox``: the embedded GitLab-compatible server, for trying bumper out."""

import shlex
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bumper.errors import Refused
from bumper.sandbox import Sandbox

_SAMPLE_IMAGE = "registry.tbank.local/backend/app:1.0.3"


@contextmanager
def running_sandbox(port: int, directory: Path | None) -> Iterator[Sandbox]:
    """The server while it runs; without ``directory`` everything is gone afterwards.

    Raises:
        Refused: the port is taken, or the directory cannot be used.

    """
    with tempfile.TemporaryDirectory(prefix="bumper-sandbox-") as temporary:
        folder = directory if directory is not None else Path(temporary)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            sandbox = Sandbox(folder, port)
            sandbox.start()
        except OSError as error:
            raise Refused(
                f"the server cannot start on port {port} in {folder} ({error}); give another --port or --dir."
            ) from error
        try:
            yield sandbox
        finally:
            sandbox.stop()


def serve(port: int, directory: Path | None, show: Callable[[str], None]) -> None:
    """Serve until interrupted; ``show`` takes the lines that tell how to use it."""
    with running_sandbox(port, directory) as sandbox:
        show(f"export BUMPER_REPO={shlex.quote(sandbox.repo_url)} BUMPER_TOKEN={shlex.quote(sandbox.token)}")
        show(f"# merge requests: {sandbox.url}/platform/gitops/-/merge_requests   (^C ends the server)")
        show(f"# try: bumper bump staging {_SAMPLE_IMAGE} --no-verify   (the sample's registry does not exist)")
        threading.Event().wait()
