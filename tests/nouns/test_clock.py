import pytest

from bumper.clock import format_duration, parse_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (42.4, "42 s"), (59.6, "1 min"), (900, "15 min"), (5400, "1 h 30 min"), (90061, "1 d 1 h 1 min 1 s")],
)
def test_a_duration_is_written_as_people_read_it(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_a_duration_that_no_calendar_holds_is_none() -> None:
    """It is added to times, which end with the year 9999."""
    assert parse_duration("3650d") == parse_duration(3650 * 86400)
    with pytest.raises(ValueError, match="'999999d' is longer than ten years"):
        parse_duration("999999d")
