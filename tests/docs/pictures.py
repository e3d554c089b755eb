"""The README's badges, and its recording of ``bumper demo``, which ``python -m tests.docs.pictures`` makes anew.

The recording is the demo as it ran: its lines appear one after the other in a terminal's window, by CSS alone.
"""

import html
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from bumper import __version__
from tests.support.terminal import on_a_terminal

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
_COLUMNS, _ROWS = 112, 26
_WIDTH, _HEIGHT, _MARGIN = 8.43, 19, 14  # of a character of the font at 14 pixels, of a line, around the text
_LINE, _COMMAND, _END = 0.09, 1.6, 6.0  # seconds after a line, after a command's output, and before it starts again
_BACKGROUND, _TEXT = "#161b22", "#e6edf3"
_COLOURS = {
    1: "#ff7b72",
    2: "#7ee787",
    3: "#e3b341",
    4: "#79c0ff",
    5: "#d2a8ff",
    6: "#76e3ea",
}  # by a terminal's number


def badges() -> Iterator[tuple[str, str]]:
    """The names and contents of the badges."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    yield "version.svg", _badge("version", __version__, "#1f6feb")
    yield "python.svg", _badge("python", f"{versions[0]} to {versions[-1]}", "#1f6feb")
    yield "licence.svg", _badge("licence", project["license"], "#2da44e")


def _badge(name: str, value: str, colour: str) -> str:
    left, right = (7 * len(text) + 14 for text in (name, value))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{name}: {value}">
  <rect width="{left + right}" height="20" rx="3" fill="#57606a"/>
  <path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{right - 3}z" fill="{colour}"/>
  <g fill="#fff" text-anchor="middle" font-family="Verdana, DejaVu Sans, sans-serif" font-size="11">
    <text x="{left / 2}" y="14">{name}</text>
    <text x="{left + right / 2}" y="14">{value}</text>
  </g>
</svg>
"""


def recording(lines: list[Text]) -> str:
    """An SVG in which ``lines``, with a terminal's colours, appear as they did in the terminal."""
    steps = list(_steps(lines))
    length = sum(seconds for _, seconds in steps) + _END
    width, height = round(_COLUMNS * _WIDTH + 2 * _MARGIN), _ROWS * _HEIGHT + 2 * _MARGIN
    rows = "\n".join(
        f'<text x="{_MARGIN}" y="{_MARGIN + (number + 1) * _HEIGHT - 5}">{_spans(line)}</text>'
        for number, line in enumerate(lines)
        if line
    )
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"
 aria-label="A recording of bumper demo">
<style>
text {{ font: 14px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre }}
@keyframes scroll {{ {_keyframes(steps, length, scrolled=True)} }}
@keyframes appear {{ {_keyframes(steps, length, scrolled=False)} }}
.scroll {{ animation: scroll {length:.1f}s step-end infinite }}
.cover {{ animation: appear {length:.1f}s step-end infinite; transform: translateY({_ROWS * _HEIGHT}px) }}
@media (prefers-reduced-motion) {{
  .scroll, .cover {{ animation-play-state: paused; animation-delay: -{length - 1:.1f}s }}
}}
</style>
<rect width="{width}" height="{height}" rx="8" fill="{_BACKGROUND}"/>
<svg x="0" y="{_MARGIN}" width="{width}" height="{_ROWS * _HEIGHT}" viewBox="0 {_MARGIN} {width} {_ROWS * _HEIGHT}">
<g class="scroll" fill="{_TEXT}">
{rows}
<rect class="cover" y="{_MARGIN}" width="{width}" height="{len(lines) * _HEIGHT + height}" fill="{_BACKGROUND}"/>
</g>
</svg>
</svg>
"""


def _steps(lines: list[Text]) -> Iterator[tuple[int, float]]:
    """How many lines are shown, and for how long: longer where the next line begins another step of the demo."""
    for shown, following in enumerate([*lines[1:], Text()], start=1):
        yield shown, _COMMAND if following.plain.startswith("# ") else _LINE


def _keyframes(steps: list[tuple[int, float]], length: float, *, scrolled: bool) -> str:
    """The way down of what covers the lines to come or, once the window is full, the way up of them all."""
    frames, moment = [], 0.0
    for shown, seconds in steps:
        rows = -max(0, shown - _ROWS) if scrolled else shown
        frames.append(f"{100 * moment / length:.2f}% {{ transform: translateY({rows * _HEIGHT}px) }}")
        moment += seconds
    return " ".join(frames)


def _spans(line: Text) -> str:
    segments = line.render(Console(), end="")
    return "".join(_span(html.escape(segment.text, quote=False), segment.style or Style()) for segment in segments)


def _span(text: str, style: Style) -> str:
    colour = _COLOURS.get((style.color.number or 0) % 8) if style.color else None
    looks = [f'fill="{colour}"'] if colour else []
    looks += ['font-weight="bold"'] if style.bold else []
    looks += ['opacity="0.65"'] if style.dim else []
    return f"<tspan {' '.join(looks)}>{text}</tspan>" if looks else text


def demo() -> list[Text]:
    """The lines of ``bumper demo`` in a terminal, broken at its edge."""
    printed = on_a_terminal(["demo"], {**os.environ, "COLUMNS": str(_COLUMNS), "TERM": "xterm-256color"})
    lines = printed.replace("\r", "").rstrip().split("\n")
    shown = [_line(line) for line in lines if not line.endswith(" ...")]  # the steps that a busy machine is slow at
    return [part for line in shown for part in line.divide(range(_COLUMNS, len(line), _COLUMNS))]


def _line(printed: str) -> Text:
    """A line with its colours; what the demo types, and what it says about that, has colours of its own."""
    line = Text.from_ansi(printed)
    own = {"# ": Style(color=Color.from_ansi(6)), "$ ": Style(bold=True)}.get(line.plain[:2])
    if own is not None:
        line.stylize(own)
    return line


if __name__ == "__main__":
    (PICTURES / "demo.svg").write_text(recording(demo()), encoding="utf-8")
