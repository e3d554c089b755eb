"""What bumper is doing, told to whoever listens: the command line shows what takes long."""

import logging

LOGGER = logging.getLogger("bumper.steps")


def begin(step: str) -> None:
    """A step begins, which ends the one before; no secret is ever in it."""
    LOGGER.info("%s", step)
