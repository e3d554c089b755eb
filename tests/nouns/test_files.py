"""Local files are replaced whole or not at all, stay what they were otherwise, and lose no other program's change."""

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bumper.commands.set_tag import set_tag
from bumper.errors import Refused, Unavailable
from bumper.files import replace_local
from bumper.image import parse_image


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "values.yaml"
    path.write_bytes(b"before\n")
    return path


def test_the_mode_and_the_attributes_stay(file: Path) -> None:
    file.chmod(0o640)
    try:
        os.setxattr(file, "user.note", b"kept")
        attributes = os.listxattr(file)
    except (AttributeError, OSError):  # a file system without them
        attributes = []

    replace_local(file, b"before\n", b"after\n")

    assert file.read_bytes() == b"after\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert not attributes or os.getxattr(file, "user.note") == b"kept"
    assert list(file.parent.iterdir()) == [file]


def test_a_file_with_two_names_keeps_both(file: Path) -> None:
    other = file.with_name("other.yaml")
    other.hardlink_to(file)

    replace_local(file, b"before\n", b"much longer than before\n")
    replace_local(file, b"much longer than before\n", b"short\n")

    assert other.read_bytes() == b"short\n"
    assert other.samefile(file)


def test_a_change_by_another_program_is_not_lost(file: Path) -> None:
    with pytest.raises(Refused, match="changed by another program"):
        replace_local(file, b"what was read\n", b"after\n")

    assert file.read_bytes() == b"before\n"


@pytest.mark.parametrize("links", [1, 2])
def test_a_full_disk_leaves_the_file_as_it_was(file: Path, links: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if links > 1:
        file.with_name("other.yaml").hardlink_to(file)
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(Unavailable, match="was not changed"):
        replace_local(file, b"before\n", b"after, and longer\n")

    assert file.read_bytes() == b"before\n"


def test_ten_edits_of_one_file_at_once_all_count(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("".join(f"app{number}:\n  image: shop/app{number}:v1\n" for number in range(10)))

    def edit(number: int) -> None:
        set_tag(parse_image(f"shop/app{number}:v2"), [str(file)], None)

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(edit, range(10)))

    assert file.read_text().count(":v2") == 10
