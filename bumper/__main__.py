"""``python -m bumper`` is the command ``bumper``."""

from bumper.cli.process import process

process()
