"""docs/reference/shapes.md: the shapes that are read, each by the shortest golden case of its kind."""

import html
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bumper.image import parse_image
from bumper.values.pin import Pin
from bumper.values.values_file import find_pins, read_values

_CASES = Path(__file__).parents[2] / "fixtures" / "values"
_PAGE = """\
# Shapes of images in values

Generated from the golden cases by `make docs`. Keys are compared without case, hyphens, underscores and dots, and a
word before them joins them: `webImageTag` goes with `webImage`. A repository without a host takes the registry beside
it, then `global.imageRegistry` or another registry above it, then Docker Hub. Where the parts of a name
cannot be joined for certain, or a part is a placeholder, the pin is listed without an image: `images` in bumper.yaml
names it, and `bumper set --path` sets it. What names an image in any other form (a text, an argument) is left alone,
with a warning that says the line.

| shape | example | asked for | what is written |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class _Example:
    shape: str
    before: str
    request: str
    written: str

    @property
    def row(self) -> str:
        cells = (f"`{self.shape}`", _block(self.before), f"`{self.request}`", _block(self.written))
        return f"| {' | '.join(cells)} |"


def shapes() -> str:
    """shapes.md: a row for each shape."""
    shortest: dict[str, _Example] = {}
    for example in _examples():
        known = shortest.setdefault(example.shape, example)
        if len(example.before) < len(known.before):
            shortest[example.shape] = example
    return _PAGE + "\n".join(shortest[shape].row for shape in sorted(shortest)) + "\n"


def _examples() -> Iterator[_Example]:
    for case in sorted(_CASES.iterdir()):
        request, *options = (case / "request").read_text().split()
        if (case / "expected.yaml").exists() and not (case / "base.yaml").exists() and "--path" not in options:
            before, after = ((case / name).read_bytes() for name in ("input.yaml", "expected.yaml"))
            for pin in find_pins(read_values("input.yaml", before)):
                asked = pin.repository == parse_image(request).repository and pin.refusal is None
                if asked and before != after and before.isascii():
                    yield _example(pin, before.decode(), after.decode(), " ".join([request, *options]))


def _example(pin: Pin, before: str, after: str, request: str) -> _Example:
    lines = zip(before.splitlines(), after.splitlines(), strict=False)
    return _Example(pin.shape, before.strip(), request, "\n".join(new.strip() for old, new in lines if old != new))


def _block(text: str) -> str:
    """Lines in a cell of a table."""
    escaped = html.escape(text, quote=False).replace("|", "&#124;").replace("\n", "<br>")
    return f"<pre>{escaped}</pre>"
