"""What is said of pins: why one cannot be set, which lines would mend it, and what changes along."""

from collections.abc import Iterator, Sequence

from bumper.image import ImageReference
from bumper.values.pin import Pin
from bumper.values.pin_path import format_path
from bumper.values.values_file import ValuesFile, aliases_of, describe


def explain_refusal(values: ValuesFile, pin: Pin, image: ImageReference) -> str:
    """Why a pin that has a refusal cannot be set, with the lines to add where its tag is not there."""
    add = f"; add\n{lines_to_add(pin, image)}" if pin.absent else "."
    return f"{describe(values, pin)} cannot be set: {pin.refusal}{add}"


def lines_to_add(pin: Pin, image: ImageReference) -> str:
    """The YAML that gives the pin a tag; within a list, whose items Helm does not merge, only the line itself."""
    value = f"{pin.prefix}{image.tag}" if pin.prefix else f'"{image.tag}"'
    names = [step for step in pin.path if isinstance(step, str)]
    if len(names) != len(pin.path):
        return f"  {names[-1]}: {value}"
    lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate(names, 1)]
    return "\n".join([*lines[:-1], f"{lines[-1]} {value}"])


def explain_followers(values: ValuesFile, changed: Sequence[Pin]) -> Iterator[str]:
    """What else changes because it is an alias of a changed value: every consumer of its anchor is named."""
    paths = {pin.path for pin in changed}
    for pin in changed:
        if pin.tag_scalar is not None:
            for path, line in aliases_of(values, pin.tag_scalar):
                if path not in paths:
                    yield (
                        f"{values.name}:{line}: {format_path(path)} changes too: it is an alias of "
                        f"{format_path(pin.path)} in line {pin.line}."
                    )
