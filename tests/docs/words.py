"""What people read of bumper: its pages, the texts of CI files, and the strings of the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import PAGES, ROOT

# What bumper's texts once said in the place of plain words, and may not say again. "Stands for", "cannot be told apart"
# and "there is no" are English.
_ODD = re.compile(
    r"\b(told(?! apart)|said|mend\w*|tells of|(?:held|stands) against|stands(?! for)|who has lost|exclude each other)\b"
    r"|(?<!there )\bis no\b(?! longer)",
    re.IGNORECASE,
)
_FAILURES = {
    "BumperError", "LookedFarEnough", "MovedOn", "NoAnswer", "NoSuchApplication", "NotAnswering", "NotDeployed",
    "NotDone", "NotShown", "Refused", "Unavailable", "UntrustedCertificate", "Waiting", "WrongUsage",
}  # fmt: skip
_NAMES = ("Argo CD", "GitLab")
_KEY_OF_DOCTOR = "mend"  # the JSON has it since 0.1.0
_TEMPLATES = [*(ROOT / "templates").iterdir(), *(ROOT / "examples").rglob("*.yml")]
_IN_HTML = re.compile(r"<(?:script|style).*?</(?:script|style)>|<[^>]*>", re.DOTALL)


def odd_words(text: str) -> list[str]:
    return [found[0] for found in _ODD.finditer(text)]


def texts() -> Iterator[tuple[Path, str]]:
    """Every text that a person may read, with the file that it is from."""
    for page in [*PAGES, *_TEMPLATES]:
        yield page, page.read_text(encoding="utf-8").replace(f"`{_KEY_OF_DOCTOR}`", "")
    for page in (ROOT / "bumper").rglob("*.html"):
        yield page, _IN_HTML.sub(" ", page.read_text(encoding="utf-8"))
    for module in (ROOT / "bumper").rglob("*.py"):
        for text in _strings(ast.parse(module.read_text(encoding="utf-8"))):
            yield module, text


def capital_failures() -> list[str]:
    """The sentences of failures that begin in upper case without a name."""
    found = []
    for module in (ROOT / "bumper").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    ast.Name(kind), [ast.Constant(str(text)) | ast.JoinedStr([ast.Constant(str(text)), *_]), *_]
                ) if kind in _FAILURES and text[0].isupper() and not text.startswith(_NAMES):
                    found.append(text)
    return found


def _strings(module: ast.Module) -> Iterator[str]:
    """A module's strings but docstrings; help texts that are docstrings are in docs/reference/commands.md."""
    docstrings = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in docstrings and text != _KEY_OF_DOCTOR:
                yield text
