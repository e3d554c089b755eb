"""When nothing may enter an environment: bumper.yaml's ``freeze``, its own periods or the GitOps project's in GitLab.

GitLab's rule (its model Ci::FreezePeriod): a freeze goes on from the last time that its beginning's cron expression
matched until the first time after that at which its end's does. Of several periods any is enough.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from bumper.clock import show_time
from bumper.environments.config_models import FreezePeriod
from bumper.environments.config_values import WeekTime, parse_moment
from bumper.environments.layout import Environment
from bumper.errors import BumperError, Refused
from bumper.gate.rules import Waiting
from bumper.gitlab.connection import GitLab
from bumper.gitlab.project import GitLabFreeze, read_freeze_periods

NEVER = datetime.max.replace(tzinfo=UTC)
_NO_END_FROM = 9000  # the year: who writes 9999-12-31 means that there is no end, and no calendar goes beyond it
_MAX_PERIODS_IN_A_ROW = 100
# Time zones by the names that Ruby on Rails gives them (ActiveSupport::TimeZone::MAPPING), which GitLab stores for its
# freeze periods: mostly the city of the IANA name, with blanks.
_BY_CITY = {
    "Africa": "Casablanca Monrovia Cairo Harare Nairobi",
    "America": "Tijuana Chihuahua Mazatlan Mexico_City Monterrey Bogota Lima Caracas La_Paz Santiago Montevideo "
    "Puerto_Rico",
    "America/Argentina": "Buenos_Aires",
    "Asia": "Jerusalem Kuwait Riyadh Baghdad Tehran Muscat Baku Tbilisi Yerevan Kabul Karachi Tashkent Kolkata "
    "Kathmandu Dhaka Almaty Novosibirsk Rangoon Bangkok Jakarta Krasnoyarsk Chongqing Hong_Kong Urumqi Kuala_Lumpur "
    "Singapore Taipei Irkutsk Ulaanbaatar Seoul Tokyo Yakutsk Vladivostok Magadan Srednekolymsk Kamchatka",
    "Atlantic": "Azores",
    "Australia": "Perth Darwin Adelaide Melbourne Sydney Brisbane Hobart",
    "Europe": "Dublin Lisbon London Belgrade Bratislava Budapest Ljubljana Prague Sarajevo Skopje Warsaw Zagreb "
    "Brussels Copenhagen Madrid Paris Amsterdam Berlin Zurich Rome Stockholm Vienna Bucharest Helsinki Riga Sofia "
    "Tallinn Vilnius Athens Istanbul Minsk Kaliningrad Moscow Volgograd Samara",
    "Pacific": "Guam Port_Moresby Fiji Auckland",
}
_OTHERWISE = {
    "International Date Line West": "Pacific/Midway", "Midway Island": "Pacific/Midway",
    "American Samoa": "Pacific/Pago_Pago", "Hawaii": "Pacific/Honolulu", "Alaska": "America/Juneau",
    "Pacific Time (US & Canada)": "America/Los_Angeles", "Mountain Time (US & Canada)": "America/Denver",
    "Arizona": "America/Phoenix", "Central Time (US & Canada)": "America/Chicago", "Saskatchewan": "America/Regina",
    "Guadalajara": "America/Mexico_City", "Central America": "America/Guatemala",
    "Eastern Time (US & Canada)": "America/New_York", "Indiana (East)": "America/Indiana/Indianapolis",
    "Quito": "America/Lima", "Atlantic Time (Canada)": "America/Halifax", "Newfoundland": "America/St_Johns",
    "Brasilia": "America/Sao_Paulo", "Georgetown": "America/Guyana", "Greenland": "America/Godthab",
    "Mid-Atlantic": "Atlantic/South_Georgia", "Cape Verde Is.": "Atlantic/Cape_Verde", "Edinburgh": "Europe/London",
    "Bern": "Europe/Zurich", "West Central Africa": "Africa/Algiers", "Kyiv": "Europe/Kiev",
    "Pretoria": "Africa/Johannesburg", "St. Petersburg": "Europe/Moscow", "Abu Dhabi": "Asia/Muscat",
    "Ekaterinburg": "Asia/Yekaterinburg", "Islamabad": "Asia/Karachi", "Chennai": "Asia/Kolkata",
    "Mumbai": "Asia/Kolkata", "New Delhi": "Asia/Kolkata", "Astana": "Asia/Dhaka",
    "Sri Jayawardenepura": "Asia/Colombo", "Hanoi": "Asia/Bangkok", "Beijing": "Asia/Shanghai", "Osaka": "Asia/Tokyo",
    "Sapporo": "Asia/Tokyo", "Canberra": "Australia/Melbourne", "Solomon Is.": "Pacific/Guadalcanal",
    "New Caledonia": "Pacific/Noumea", "Marshall Is.": "Pacific/Majuro", "Wellington": "Pacific/Auckland",
    "Nuku'alofa": "Pacific/Tongatapu", "Tokelau Is.": "Pacific/Fakaofo", "Chatham Is.": "Pacific/Chatham",
    "Samoa": "Pacific/Apia",
}  # fmt: skip
_MAPPING = {
    city.replace("_", " "): f"{region}/{city}" for region, cities in _BY_CITY.items() for city in cities.split()
} | _OTHERWISE


class Period(Protocol):
    """A time that comes once or again and again."""

    def end(self, moment: datetime) -> datetime | None:
        """When the freeze ends in which the ``moment`` is; None where it is in none."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A freeze: of which environment, and until when; ``until`` is None where no end is known."""

    environment: str
    until: datetime | None

    def __str__(self) -> str:
        """For people."""
        until = f" until {show_time(self.until)}" if self.until is not None else ""
        return f"{self.environment} is frozen{until} (freeze in bumper.yaml)"

    @property
    def fix(self) -> str:
        """What to do about it."""
        return f"run this again {'then' if self.until is not None else 'when that is over'}, or add --urgent REASON"

    def waiting(self, app: str) -> Waiting:
        """An application that waits for the end of the freeze."""
        return Waiting(app, str(self), self.until, self.fix)


