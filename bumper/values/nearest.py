"""The images whose names come nearest to one that is not there."""

import difflib
from collections.abc import Iterable

from bumper.image import Repository

_MOST = 5


def nearest_names(repository: Repository, known: Iterable[Repository | None]) -> list[str]:
    """Up to five of the ``known`` names: those that differ in the host or the folders only, then the most similar."""
    names = {str(other): other for other in known if other is not None}
    last = repository.name.rpartition("/")[2]
    elsewhere = sorted(name for name, other in names.items() if other.name == repository.name)
    alike = sorted(name for name, other in names.items() if other.name.rpartition("/")[2] == last)
    similar = difflib.get_close_matches(str(repository), names, n=_MOST, cutoff=0.5)
    return list(dict.fromkeys([*elsewhere, *alike, *similar]))[:_MOST]
