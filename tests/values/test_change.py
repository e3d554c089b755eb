"""The diff that bumper shows, held against git's own."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bumper.values.change import unified_diff


def git_diff(before: bytes, after: bytes) -> str:
    """What git prints for the two versions, but for the blobs' ids and its guesses at the enclosing section."""
    with TemporaryDirectory() as folder:
        for side, content in (("a", before), ("b", after)):
            (Path(folder) / side).mkdir()
            (Path(folder) / side / "values.yaml").write_bytes(content)
        done = subprocess.run(
            ["git", "diff", "--no-index", "--no-color", "--no-prefix", "a/values.yaml", "b/values.yaml"],
            cwd=folder, capture_output=True, check=False,
        )  # fmt: skip
    lines = done.stdout.decode().split("\n")
    kept = [line for line in lines if not line.startswith("index ")]
    return "\n".join(" @@".join(line.split(" @@")[:1]) + " @@" if line.startswith("@@ ") else line for line in kept)


@st.composite
def versions(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A text, and the same with some of its lines changed; no line stands twice, so that there is one diff."""
    count = draw(st.integers(1, 60))
    changed = draw(st.sets(st.integers(0, count - 1), max_size=6))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    last = draw(st.sampled_from([end, ""]))
    old = [f"key{number}: old" for number in range(count)]
    new = [f"key{number}: new" if number in changed else line for number, line in enumerate(old)]
    return (end.join(old) + last).encode(), (end.join(new) + last).encode()


@settings(max_examples=30, deadline=None)
@given(versions())
def test_the_diff_is_gits(pair: tuple[bytes, bytes]) -> None:
    before, after = pair

    assert unified_diff("values.yaml", before, after) == git_diff(before, after)


@pytest.mark.parametrize("gap", range(5, 9))
def test_hunks_that_touch_are_one(gap: int) -> None:
    before = "".join(f"line {number}\n" for number in range(30)).encode()
    after = before.replace(b"line 10\n", b"new 10\n").replace(f"line {10 + gap}\n".encode(), b"new\n")

    assert unified_diff("values.yaml", before, after) == git_diff(before, after)


def test_nothing_differs() -> None:
    assert unified_diff("values.yaml", b"a: 1\n", b"a: 1\n") == ""
