"""What is said of an image that a file names in a form that bumper does not edit: in a text, in a name in parts.

It is left alone and said, with file and line, so that nothing is silently half done.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice

from bumper.image import ImageReference, Repository, read_repository
from bumper.values.named_places import lines_left_alone
from bumper.values.pin import Pin
from bumper.values.pin_path import format_path
from bumper.values.values_file import ValuesFile, describe

_MAX_UNNAMED = 3


def explain_left_alone(values: ValuesFile, pins: Sequence[Pin], image: ImageReference) -> Iterator[str]:
    """A sentence for each line of the file that names ``image`` beside its pins, and for each pin that may be its."""
    repository = image.repository
    for line in lines_left_alone(values, pins, repository):
        yield f"{repository} is also named in {values.name}:{line}, which was left alone."
    for pin in pins:
        if pin.repository is None and any(_ends_like(part, repository) for part in pin.name_parts):
            yield _explain_unnamed(values, pin, repository)


def explain_other_names(values: ValuesFile, pins: Sequence[Pin], image: ImageReference) -> Iterator[str]:
    """For a file without a pin of ``image``: the pins without any name, and those of an image in its place."""
    repository = image.repository
    unnamed = (pin for pin in pins if pin.repository is None and not pin.name_parts)
    yield from (_explain_unnamed(values, pin, repository) for pin in islice(unnamed, _MAX_UNNAMED))
    for pin in pins:
        if pin.repository is not None and any(read_repository(part) == repository for part in pin.name_parts[1:]):
            yield f"{describe(values, pin)} is of {pin.repository}, not of {repository}."


def _explain_unnamed(values: ValuesFile, pin: Pin, repository: Repository) -> str:
    """Why a pin has no name, and what gives it one."""
    path = format_path(pin.path)
    return (
        f"{describe(values, pin)} was left alone, because its image is not known: {pin.unnamed}; "
        f"if it is {repository}, add to `images` in bumper.yaml {{image: {repository}, path: {json.dumps(path)}}}, "
        f"or use `bumper set --path`."
    )


def _ends_like(part: str, repository: Repository) -> bool:
    return part.rstrip("/").rpartition("/")[2] == repository.name.rpartition("/")[2]
