"""``bumper set`` on large files, of which only those sections are read in which the image can stand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bumper.commands.set_tag import set_tag
from bumper.errors import Refused
from bumper.image import parse_image
from tests.values.test_golden import CASES

IMAGE = "registry.example.com/team/app"
FILLER = "".join(
    f"filler{number}:\n  words: some  # {{{{ a comment }}}}\n  list: [ a,  'b' ]\n"
    "  text: |\n    image:\n    *no alias*\n"
    for number in range(250)
)


def edited(text: bytes, folder: Path, image: str = f"{IMAGE}:1.10") -> bytes | str:
    """The file after ``bumper set``, or why it is not edited, with the line taken off."""
    file = folder / "large.yaml"
    file.write_bytes(text)
    try:
        set_tag(parse_image(image), [str(file)], None)
    except Refused as refusal:
        assert file.read_bytes() == text
        return str(refusal)
    return file.read_bytes()


def parts(text: str) -> Iterator[str]:
    yield text + FILLER
    yield FILLER + text


@pytest.mark.parametrize(
    "text",
    [
        "image:\n  repository: registry.example.com/team/app\n  tag: 1.9 # keep\n",
        "image: registry.example.com/team/app\nimageTag: 1.9\n",
        "imageTag: 1.9\nother: x\nimageRepository: team/app\nimageRegistry: registry.example.com\n",
        "global:\n  imageRegistry: registry.example.com\nweb:\n  image:\n    repository: team/app\n    tag: '1.9'\n",
        'web:\n  "im\\x61ge":\n    repository: "registry.example.com/team/\\x61pp"\n    tag: 1.9\n',
        "web:\n- repository: registry.example.com/team/app\n  tag: 1.9\n",
        "web: {image: {repository: registry.example.com/team/app, tag: 1.9}}\n",
        "web:\n  ? image\n  : repository: registry.example.com/team/app\n    tag: 1.9\n",
    ],
)
def test_the_image_is_found_wherever_it_is_named(text: str, tmp_path: Path) -> None:
    for whole in parts(text):
        after = edited(whole.encode(), tmp_path)

        assert isinstance(after, bytes)
        assert after.decode().replace('"1.10"', "1.9").replace("'1.10'", "'1.9'") == whole


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_a_case_among_many_sections_ends_as_it_does_alone(case: Path, tmp_path: Path) -> None:
    image, *_ = (case / "request").read_text().split()
    source = (case / "input.yaml").read_bytes()
    alone, padded = edited(source, tmp_path, image), edited(FILLER.encode() + source, tmp_path, image)

    if isinstance(alone, bytes):
        assert padded == FILLER.encode() + alone or isinstance(padded, str)  # a document's mark, say, ends the filler
    else:
        assert isinstance(padded, str)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("broken: 'text\n", "not valid YAML"),
        ("broken: [a\n", "not valid YAML"),
        ("broken: a: b\n", "not valid YAML"),
        ("broken:\n  a: 1\n b: 2\n", "not valid YAML"),
        ("broken: *nowhere\n", "undefined alias"),
        ("image:\n  other: x\n", "stands twice"),
        ("---\n- a\n- *nowhere\n", "undefined alias"),
        ("sops:\n  mac: x\n", "encrypted by SOPS"),
        ("\ttab: x\n", "not valid YAML"),
        ("control: \a\n", "not valid YAML"),
    ],
)
def test_what_is_wrong_elsewhere_is_told_all_the_same(broken: str, said: str, tmp_path: Path) -> None:
    right = f"image:\n  repository: {IMAGE}\n  tag: 1.9\n"

    for text in (right + FILLER + broken, FILLER + right + broken):
        assert said in str(edited(text.encode(), tmp_path))


def test_what_changes_along_in_another_section_is_told(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_text(f"image:\n  repository: {IMAGE}\n  tag: &tag v1\n{FILLER}worker:\n  version: *tag\n")

    done = set_tag(parse_image(f"{IMAGE}:v2"), [str(file)], None)

    assert [warning for warning in done.warnings if "worker.version changes too" in warning]


SECTIONS = st.sampled_from(
    [
        f"a:\n  image:\n    repository: {IMAGE}\n    tag: 1.9\n",
        "b:\n  image: team/other:2\n",
        f'c: "{IMAGE}:1.9"\n',
        f"image: {IMAGE}\n",
        "tag: 1.9\n",
        "registry: registry.example.com\n",
        f"d: |\n  image: {IMAGE}:1.9\n",
        f"e: 'text\n  image: {IMAGE}:1.9\n  of lines'\n",
        f"f:\n- image: {IMAGE}:1.9\n",
        "g: {}\n",
        "# words\n\n",
        'h: "\n',
        "i: &x 1\n",
        "j: *x\n",
        "---\n",
        f"k k:\n  image: {IMAGE}:1.9\n",
        f'"l":\n  image: {IMAGE}:1.9\n',
        "m: {a: [\n",
    ]
)


@given(st.lists(SECTIONS, min_size=1, max_size=6))
def test_any_sections_end_as_they_do_read_whole(tmp_path_factory: pytest.TempPathFactory, sections: list[str]) -> None:
    folder, text = tmp_path_factory.mktemp("large"), "".join(sections)
    comment = "# a comment that makes the file large\n" * 600
    alone, large = edited(text.encode(), folder), edited((comment + text).encode(), folder)

    if isinstance(alone, bytes):
        assert large == comment.encode() + alone
    else:
        assert isinstance(large, str)
