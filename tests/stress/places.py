"""A clean environment and an embedded server for a run without pytest."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from bumper.sandbox import Sandbox
from tests.support.gitops import AT_ONCE, SET_UP
from tests.support.machine import Place

_FOREIGN = ("ARGOCD_", "BUMPER_", "CI", "DOCKER_", "GITLAB_", "GIT_", "REQUESTS_CA_BUNDLE", "SSH_", "SSL_CERT_", "XDG_")


@contextlib.contextmanager
def clean_place() -> Iterator[Place]:
    """A server of the run's own; nothing of the machine's settings reaches bumper."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    with tempfile.TemporaryDirectory(prefix="stress-") as folder:
        ours = Path(folder) / "tmp"
        ours.mkdir()
        settings = {"HOME": folder, "TMPDIR": str(ours), "GIT_CONFIG_NOSYSTEM": "1"}
        with (
            patch.dict(os.environ, kept | settings, clear=True),
            patch.object(tempfile, "tempdir", None),
            Sandbox(Path(folder) / "sandbox", settings=AT_ONCE | SET_UP) as sandbox,
        ):
            yield Place(sandbox, ours)
