import shlex
import signal
import socket
from pathlib import Path

import pytest
import requests

from tests.support.command_line import CommandLine, finish, start

BACKEND = "registry.tbank.local/backend/app"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_printed_line_is_all_that_a_bump_needs(temporary_folder: Path, number: signal.Signals) -> None:
    server = start("sandbox")
    assert server.stdout is not None
    exports, pages = server.stdout.readline(), server.stdout.readline()
    environ = dict(item.partition("=")[::2] for item in shlex.split(exports.removeprefix("export ")))

    ran = finish(start("bump", "staging", f"{BACKEND}:1.0.3", "--no-verify", "--output=json", environ=environ))
    address = pages.removeprefix("# merge requests: ").partition(" ")[0]
    page = requests.get(ran.json["merge_request"]["url"], timeout=30).text
    overview = requests.get(address, timeout=30).text
    server.send_signal(number)
    ended = finish(server)

    assert set(environ) == {"BUMPER_REPO", "BUMPER_TOKEN"}
    assert "backend 1.0.2 -&gt; 1.0.3 in staging" in page
    assert "backend 1.0.2 -&gt; 1.0.3 in staging" in overview
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert list(temporary_folder.iterdir()) == []


def test_a_folder_of_its_own_is_kept_for_the_next_time_and_is_one_server_s(bumper: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "server"
    lines = []
    for _ in range(2):
        server = start("sandbox", "--dir", str(folder))
        assert server.stdout is not None
        lines.append(server.stdout.readline())
        assert f"another sandbox is running in {folder}" in bumper("sandbox", "--dir", str(folder), code=1).err
        server.send_signal(signal.SIGINT)
        finish(server)

    tokens = {line.rpartition("BUMPER_TOKEN=")[2] for line in lines}
    assert len(tokens) == 1
    assert (folder / "sandbox.json").is_file()


def test_a_port_that_is_taken(bumper: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ran = bumper("sandbox", "--port", str(port), code=1)

    assert ran.err.startswith(f"error: port {port} of 127.0.0.1 cannot be used (Address already in use); ")


def test_a_folder_that_cannot_be_made(bumper: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    message = bumper("sandbox", "--dir", str(tmp_path / "file" / "below"), code=1).err

    assert f"cannot keep its data in {tmp_path}/file/below (Not a directory); " in message


def test_a_folder_that_is_a_file(bumper: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert str(tmp_path / "file") in bumper("sandbox", "--dir", str(tmp_path / "file"), code=2).err


def test_a_port_that_is_none(bumper: CommandLine) -> None:
    assert "65535" in bumper("sandbox", "--port", "65536", code=2).err


def test_settings_choose_another_kind_of_gitlab() -> None:
    server = start("sandbox", "--set", "merge_method=ff", "--set", "approvals_before_merge=2")
    assert server.stdout is not None
    exports = server.stdout.readline()
    environ = dict(item.partition("=")[::2] for item in shlex.split(exports.removeprefix("export ")))
    address = environ["BUMPER_REPO"].replace("/platform/gitops.git", "/api/v4/projects/platform%2Fgitops")

    project = requests.get(address, headers={"PRIVATE-TOKEN": environ["BUMPER_TOKEN"]}, timeout=30).json()
    server.send_signal(signal.SIGINT)
    finish(server)

    assert (project["merge_method"], project["approvals_before_merge"]) == ("ff", 2)


@pytest.mark.parametrize(
    ("setting", "code", "complaint"),
    [
        ("merge_method", 2, "write --set merge_method=VALUE"),
        ("merge_methods=ff", 1, "the sandbox has no setting merge_methods; its settings are allow_push_to"),
        ("merge_method=fast", 1, "'merge', 'rebase_merge' or 'ff'"),
        ("approvals_before_merge=two", 1, "is 'two', but a whole number is expected"),
        ("merge_method=fast", 1, "docs/reference/sandbox.md says what it may be"),
    ],
)
def test_a_setting_with_a_mistake(bumper: CommandLine, setting: str, code: int, complaint: str) -> None:
    assert complaint in bumper("sandbox", "--set", setting, code=code).err
