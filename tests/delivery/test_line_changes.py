"""Changed lines are compared at their places, also where the file has moved on; alike lines are no excuse."""

from hypothesis import given
from hypothesis import strategies as st

from bumper.delivery.branch import LineChange, changed_lines, moved

LINES = st.lists(st.sampled_from([b"  tag: 1", b"image:", b"# c"]), min_size=1, max_size=12)
NEW = b"  tag: 2"


def text(lines: list[bytes]) -> dict[str, bytes]:
    return {"values.yaml": b"\n".join(lines)}


def with_line(lines: list[bytes], number: int) -> list[bytes]:
    return [*lines[:number], NEW, *lines[number + 1 :]]


@given(lines=LINES, data=st.data())
def test_a_change_is_only_the_same_at_its_own_place(lines: list[bytes], data: st.DataObject) -> None:
    numbers = st.integers(0, len(lines) - 1)
    one, other = data.draw(numbers), data.draw(numbers)

    theirs = changed_lines(text(lines), text(with_line(lines, one)))
    ours = changed_lines(text(lines), text(with_line(lines, other)))

    assert theirs is not None
    assert (moved(theirs, text(lines), text(lines)) == ours) == (one == other)


@given(above=LINES, below=LINES, more=LINES)
def test_what_moved_on_around_a_line_moves_its_place(above: list[bytes], below: list[bytes], more: list[bytes]) -> None:
    before, now = [*above, b"unique", *below], [*more, *above, b"unique", *below, *more]

    changes = [LineChange("values.yaml", len(above), b"unique", NEW)]

    assert moved(changes, text(before), text(now)) == changed_lines(
        text(now), text(with_line(now, len(more) + len(above)))
    )


def test_a_line_that_is_gone_has_no_place() -> None:
    changes = [LineChange("values.yaml", 1, b"b", NEW)]

    assert moved(changes, text([b"a", b"b", b"c"]), text([b"a", b"x", b"c"])) == [
        LineChange("values.yaml", None, b"b", NEW)
    ]
