"""The pages that people read, and what stands in their fences."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


@dataclass(frozen=True, slots=True)
class Fence:
    """A block of a page; ``kind`` is the word behind the three backquotes."""

    page: Path
    kind: str
    text: str

    @property
    def lines(self) -> list[str]:
        """Commands without comments and blank lines."""
        return [line for line in self.text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def fences(page: Path, kind: str = "") -> list[Fence]:
    found = [Fence(page, name, text) for name, text in _FENCE.findall(page.read_text(encoding="utf-8"))]
    return [fence for fence in found if not kind or fence.kind == kind]


def links(page: Path) -> list[str]:
    """The addresses of the page's links into the project."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return [link for link in _LINK.findall(text) if "://" not in link]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))
