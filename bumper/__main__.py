"""``python -m bumper`` is the command ``bumper``."""

from bumper.cli import process

process()
