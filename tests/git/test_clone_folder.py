"""What a killed run left behind is removed by a later one, and nothing else is."""

import os
from pathlib import Path

from bumper.git.clone import make_clone_folder, sweep

NOW = 1_800_000_000.0
DAY = 24 * 3600


def test_old_clones_are_removed(tmp_path: Path) -> None:
    names = {"bumper-clone-old": DAY + 1, "bumper-clone-new": DAY - 1, "bumpers-own": 2 * DAY}
    for name, age in names.items():
        (tmp_path / name / "gitops.git").mkdir(parents=True)
        os.utime(tmp_path / name, (NOW - age, NOW - age))
    (tmp_path / "bumper-clone-link").symlink_to(tmp_path / "bumpers-own")
    os.utime(tmp_path / "bumper-clone-link", (0, 0), follow_symlinks=False)

    sweep(tmp_path, NOW)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["bumper-clone-link", "bumper-clone-new", "bumpers-own"]


def test_a_new_one_sweeps_beside_itself(temporary_folder: Path) -> None:
    left = temporary_folder / "bumper-clone-x"
    left.mkdir()
    os.utime(left, (0, 0))

    with make_clone_folder() as folder:
        assert list(temporary_folder.iterdir()) == [Path(folder)]
