"""The machine's trouble is told apart from bugs."""

import errno

import pytest

from bumper.cli.main import machine_trouble


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "no room", "x"),
        OSError(errno.EMFILE, "files"),
        RuntimeError("can't start new thread"),
    ],
)
def test_of_the_machine(error: Exception) -> None:
    trouble = machine_trouble(error)

    assert trouble is not None
    assert trouble.exit_code == 4
    assert trouble.next_step


@pytest.mark.parametrize(
    "error", [FileNotFoundError(errno.ENOENT, "none"), OSError("a library's own"), RuntimeError("x"), KeyError("x")]
)
def test_a_bug(error: Exception) -> None:
    assert machine_trouble(error) is None
