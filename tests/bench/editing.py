"""One values file edited by bumper and by ruamel.yaml in turns, in this process: the work without the start-up.

Run as ``python -m tests.bench.editing FILE IMAGE RUNS``; prints a JSON list of pairs of seconds.
"""

import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ruamel.yaml import YAML

from bumper.commands.set_tag import set_tag
from bumper.image import parse_image
from tests.bench.timing import check


def by_ruamel(source: bytes) -> None:
    """A load and a dump, as the usual editor of values does it."""
    yaml, target = YAML(), io.BytesIO()
    yaml.dump(yaml.load(source), target)
    check(len(target.getvalue()) > 0.9 * len(source), "ruamel.yaml lost something")


def by_bumper(file: Path, image: str) -> None:
    """``bumper set``."""
    check(len(set_tag(parse_image(image), [str(file)], None).changes) == 1, "the tag was not set")


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(file: Path, image: str, runs: int) -> None:
    """Edit it so often; the first round does not count."""
    pairs = [
        (_seconds(lambda: by_bumper(file, f"{image}:8.0.{run}")), _seconds(lambda: by_ruamel(file.read_bytes())))  # noqa: B023 - called at once
        for run in range(runs + 1)
    ]
    sys.stdout.write(json.dumps(pairs[1:]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
