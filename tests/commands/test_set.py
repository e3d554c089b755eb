import os
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.gitops import APP, values

DIGEST = f"sha256:{'0123456789abcdef' * 4}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def file(folder: Path) -> Path:
    path = folder / "values.yaml"
    path.write_text(values("1.0.0  # set by CI"))
    return path


def test_the_tag_is_rewritten_in_place(file: Path, bumper: CommandLine) -> None:
    ran = bumper("set", f"{APP}:1.0.1", "values.yaml", code=0)

    assert file.read_text() == values("1.0.1  # set by CI")
    assert ran.out == f"values.yaml:3:  image.tag  {APP}  1.0.0 -> 1.0.1\n"
    assert ran.err == ""


@pytest.mark.usefixtures("file")
def test_the_json_of_a_change(bumper: CommandLine) -> None:
    assert bumper("set", f"{APP}:1.0.1@{DIGEST}", "values.yaml", "--output", "json", code=0).json == {
        "changes": [
            {
                "app": "",
                "file": "values.yaml",
                "path": "image.tag",
                "line": 3,
                "image": APP,
                "from": {"tag": "1.0.0", "digest": None},
                "to": {"tag": "1.0.1", "digest": DIGEST},
            }
        ],
        "warnings": [],
    }


def test_a_digest_that_is_given_is_written(file: Path, bumper: CommandLine) -> None:
    bumper("set", f"{APP}:1.0.1@{DIGEST}", "values.yaml", code=0)

    assert file.read_text() == values(f"1.0.1@{DIGEST}  # set by CI")


def test_the_same_tag_again_changes_nothing(file: Path, bumper: CommandLine) -> None:
    file.chmod(0o444)
    before = file.stat()

    ran = bumper("set", f"{APP}:1.0.0", "values.yaml", code=0)

    assert ran.out == "unchanged\n"
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_files_mode_stays_and_nothing_lies_beside_it(file: Path, bumper: CommandLine) -> None:
    file.chmod(0o640)

    bumper("set", f"{APP}:1.0.1", "values.yaml", code=0)

    assert file.stat().st_mode & 0o777 == 0o640
    assert os.listdir(file.parent) == ["values.yaml"]  # noqa: PTH208 - names alone


def test_several_files_at_once(folder: Path, bumper: CommandLine) -> None:
    for name in ("a.yaml", "b.yaml"):
        (folder / name).write_text(values("1.0.0"))
    (folder / "c.yaml").write_text("nothing: here\n")

    bumper("set", f"{APP}:1.0.1", "a.yaml", "b.yaml", "c.yaml", code=0)

    assert (folder / "a.yaml").read_text() == (folder / "b.yaml").read_text() == values("1.0.1")
    assert (folder / "c.yaml").read_text() == "nothing: here\n"


@pytest.mark.parametrize("other", ["missing.yaml", "broken.yaml", "template.yaml", "link.yaml"])
def test_one_file_that_cannot_be_set_leaves_all_as_they_were(
    folder: Path, file: Path, bumper: CommandLine, other: str
) -> None:
    (folder / "broken.yaml").write_text("a: [b\n")
    (folder / "template.yaml").write_text(values('"{{ .tag }}"'))
    (folder / "link.yaml").symlink_to("values.yaml")

    ran = bumper("set", f"{APP}:1.0.1", "values.yaml", other, code=1)

    assert other in ran.err
    assert file.read_text() == values("1.0.0  # set by CI")


@pytest.mark.usefixtures("file")
def test_nothing_uses_the_image(bumper: CommandLine) -> None:
    ran = bumper("set", "registry.example.com/team/other:1", "values.yaml", "--output=json", code=1)

    assert "registry.example.com/team/other" in ran.json["error"]["message"]
    assert "`bumper pins values.yaml`" in ran.json["error"]["message"]


def test_standard_input_to_standard_output(bumper: CommandLine) -> None:
    ran = bumper("set", f"{APP}:1.0.1", "-", stdin=values("1.0.0").encode(), code=0)

    assert ran.out == values("1.0.1")
    assert "1.0.0 -> 1.0.1" in ran.err


