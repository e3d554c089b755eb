"""What stands beside a values file of which another version is read: the applications' other files, today and then.

They may name the image: read as they are today, the tags of an image that was replaced would be another's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.applications import AppFiles
from bumper.errors import Refused
from bumper.git.checkout import Checkout, read_files
from bumper.git.past_commits import blobs_at
from bumper.records.past import Step
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


@dataclass(frozen=True, slots=True)
class Beside:
    """The files of a commit's applications before the commit and after it; those that cannot be read are left out."""

    before: Mapping[str, ValuesFile]
    after: Mapping[str, ValuesFile]


def read_beside(
    checkout: Checkout, today: CurrentValues, steps: Sequence[tuple[Step, Sequence[AppFiles]]]
) -> list[Beside]:
    """For each step the files of its applications; what differs from those of ``today`` is fetched all at once.

    A file that was not there under its name of today stands for itself: it was moved along with the others, or is new.
    An application of a single file has nothing beside it.
    """
    several = [[app for app in apps if len(app.bases) + len(app.values) > 1] for _, apps in steps]
    current = today.of(app for apps in several for app in apps)
    files = [[path for app in apps for path in (*app.bases, *app.values)] for apps in several]
    found = blobs_at(checkout, {(step.past.commit.id, path) for (step, _), listed in zip(steps, files, strict=True)
                                for path in listed})  # fmt: skip
    sides: list[tuple[dict[str, str], dict[str, str]]] = []
    for (step, _), listed in zip(steps, files, strict=True):
        replaced = {file.path: file.old_blob for file in step.past.touched if file.old_blob is not None}
        after = {path: blob for path in listed if (blob := found.get((step.past.commit.id, path))) is not None}
        sides.append(({path: replaced.get(path, blob) for path, blob in after.items()}, after))
    others = {(path, blob) for pair in sides for side in pair for path, blob in side.items()}
    others = {(path, blob) for path, blob in others if path not in current or checkout.entries[path].blob != blob}
    contents = checkout.blobs.read({blob for _, blob in others})
    read = {(path, blob): _readable(path, contents[blob]) for path, blob in others}
    return [
        Beside(*(_side(listed, side, read, current) for side in pair))
        for pair, listed in zip(sides, files, strict=True)
    ]  # fmt: skip


def _side(
    paths: Iterable[str], blobs: Mapping[str, str], read: Mapping[tuple[str, str], ValuesFile | None],
    current: Mapping[str, ValuesFile],
) -> dict[str, ValuesFile]:  # fmt: skip
    then = {path: read.get((path, blobs.get(path, "")), current.get(path)) for path in paths}
    return {path: values for path, values in then.items() if values is not None}
