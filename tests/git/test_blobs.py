"""Kept contents are believed by their object id alone, and read from a plain file alone."""

import os
import subprocess
from pathlib import Path

import pytest

from bumper.git.objects import keep, read_kept
from bumper.settings import CacheFolder

CONTENTS = [b"", b"a\n", b"image: x\ntag: 1\n", bytes(range(256)) * 10]


def object_id(content: bytes) -> str:
    command = ["git", "hash-object", "--stdin"]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode().strip()


BLOBS = {object_id(content): content for content in CONTENTS}


@pytest.fixture
def private(tmp_path: Path) -> CacheFolder:
    return CacheFolder(tmp_path / "cache", private=True)


def named(private: CacheFolder) -> CacheFolder:
    return CacheFolder(private.path, private=False)


def test_what_is_kept_is_found_again(private: CacheFolder) -> None:
    first, *others = BLOBS
    keep(private, {first: BLOBS[first]})
    keep(private, {key: BLOBS[key] for key in others})

    assert read_kept(private, BLOBS) == BLOBS
    assert read_kept(private, {first}) == {first: BLOBS[first]}
    assert [path.name for path in private.path.iterdir()] == ["blobs"]


def test_it_does_not_grow_for_ever(private: CacheFolder) -> None:
    keep(private, BLOBS)
    new = b"x" * 100
    keep(private, {object_id(new): new}, max_bytes=200)

    assert (private.path / "blobs").stat().st_size <= 200
    assert object_id(new) in read_kept(private, {object_id(new)})


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:-3],
        lambda raw: raw + b"junk",
        lambda raw: b"x blob -5\n" + raw,
        lambda raw: b"x blob " + b"9" * 90 + b"\n" + raw,
        lambda raw: b"\xff\xff blob 1\na\n" + raw,
        lambda _: b"",
    ],
)
def test_a_file_that_is_odd_keeps_nothing(private: CacheFolder, damage: "object") -> None:
    keep(private, BLOBS)
    file = private.path / "blobs"
    assert callable(damage)
    file.write_bytes(damage(file.read_bytes()))

    assert read_kept(private, BLOBS) == {}


def test_a_content_under_anothers_id_is_not_believed(private: CacheFolder) -> None:
    keep(private, dict(zip(BLOBS, reversed(CONTENTS), strict=True)))

    assert read_kept(private, BLOBS) == {}


def test_no_link_is_followed_and_no_pipe_is_waited_for(private: CacheFolder, tmp_path: Path) -> None:
    keep(private, BLOBS)
    file = private.path / "blobs"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert read_kept(named(private), BLOBS) == {}

    file.unlink()
    os.mkfifo(file)
    assert read_kept(named(private), BLOBS) == {}


def test_what_others_may_write_counts_only_where_it_was_named(private: CacheFolder) -> None:
    keep(private, BLOBS)
    (private.path / "blobs").chmod(0o666)

    assert read_kept(private, BLOBS) == {}
    assert read_kept(named(private), BLOBS) == BLOBS