def test_standard_input_without_a_change_passes_through(bumper: CommandLine) -> None:
    crlf = values("1.0.0").replace("\n", "\r\n").rstrip()

    assert bumper("set", f"{APP}:1.0.0", "-", stdin=crlf.encode(), code=0).out == crlf


def test_standard_input_that_does_not_use_the_image(bumper: CommandLine) -> None:
    ran = bumper("set", f"{APP}:1.0.1", "-", stdin=b"nothing: here\n", code=1)

    assert ran.out == ""


def test_path_names_one_pin_whatever_stands_beside_it(folder: Path, bumper: CommandLine) -> None:
    file = folder / "values.yaml"
    file.write_text('worker:\n  version: 1.0.0\n"a.b":\n  - tag: 1.0.0\n')

    bumper("set", f"{APP}:1.0.1", "values.yaml", "--path", "worker.version", code=0)
    bumper("set", f"{APP}:1.0.2", "values.yaml", "--path", '["a.b"][0].tag', code=0)

    assert file.read_text() == 'worker:\n  version: 1.0.1\n"a.b":\n  - tag: 1.0.2\n'


def test_path_to_nothing_is_refused(file: Path, bumper: CommandLine) -> None:
    ran = bumper("set", f"{APP}:1.0.1", "values.yaml", "--path", "image.version", code=1)

    assert "image.version" in ran.err
    assert file.read_text() == values("1.0.0  # set by CI")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([f"{APP}", "values.yaml"], id="no tag"),
        pytest.param(["UPPER:1", "values.yaml"], id="no image"),
        pytest.param([f"{APP}:1", "-", "values.yaml"], id="standard input beside a file"),
        pytest.param([f"{APP}:1", "values.yaml", "--path", "a..b"], id="no path"),
        pytest.param([f"{APP}:1"], id="no file"),
    ],
)
def test_wrong_usage(file: Path, bumper: CommandLine, arguments: list[str]) -> None:
    assert bumper("set", *arguments, "--output=json", code=2).json["error"]["code"] == 2
    assert file.read_text() == values("1.0.0  # set by CI")


def test_a_tag_only_in_a_base_is_not_made_up(folder: Path, bumper: CommandLine) -> None:
    file = folder / "values.yaml"
    file.write_text(f"image:\n  repository: {APP}\n")

    ran = bumper("set", f"{APP}:1.0.1", "values.yaml", code=1)

    assert 'add\n  image:\n    tag: "1.0.1"' in ran.err
    assert file.read_text() == f"image:\n  repository: {APP}\n"


def test_a_key_that_another_of_its_name_overrides_is_refused(folder: Path, bumper: CommandLine) -> None:
    """Whatever the key is called, every reader takes the last of both, so a tag in the first runs nowhere."""
    before = "worker: ghcr.io/team/worker:1.0.0\nworker: off\n"
    (folder / "values.yaml").write_text(before)

    ran = bumper("set", "ghcr.io/team/worker:1.0.1", "values.yaml", code=1)

    assert "values.yaml:1: worker cannot be set: the key 'worker' is twice in one mapping (again in line 2)" in ran.err
    assert (folder / "values.yaml").read_text() == before


def test_a_folder_that_cannot_be_written(file: Path, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Root may write anywhere, and the tests may run as root: only the system call can be made to fail.
    monkeypatch.setattr("bumper.files.tempfile.NamedTemporaryFile", refuse)

    ran = bumper("set", f"{APP}:1.0.1", "values.yaml", code=1)

    assert "values.yaml cannot be written (Permission denied)" in ran.err
    assert file.read_text() == values("1.0.0  # set by CI")


def test_a_dry_run_shows_the_diff_and_writes_nothing(bumper: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("image: shop/api:v1\n")

    ran = bumper("set", "shop/api:v2", str(file), "--dry-run", code=0)

    assert "-image: shop/api:v1\n+image: shop/api:v2" in ran.out
    assert file.read_text() == "image: shop/api:v1\n"
