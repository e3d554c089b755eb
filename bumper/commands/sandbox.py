"""``bumper sandbox``: the embedded GitLab-compatible server, for trying bumper out."""

import json
import shlex
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bumper.errors import Refused, WrongUsage
from bumper.sandbox import Sandbox

_SAMPLE_IMAGE = "registry.tbank.local/backend/app:1.0.3"


@contextmanager
def running_sandbox(
    port: int, directory: Path | None, settings: Mapping[str, object] | None = None
) -> Iterator[Sandbox]:
    """The server while it runs; without ``directory`` everything is gone afterwards.

    Refused where the port is taken, the directory cannot be used, or a setting is unknown.
    """
    with tempfile.TemporaryDirectory(prefix="bumper-sandbox-") as temporary:
        folder = directory if directory is not None else Path(temporary)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            sandbox = Sandbox(folder, port, settings=settings)
            sandbox.start()
        except OSError as error:
            what = f"the server cannot keep its data in {folder} ({error.strerror})"
            raise Refused(what, "make room there, or give another --dir") from error
        try:
            yield sandbox
        finally:
            sandbox.stop()


def read_settings(texts: Iterable[str]) -> dict[str, object]:
    """The settings of ``--set``: values are JSON, or else the text as it stands. Raises WrongUsage without an ``=``."""
    settings: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise WrongUsage(f"--set {text} has no value", f"write --set {text}=VALUE")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            settings[name] = value
    return settings


def serve(port: int, directory: Path | None, settings: Mapping[str, object], show: Callable[[str], None]) -> None:
    """Serve until interrupted; ``show`` takes the lines that tell how to use it."""
    with running_sandbox(port, directory, settings) as sandbox:
        show(f"export BUMPER_REPO={shlex.quote(sandbox.repo_url)} BUMPER_TOKEN={shlex.quote(sandbox.token)}")
        show(f"# merge requests: {sandbox.url}/platform/gitops/-/merge_requests   (^C ends the server)")
        show(f"# try: bumper bump staging {_SAMPLE_IMAGE} --no-verify   (the sample's registry does not exist)")
        threading.Event().wait()