def find_freeze(environment: Environment, gitlab: GitLab | None, now: datetime) -> Frozen | None:
    """The freeze that the environment is in, if any; Refused where GitLab's freeze periods cannot be read."""
    periods = read_periods(environment, gitlab)
    until = frozen_until(periods, now)
    if until is None:
        return None
    return Frozen(environment.name, until if until != NEVER else None)


def read_periods(environment: Environment, gitlab: GitLab | None) -> list[Period]:
    """The periods of the environment; Refused where GitLab's cannot be read."""
    written = environment.config.freeze
    if written is None:
        return []
    return [make_period(one) for one in written] if written else list(_gitlab_periods(environment.name, gitlab))


def frozen_until(periods: Iterable[Period], moment: datetime) -> datetime | None:
    """When the freeze ends in which the ``moment`` is, with all that follow on it; None where it is in none."""
    listed, until = list(periods), moment
    for _ in range(_MAX_PERIODS_IN_A_ROW):
        ends = [end for period in listed if (end := period.end(until)) is not None]
        if not ends:
            return until if until > moment else None
        until = max(ends)
        if until.year >= _NO_END_FROM:
            break
    return NEVER


def make_period(written: FreezePeriod) -> Period:
    """A period of bumper.yaml."""
    start, end, zone = parse_moment(written.from_), parse_moment(written.to), ZoneInfo(written.timezone)
    if isinstance(start, WeekTime) and isinstance(end, WeekTime):
        return _Weekly(start, end, zone)
    if isinstance(start, datetime) and isinstance(end, datetime):
        return _Once(_in_utc(_in_zone(start, zone)), _in_utc(_in_zone(end, zone, later=True)))
    raise ValueError(f"{written.from_} and {written.to} are of two kinds")


def _in_zone(local: datetime, zone: tzinfo, *, later: bool = False) -> datetime:
    """A local time with its zone; of two that it means when clocks are put back the earlier one, unless ``later``."""
    return local.replace(tzinfo=zone, fold=1 if later else 0)


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.year < _NO_END_FROM else NEVER


@dataclass(frozen=True, slots=True)
class _Once:
    start: datetime
    until: datetime

    def end(self, moment: datetime) -> datetime | None:
        return self.until if self.start <= moment < self.until else None


@dataclass(frozen=True, slots=True)
class _Weekly:
    start: WeekTime
    until: WeekTime
    zone: tzinfo

    def end(self, moment: datetime) -> datetime | None:
        began = self.start.before(moment.astimezone(self.zone).replace(tzinfo=None))
        ends = _in_zone(self.until.after(began), self.zone, later=True).astimezone(UTC)
        return ends if _in_zone(began, self.zone).astimezone(UTC) <= moment < ends else None


@dataclass(frozen=True, slots=True)
class _Cron:
    start: str
    until: str
    zone: tzinfo

    def end(self, moment: datetime) -> datetime | None:
        minute_after = (moment + timedelta(minutes=1)).astimezone(self.zone)  # the cron library leaves its own out
        began = next(CronSim(self.start, minute_after, reverse=True), None)
        if began is None:
            return None
        ends = next(CronSim(self.until, began), None)
        if ends is None:
            return NEVER
        return ends.astimezone(UTC) if moment < ends else None


def _gitlab_periods(environment: str, gitlab: GitLab | None) -> Iterator[Period]:
    unknown = f"whether {environment} is frozen is not known (freeze: gitlab in bumper.yaml)"
    if gitlab is None:
        raise Refused(
            f"{unknown}: there is no token for GitLab's API",
            "set BUMPER_TOKEN to a token with the role Reporter and the scope read_api, or api",
        )
    try:
        found = read_freeze_periods(gitlab)
    except BumperError as error:
        raise Refused(f"{unknown}: {error.what}", error.next_step or "try again") from error
    yield from map(gitlab_period, found)


def gitlab_period(found: GitLabFreeze) -> Period:
    """A period of GitLab's; Refused where its time zone or one of its cron expressions is not understood."""
    zone = zone_of(found.timezone)
    where = f"the deploy freeze period from {found.start!r} to {found.end!r} in GitLab"
    if zone is None:
        raise Refused(f"{where} has the time zone {found.timezone!r}, which is not known here", "choose another there")
    for expression in (found.start, found.end):
        try:
            CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise Refused(
                f"{where} cannot be read: {expression!r} ({error})",
                "write it there as minute, hour, day, month, weekday",
            ) from error
    return _Cron(found.start, found.end, zone)


def zone_of(name: str) -> ZoneInfo | None:
    """The time zone by its IANA name or by the one of Rails; None where there is no such zone."""
    try:
        return ZoneInfo(_MAPPING.get(name, name))
    except (ValueError, OSError, LookupError):
        return None
