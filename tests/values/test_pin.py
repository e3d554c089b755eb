import pytest
from hypothesis import given
from hypothesis import strategies as st

from bumper.values.pin import PinPath, format_path, parse_path

PATHS = st.lists(st.one_of(st.text(), st.integers(min_value=0)), min_size=1).map(tuple)


@given(PATHS)
def test_a_path_is_read_back_as_it_was_written(path: PinPath) -> None:
    assert parse_path(format_path(path)) == path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("image.tag", ("image", "tag")),
        ("a.b[0].tag", ("a", "b", 0, "tag")),
        ('a["key.with.dots"].tag', ("a", "key.with.dots", "tag")),
        ('["a\\"b"]', ('a"b',)),
        ("[0][1]", (0, 1)),
        ("web-app.image_tag", ("web-app", "image_tag")),
        ("kubernetes/io.tag", ("kubernetes/io", "tag")),
    ],
)
def test_paths_as_people_write_them(text: str, path: PinPath) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[-1]", "a]", 'a["b', 'a["\\x"]', "a b", "a.[0]"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"path"):
        parse_path(text)


@given(st.text())
def test_any_text_is_a_path_or_an_error(text: str) -> None:
    try:
        path = parse_path(text)
    except ValueError:
        return
    assert parse_path(format_path(path)) == path
