"""Sections of values files: where an environment or an application is a part of a file that others share. Pure."""

from typing import TypeAlias

from bumper.environments.path_pattern import APP
from bumper.values.pin import PinPath, parse_path

Section: TypeAlias = PinPath  # {app} in it stands for every key there

_HIDDEN = "\ue000app\ue001"


def parse_section(at: str | None, app: str = APP) -> Section:
    """The section that bumper.yaml's ``at`` names, with the name of ``app`` in it; all of the file without ``at``.

    Raises:
        ValueError: it is not a path.

    """
    if at is None:
        return ()
    steps = parse_path(at.replace(APP, _HIDDEN))
    return tuple(step.replace(_HIDDEN, app) if isinstance(step, str) else step for step in steps)


def are_apart(one: Section, other: Section) -> bool:
    """Whether no pin can be in both sections."""
    return any(
        here != there and APP not in str(here) and APP not in str(there)
        for here, there in zip(one, other, strict=False)
    )
