"""Warnings about an image that a file names in a form that bumper does not edit: in a text, in a name in parts.

It is left alone and named, with file and line, so that nothing is silently half done.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice

from bumper.image import ImageReference, Repository, read_repository
from bumper.values.named_places import lines_left_alone
from bumper.values.pin import Pin, format_path
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
        if pin.repository is not None and (_replaces(pin, repository) or _same_name(pin.repository, repository)):
            other = f"is of {pin.repository}, not of {repository}"
            yield f"{describe(values, pin)} {other}; {_how_to_name(pin, repository)}."


def _replaces(pin: Pin, repository: Repository) -> bool:
    """Whether the pin's image takes the place of ``repository``, as Kustomize's newName does."""
    return any(read_repository(part) == repository for part in pin.name_parts[1:])


def _same_name(one: Repository, other: Repository) -> bool:
    """Whether two repositories differ in their registry alone."""
    return one.name.removeprefix("library/") == other.name.removeprefix("library/")


def _how_to_name(pin: Pin, repository: Repository) -> str:
    path = json.dumps(format_path(pin.path))
    return (
        f"if the chart runs {repository} there, add to `images` in bumper.yaml {{image: {repository}, path: {path}}}, "
        f"or use `bumper set --path`"
    )


def _explain_unnamed(values: ValuesFile, pin: Pin, repository: Repository) -> str:
    """Why a pin has no name, and what gives it one."""
    why = f"its image is not known: {pin.unnamed}"
    return f"{describe(values, pin)} was left alone, because {why}; {_how_to_name(pin, repository)}."


def _ends_like(part: str, repository: Repository) -> bool:
    return part.rstrip("/").rpartition("/")[2] == repository.name.rpartition("/")[2]
