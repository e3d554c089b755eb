"""Taking turns after a lost race: one at a time for one branch, and nobody waits for ever."""

import threading
from pathlib import Path

import pytest

from bumper.git import turns
from bumper.git.turns import take_turn
from bumper.settings import Settings, read_settings


def settings(folder: Path, repo: str = "https://gitlab.example.com/a/b.git") -> Settings:
    environ = {"BUMPER_TOKEN": "x", "XDG_CACHE_HOME": str(folder)}
    return read_settings(environ, repo=repo, branch=None, gitlab_url=None)


def taken_by_another(mine: Settings, branch: str) -> tuple[threading.Thread, threading.Event]:
    """Somebody else who wants the turn, and whether he has had it."""
    had = threading.Event()

    def take() -> None:
        with take_turn(mine, branch):
            had.set()

    other = threading.Thread(target=take, daemon=True)
    other.start()
    return other, had


def test_one_branch_is_one_turn(tmp_path: Path) -> None:
    mine = settings(tmp_path)
    with take_turn(mine, "main"):
        other, had = taken_by_another(mine, "main")
        for place in (settings(tmp_path, "https://gitlab.example.com/a/c.git"), settings(tmp_path / "other")):
            with take_turn(place, "main"):
                pass
        with take_turn(mine, "release"):
            assert not had.is_set()

    other.join(10)
    assert had.is_set()


def test_nobody_waits_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_MAX_WAIT", 0.05)
    mine = settings(tmp_path)
    with take_turn(mine, "main"):
        other, had = taken_by_another(mine, "main")
        other.join(10)
        assert had.is_set()


@pytest.mark.parametrize("folder", ["/dev/null", "relative"])
def test_where_nothing_can_be_kept_everybody_goes_on(folder: str) -> None:
    with take_turn(settings(Path(folder)), "main"):
        pass
