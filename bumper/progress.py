"""The steps of a run, reported to whoever listens: the command line shows those that take long."""

import logging

LOGGER = logging.getLogger("bumper.steps")


def report_step(step: str) -> None:
    """A step begins, which ends the one before; no secret is ever in it."""
    LOGGER.info("%s", step)
