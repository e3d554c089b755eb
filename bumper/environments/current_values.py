"""Values files as they stand at the tip, read as far as they are asked for."""

from collections.abc import Iterable, Mapping

from bumper.environments.layout import AppFiles
from bumper.errors import Refused
from bumper.git.checkout import Checkout, read_files
from bumper.values.values_file import ValuesFile, read_values


class CurrentValues:
    """The files of applications, beside which another version of one of them is read."""

    __slots__ = ("_checkout", "_read")

    def __init__(self, checkout: Checkout, known: Mapping[str, ValuesFile]) -> None:
        """``known`` are those that were read already."""
        self._checkout = checkout
        self._read: dict[str, ValuesFile | None] = dict(known)

    def of(self, apps: Iterable[AppFiles]) -> Mapping[str, ValuesFile]:
        """The files of ``apps`` that can be read; those that are missing are fetched all at once."""
        paths = dict.fromkeys(path for app in apps for path in (*app.bases, *app.values))
        missing = [path for path in paths if path not in self._read and path in self._checkout.entries]
        contents = read_files(self._checkout, missing)
        self._read |= {path: _readable(path, contents.get(path)) for path in missing}
        return {path: values for path in paths if (values := self._read.get(path)) is not None}


def _readable(path: str, content: bytes | None) -> ValuesFile | None:
    try:
        return read_values(path, content) if content is not None else None
    except Refused:
        return None
