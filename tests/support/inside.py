"""The command line of bumper in this process, for tests that outlive a pytest function: state machines, stress runs."""

import contextlib
import io
import os
import sys
from collections.abc import Mapping
from unittest.mock import patch

from bumper.cli.main import main
from tests.support.command_line import Ran


def run_inside(*arguments: str, environ: Mapping[str, str]) -> Ran:
    """Run it in this process's environment with ``environ`` added."""
    out, err = io.StringIO(), io.StringIO()
    code: object = None
    with (
        patch.dict(os.environ, environ),
        patch.object(sys, "argv", ["bumper", *arguments]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO())),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
    return Ran(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())
