"""When an environment is frozen, and until when: by bumper.yaml's periods, and by GitLab's as GitLab reads them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bumper.environments.config import parse_config
from bumper.errors import Refused
from bumper.gate.freeze import NEVER, Period, frozen_until, gitlab_period, make_period, zone_of
from bumper.gitlab.project import GitLabFreeze


def written(*periods: tuple[str, str, str]) -> list[Period]:
    listed = ", ".join(f'{{from: "{start}", to: "{end}", timezone: {zone}}}' for start, end, zone in periods)
    config = parse_config(f"environments: {{prod: {{freeze: [{listed}]}}}}\n".encode())
    return [make_period(one) for one in config.environments["prod"].freeze or ()]


def in_gitlab(*periods: tuple[str, str, str]) -> list[Period]:
    return [gitlab_period(GitLabFreeze(*one)) for one in periods]


def until(periods: Iterable[Period], moment: str) -> str | None:
    """In UTC, as the moment is."""
    end = frozen_until(periods, datetime.fromisoformat(f"{moment}Z"))
    return end.strftime("%Y-%m-%d %H:%M") if end is not None else None


WEEKEND = ("Fri 17:00", "Mon 09:00", "Europe/Berlin")
WEEKEND_CRON = ("0 17 * * 5", "0 9 * * 1", "Berlin")
NIGHT = ("0 22 * * *", "0 6 * * *", "UTC")


@pytest.mark.parametrize("periods", [written(WEEKEND), in_gitlab(WEEKEND_CRON)], ids=["bumper.yaml", "GitLab"])
@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-27 15:59", None),
        ("2026-11-27 16:00", "2026-11-30 08:00"),
        ("2026-11-29 12:00", "2026-11-30 08:00"),
        ("2026-11-30 07:59", "2026-11-30 08:00"),
        ("2026-11-30 08:00", None),
        ("2026-07-31 14:59", None),  # summer time
        ("2026-07-31 15:00", "2026-08-03 07:00"),  # over the end of a month
        ("2026-03-27 15:59", None),  # clocks are put forward within the freeze
        ("2026-03-27 16:00", "2026-03-30 07:00"),
        ("2026-03-30 07:00", None),
        ("2026-10-23 15:00", "2026-10-26 08:00"),  # and back
        ("2026-10-26 07:59", "2026-10-26 08:00"),
        ("2027-01-01 16:00", "2027-01-04 08:00"),  # New Year's Day is a Friday
    ],
)
def test_a_weekend(periods: list[Period], moment: str, expected: str | None) -> None:
    assert until(periods, moment) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-27 21:59", None),
        ("2026-11-27 22:00", "2026-11-28 06:00"),
        ("2026-11-28 00:00", "2026-11-28 06:00"),
        ("2026-11-28 06:00", None),
        ("2026-12-31 23:00", "2027-01-01 06:00"),
        ("2028-02-28 23:00", "2028-02-29 06:00"),
    ],
)
def test_every_night(moment: str, expected: str | None) -> None:
    assert until(in_gitlab(NIGHT), moment) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-12-28 14:59", None),
        ("2026-12-28 15:00", "2027-01-11 06:00"),
        ("2027-01-11 06:00", None),
        ("2027-12-28 16:00", None),
    ],
)
def test_once(moment: str, expected: str | None) -> None:
    assert until(written(("2026-12-28 18:00", "2027-01-11 09:00", "Europe/Moscow")), moment) == expected


def test_periods_that_overlap_or_follow_on_each_other_are_one() -> None:
    nights_and_weekend = in_gitlab(NIGHT, ("0 5 * * 6", "0 23 * * 0", "UTC"))

    assert until(nights_and_weekend, "2026-11-27 22:30") == "2026-11-30 06:00"
    assert until(nights_and_weekend, "2026-11-26 22:30") == "2026-11-27 06:00"


def test_a_freeze_without_an_end() -> None:
    always = written(("Mon 00:00", "Thu 00:00", "UTC"), ("Thu 00:00", "Mon 00:00", "UTC"))

    assert frozen_until(always, datetime(2026, 11, 27, tzinfo=UTC)) == NEVER


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_the_end_of_the_calendar_is_no_end(zone: str) -> None:
    for_good = written(("2026-11-01 00:00", "9999-12-31 23:59", zone), WEEKEND)

    assert frozen_until([*for_good, *in_gitlab(NIGHT)], datetime(2026, 11, 27, 12, tzinfo=UTC)) == NEVER
    with pytest.raises(Refused, match="'0001-01-01 00:00' is not a time of a freeze"):
        written(("0001-01-01 00:00", "2026-12-31 23:59", zone))


def test_the_last_day_of_each_month() -> None:
    """It begins on the 28th, and ends on the first."""
    month_end = in_gitlab(("0 0 28 * *", "0 0 1 * *", "Europe/Moscow"))

    assert until(month_end, "2027-02-27 20:59") is None
    assert until(month_end, "2027-02-28 20:59") == "2027-02-28 21:00"
    assert until(month_end, "2028-02-29 12:00") == "2028-02-29 21:00"


@pytest.mark.parametrize(
    ("start", "end"), [("Sun 02:30", "Sun 03:30"), ("2026-10-25 02:30", "2026-10-25 02:45")]
)  # fmt: skip
def test_an_hour_that_comes_twice_is_frozen_twice(start: str, end: str) -> None:
    periods = written((start, end, "Europe/Berlin"))

    assert until(periods, "2026-10-25 00:29") is None
    assert until(periods, "2026-10-25 00:30") is not None
    assert until(periods, "2026-10-25 01:40") is not None


def test_an_hour_that_is_left_out() -> None:
    assert until(written(("Sun 02:30", "Sun 12:00", "Europe/Berlin")), "2026-03-29 01:30") == "2026-03-29 10:00"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "UTC"])
@given(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001 - hypothesis takes them so
    start=st.integers(0, 7 * 24 - 1),
    hours=st.integers(1, 7 * 24 - 1),
)
def test_bumper_yaml_and_gitlab_mean_the_same(zone: str, moment: datetime, start: int, hours: int) -> None:
    """Of hours that no clock leaves out or repeats: at night libraries differ."""
    (day, hour), (last_day, last_hour) = divmod(start, 24), divmod((start + hours) % (7 * 24), 24)
    hour, last_hour = max(hour, 4), max(last_hour, 4)
    if (day, hour) == (last_day, last_hour):
        return
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    of_yaml = written((f"{names[day]} {hour}:00", f"{names[last_day]} {last_hour}:00", zone))
    of_gitlab = in_gitlab((f"0 {hour} * * {(day + 1) % 7}", f"0 {last_hour} * * {(last_day + 1) % 7}", zone))
    aware = moment.replace(tzinfo=UTC)

    end = frozen_until(of_yaml, aware)

    assert end == frozen_until(of_gitlab, aware)
    assert end is None or aware < end <= aware + timedelta(days=7, hours=2)
    assert end is None or frozen_until(of_yaml, end) is None


def test_zones_by_the_names_of_rails() -> None:
    assert zone_of("Eastern Time (US & Canada)") == ZoneInfo("America/New_York")
    assert zone_of("Kyiv") is not None
    assert zone_of("Moscow") == zone_of("St. Petersburg") == zone_of("Europe/Moscow")
    assert until(in_gitlab(("0 12 * * *", "0 13 * * *", "Ekaterinburg")), "2026-11-27 07:30") == "2026-11-27 08:00"


@pytest.mark.parametrize(
    ("period", "message"),
    [
        (("0 23 * * 5", "0 7 * * 1", "Mars/Base"), "'Mars/Base', which is not known here"),
        (("0 23 * * 5", "0 7 * * 1", ""), "'', which is not known"),
        (("on Friday", "0 7 * * 1", "UTC"), "cannot be read: 'on Friday'"),
        (("0 23 * * 5", "@weekly", "UTC"), "cannot be read: '@weekly'"),
    ],
)
def test_what_is_not_understood_is_refused(period: tuple[str, str, str], message: str) -> None:
    with pytest.raises(Refused, match=message.replace("(", r"\(")):
        in_gitlab(period)
