"""What of bumper.yaml's patterns is of no use, or changes more than one may think: told, and refused by nobody."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from bumper.environments.config_models import CONFIG_FILE
from bumper.environments.repository import RepositoryConfig
from bumper.errors import Refused


@dataclass(frozen=True, slots=True)
class Odd:
    """What is odd about an environment, and what to do about it."""

    environment: str
    message: str
    fix: str


def odd_layout(setup: RepositoryConfig) -> Iterator[Odd]:
    """Patterns that match nothing, and files that are one environment's values and another's base."""
    layout = setup.layout
    for name in layout.environments:
        for pattern in layout.idle_patterns(name):
            yield Odd(name, f"no file matches {pattern}", f"correct it in {CONFIG_FILE}, or remove it")
        with contextlib.suppress(Refused):  # of an environment that is broken, which is reported elsewhere
            heirs = layout.heirs(name)
            for other in dict.fromkeys(heirs.values()):
                files = [file for file, heir in heirs.items() if heir == other]
                more = f" and {len(files) - 1} more" if len(files) > 1 else ""
                yield Odd(
                    name,
                    f"{min(files)}{more} is also a base of {other}: a bump of {name} changes {other} where its own "
                    "values do not override the tag",
                    f"give {other} tags of its own, or {name} values of its own",
                )
