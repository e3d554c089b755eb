from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, finish, start
from tests.support.gitops import APP, values


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_json_of_a_pin(folder: Path, bumper: CommandLine) -> None:
    digest = f"sha256:{'a' * 64}"
    (folder / "values.yaml").write_text(values(f"1.0.0@{digest}") + "extra:\n  imageTag: v2\n")
    extra = {"path": "extra.imageTag", "line": 5, "image": None, "tag": "v2", "digest": None}

    assert bumper("pins", "values.yaml", "--output", "json", code=0).json == {
        "pins": [
            {
                "file": "values.yaml",
                "path": "image.tag",
                "line": 3,
                "image": APP,
                "tag": "1.0.0",
                "digest": digest,
                "shape": "repository+tag@digest",
            },
            {"file": "values.yaml", **extra, "shape": "imageTag"},
        ],
        "warnings": [],
    }


def test_the_text_is_one_pin_a_line(folder: Path, bumper: CommandLine) -> None:
    (folder / "a.yaml").write_text(values("1.0.0"))
    (folder / "b.yaml").write_text(values("2.0.0", "redis"))

    ran = bumper("pins", "a.yaml", "b.yaml", code=0)

    assert ran.out.splitlines() == [
        f"a.yaml:3:  image.tag  {APP}  1.0.0",
        "b.yaml:3:  image.tag  docker.io/library/redis        2.0.0",
    ]


def test_what_pins_prints_set_finds_again(folder: Path, bumper: CommandLine) -> None:
    text = "api:\n  image: redis:7.0\n  sidecars:\n    - name: proxy\n      image: ghcr.io/team/proxy:1.0\n"
    (folder / "values.yaml").write_text(text + values("1.0.0"))

    for pin in bumper("pins", "values.yaml", "--output=json", code=0).json["pins"]:
        bumper("set", f"{pin['image']}:new", "values.yaml", code=0)

    after = bumper("pins", "values.yaml", "--output=json", code=0).json["pins"]
    assert [(pin["path"], pin["tag"]) for pin in after] == [
        ("api.image", "new"),
        ("api.sidecars[0].image", "new"),
        ("image.tag", "new"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a: [b\n", "not valid YAML"), (b"a: \xff\n", "not UTF-8"), (b"sops:\n  mac: x\n", "SOPS")],
)
def test_an_unreadable_file_is_a_warning(folder: Path, bumper: CommandLine, content: bytes, said: str) -> None:
    (folder / "broken.yaml").write_bytes(content)
    (folder / "values.yaml").write_text(values("1.0.0"))

    ran = bumper("pins", "broken.yaml", "values.yaml", code=0)

    assert ran.err.startswith("warning: broken.yaml:")
    assert said in ran.err
    assert ran.out == f"values.yaml:3:  image.tag  {APP}  1.0.0\n"


@pytest.mark.parametrize("name", ["missing.yaml", "folder", "link.yaml"])
def test_what_is_no_file_is_a_warning(folder: Path, bumper: CommandLine, name: str) -> None:
    (folder / "folder").mkdir()
    (folder / "values.yaml").write_text(values("1.0.0"))
    (folder / "link.yaml").symlink_to("values.yaml")

    listed = bumper("pins", name, "--output=json", code=0).json

    assert listed["pins"] == []
    assert len(listed["warnings"]) == 1
    assert listed["warnings"][0].startswith(f"{name}:")


def test_a_pin_that_cannot_be_set_is_a_warning(folder: Path, bumper: CommandLine) -> None:
    (folder / "values.yaml").write_text(values('"{{ .Values.version }}"'))

    ran = bumper("pins", "values.yaml", code=0)

    assert ran.out == "no pins\n"
    assert ran.err.startswith("warning: values.yaml:3: image.tag cannot be set: ")


def test_pins_needs_a_file(bumper: CommandLine) -> None:
    assert "FILE" in bumper("pins", code=2).err


def test_neither_git_nor_a_server_is_needed(folder: Path, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (folder / "values.yaml").write_text(values("1.0.0"))

    assert APP in bumper("pins", "values.yaml", code=0).out


def test_thousands_of_files_are_listed_in_their_order(tmp_path: Path) -> None:
    names = [tmp_path / f"{number}.yaml" for number in range(270)]
    for number, name in enumerate(names):
        name.write_text("image: [\n" if number == 200 else f"image: team/app-{number}:1\n")

    ran = finish(start("pins", *map(str, names), "--output", "json"))

    assert [pin["file"] for pin in ran.json["pins"]] == [str(name) for name in names if name != names[200]]
    assert ran.json["warnings"] == [line.removeprefix("warning: ") for line in ran.said.splitlines()]
    assert len(ran.json["warnings"]) == 1


def test_the_files_below_a_folder_are_listed(bumper: CommandLine, tmp_path: Path) -> None:
    for name in ("a/values.yaml", "b/c/prod.yml", ".git/values.yaml", "chart/templates/pod.yaml", "d/values.txt"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("image: shop/api:v1\n")
    (tmp_path / "chart" / "Chart.yaml").write_text("name: chart\n")

    listed = bumper("pins", str(tmp_path), "--output", "json", code=0).json["pins"]

    assert [Path(pin["file"]).relative_to(tmp_path).as_posix() for pin in listed] == ["a/values.yaml", "b/c/prod.yml"]


def test_a_folder_without_yaml_is_a_warning(bumper: CommandLine, tmp_path: Path) -> None:
    assert "no YAML file" in bumper("pins", str(tmp_path), code=0).err


def test_a_comment_that_only_looks_like_a_hold_is_a_warning(bumper: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("# bumper: hold\nimage: registry.example.com/app:1 # bumper: hold for now\n")

    for command in (["pins", str(file)], ["set", "registry.example.com/app:2", str(file)]):
        (warning,) = bumper(*command, "--output", "json", code=0).json["warnings"]
        assert warning.startswith(f"{file}:1: this comment looks like a hold but holds nothing; write `# bumper: hold ")
