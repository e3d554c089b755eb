"""The promised speed, measured: prints a Markdown table with today's figures.

Run as ``python -m tests.bench.bench BENCH [--full] [--corpus FOLDER]``. BENCH is a folder with make_gitops_repo.py,
which makes the repositories, and floor.sh, which does a bump in plain git and curl. A command that fails, or whose
effect is another than it should be, ends the run; a goal that is missed is a "no" in the table.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.jobs import own_environment
from tests.bench.local import Local
from tests.bench.remote import Remote, Sizes
from tests.bench.repositories import install
from tests.bench.rows import table
from tests.bench.serving import Server
from tests.bench.timing import BenchError

_SMALL = Sizes(apps=500, commits=2_000, promoted=50, direct=30, runs=7)
_FULL = Sizes(apps=5_000, commits=20_000, promoted=500, direct=100, runs=9)


def measure(bench: Path, corpus: Path | None, sizes: Sizes) -> str:
    """The table, and on what machine it was made."""
    began = time.monotonic()
    load = os.getloadavg()[0]
    install()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        environ = own_environment(folder / "home")
        with Server(folder / "server") as server:
            rows = Remote(server, bench, folder, environ, sizes).rows()
        rows += Local(folder, corpus, environ, sizes.runs).rows()
    took = f"{sizes.runs} runs each, in turns; {time.monotonic() - began:.0f} s in all"
    return f"{table(rows)}\n{_machine()}, load {load:.1f} at the start; {took}.\n"


def _machine() -> str:
    """What it was measured on."""
    git = subprocess.run(["git", "--version"], stdout=-1, text=True, check=True).stdout.split()[2]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores ({platform.system()} {platform.machine()}), Python {platform.python_version()}, git {git}"


def main() -> int:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("bench", type=Path, metavar="BENCH")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--corpus", type=lambda name: Path(name) if name else None)
    given = parser.parse_args()
    if not (given.bench / "floor.sh").is_file():
        parser.error(f"{given.bench} has no floor.sh; name the folder: make bench BENCH=/path/to/bench")
    try:
        text = measure(
            given.bench.absolute(), given.corpus and given.corpus.absolute(), _FULL if given.full else _SMALL
        )
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
