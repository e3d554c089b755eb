"""The command line of bumper in this process, for tests that outlive a pytest function: state machines, stress runs."""

import contextlib
import io
import os
import sys
from collections.abc import Mapping
from unittest.mock import patch

from bumper.cli.main import main
from bumper.clock import SYSTEM_CLOCK, Clock
from tests.support.command_line import NEVER, Ran


def run_inside(*arguments: str, environ: Mapping[str, str], clock: Clock = SYSTEM_CLOCK) -> Ran:
    """Run it in this process's environment with ``environ`` added."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, environ),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO())),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = main(arguments, slow=NEVER, clock=clock)
    return Ran(code, out.getvalue(), err.getvalue())
