"""Moves image tags through Helm values in a GitOps repository, by GitLab merge request.

As a library (see ``bumper.library``): ``find_pins``, ``set_tags``, ``plan_bump`` and ``propose`` work on bytes, without
git and without GitLab.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bumper.errors import BumperError, Refused, WrongUsage
    from bumper.image import ImageReference, Repository
    from bumper.library import Pin, Plan, find_pins, plan_bump, propose, set_tags
    from bumper.planning.proposal import Proposal
    from bumper.values.change import Change, Held

__version__ = "0.2.0"
__all__ = [
    "BumperError",
    "Change",
    "Held",
    "ImageReference",
    "Pin",
    "Plan",
    "Proposal",
    "Refused",
    "Repository",
    "WrongUsage",
    "find_pins",
    "plan_bump",
    "propose",
    "set_tags",
]
_FROM = {
    "BumperError": "errors",
    "Refused": "errors",
    "WrongUsage": "errors",
    "Change": "values.change",
    "Held": "values.change",
    "ImageReference": "image",
    "Repository": "image",
    "Proposal": "planning.proposal",
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for: the command line starts without the library."""
    if name not in __all__:
        raise AttributeError(f"module 'bumper' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"bumper.{_FROM.get(name, 'library')}"), name)


def __dir__() -> list[str]:
    """The public names, for ``dir(bumper)``, ``help(bumper)`` and whatever completes names."""
    return [*__all__, "__version__"]
