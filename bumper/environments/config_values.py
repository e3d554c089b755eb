"""What the values in bumper.yaml may be: the kinds of them, each with its check and its JSON Schema.

A check raises ValueError with what is wrong and what is allowed; pydantic adds the place in the file.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import regex
from pydantic import AfterValidator, BeforeValidator, Field

from bumper.clock import DURATION, parse_duration
from bumper.environments.path_pattern import APP, ENV, ENVIRONMENT_NAME, check_pattern, parse_section
from bumper.image import has_host, read_repository, split_reference
from bumper.values.pin import parse_path

DEFAULT_MESSAGE = "{default}"  # of a commit: what bumper would write
Delivery: TypeAlias = Literal["merge-request", "commit"]
_T = TypeVar("_T")

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_AUTHOR = r"[^<>\s](?:[^<>\r\n]*[^<>\s])? <[^<>@\s]+@[^<>@\s]+>"
# Without what git check-ref-format(1) forbids anywhere in a reference's name.
_ALLOWED = r"(?!.*(?:[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|(?:^|/)\.|\.lock(?:/|$)|\./))"
_ENVIRONMENT = re.compile(rf"{_ALLOWED}{ENVIRONMENT_NAME}(?<!\.)")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKLY = re.compile(r"(?P<day>[A-Za-z]{3,9}) +(?P<time>\d{1,2}:\d{2})", re.ASCII)
_DATED = re.compile(r"(?P<date>[1-9]\d{3}-\d{2}-\d{2})[ T]+(?P<time>\d{1,2}:\d{2})", re.ASCII)
_COUNT = regex.compile(r"(\)?)\{(\d+)")  # of a repetition; of a group, where a parenthesis is before it
_MAX_COUNT = 100_000  # repetitions inside one another are written out when an expression is compiled


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The ``known`` name that somebody who wrote ``name`` most likely meant."""
    return next(iter(get_close_matches(name, known, n=1)), None)


def suggest(name: str, known: Sequence[str]) -> str:
    """The next step for a name that is not among the ``known``: the nearest of them, or all."""
    meant = nearest(name, known)
    return f"did you mean {meant}? Known: {', '.join(known)}" if meant else f"known: {', '.join(known)}"


@dataclass(frozen=True, slots=True)
class WeekTime:
    """A time on a day of the week; Monday is 0."""

    day: int
    time: time

    def before(self, local: datetime) -> datetime:
        """The last such time at or before a local time."""
        found = datetime.combine(local.date() - timedelta((local.weekday() - self.day) % 7), self.time)
        return found if found <= local else found - timedelta(7)

    def after(self, local: datetime) -> datetime:
        """The next such time after a local time."""
        return self.before(local) + timedelta(7)


def parse_moment(text: str) -> WeekTime | datetime:
    """The time of ``Fri 17:00`` or ``2026-12-28 18:00``; ValueError for what is neither."""
    try:
        if (weekly := _WEEKLY.fullmatch(text.strip())) is not None:
            return WeekTime(_day(weekly["day"]), _time(weekly["time"]))
        if (dated := _DATED.fullmatch(text.strip())) is not None:
            return datetime.combine(date.fromisoformat(dated["date"]), _time(dated["time"]))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time: {error}") from error
    raise ValueError(f"{text!r} is not a time of a freeze; write Fri 17:00, or 2026-12-28 18:00")


def _day(name: str) -> int:
    for number, day in enumerate(_DAYS):
        if name.lower() in (day, day[:3]):
            return number
    raise ValueError(f"{name} is not a day of the week; write Mon, Tue, Wed, Thu, Fri, Sat or Sun")


def _time(text: str) -> time:
    try:
        hours, minutes = map(int, text.split(":"))
        return time(hours, minutes)
    except ValueError as error:
        raise ValueError(f"{text} is not between 00:00 and 23:59") from error


@lru_cache
def compile_expression(expression: str) -> regex.Pattern[str]:
    """A regular expression whose classes (digits, letters) are ASCII's, as tags are; ValueError where it is none."""
    counts = [(bool(group), int(count[:9])) for group, count in _COUNT.findall(expression)]
    largest = max((count for _, count in counts), default=1)
    is_too_much = largest * math.prod(count for of_group, count in counts if of_group and count) > _MAX_COUNT
    problem = "it repeats something too often"
    try:
        if not is_too_much:
            return regex.compile(expression, regex.ASCII)
    except (regex.error, OverflowError, RecursionError) as error:
        problem = str(error)
    raise ValueError(f"{expression!r} is not a regular expression ({problem}); write one like 'v?\\d+\\.\\d+'")


def _matching(pattern: str, problem: str) -> AfterValidator:
    """The check of texts that match ``pattern`` as a whole; ``problem`` says what is wrong with others."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None or not text.isprintable():
            raise ValueError(f"{text!r} {problem}")
        return text

    return AfterValidator(check)


def _readable_by(parse: Callable[[str], object], remedy: str = "") -> AfterValidator:
    """The check of texts that ``parse`` reads; they stay texts."""

    def check(text: str) -> str:
        try:
            parse(text)
        except ValueError as error:
            raise ValueError(f"{error}{remedy}") from error
        return text

    return AfterValidator(check)


def _check_placeholders(text: str, *known: str) -> str:
    unknown = [found for found in _PLACEHOLDER.findall(text) if found not in known]
    if unknown:
        raise ValueError(f"has the unknown placeholder {unknown[0]}; known: {' and '.join(known)}")
    return text


def _check_text(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; give it a text or remove the line")
    if text != text.strip() or not text.isprintable():
        raise ValueError(f"is {text!r}; write one line without blanks around it")
    return text


def check_environment(name: str) -> str:
    """An environment's name, which becomes a part of branch names; ValueError for what cannot be one."""
    if _ENVIRONMENT.fullmatch(name) is None:
        raise ValueError(f"{name!r} is not an environment name; use letters, digits, '.', '_' and '-', like prod-eu")
    return name


def check_path_pattern(pattern: str) -> str:
    """A pattern of file paths with at most one ``{app}``, and ``{env}``; ValueError for what is none."""
    check_pattern(_check_text(pattern), APP, ENV)
    return pattern


def _check_server(url: str) -> str:
    """Argo CD's address; a password in it would be shown to every reader of the repository."""
    try:
        parts = urlsplit(url)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number, a bracket left open
        right, parts = False, urlsplit("")
    if "@" in url:
        raise ValueError("holds a user or a password; leave it out and set ARGOCD_AUTH_TOKEN")
    if not right or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise ValueError(f"{url!r} is not an address; write one like https://argocd.example.com")
    return url.rstrip("/")


def _check_image(image: str) -> str:
    """A repository, without tag and digest; ``{app}`` in it is the application."""
    _refuse_tag(_check_placeholders(image, APP))
    if read_repository(image.replace(APP, "app")) is None:
        raise ValueError(f"{image!r} is not an image; write registry/repository in lower case")
    return image


def _check_ignored_image(glob: str) -> str:
    _refuse_tag(glob, ", but all of a repository is left alone")
    return glob


def _refuse_tag(image: str, why: str = "") -> None:
    name, tag, digest = split_reference(image)
    if tag is not None or digest is not None:
        raise ValueError(f"{image!r} has a tag or a digest{why}; write {name!r}")


def _check_host(host: str) -> str:
    """A registry's host, as image references have it."""
    problem = f"{host!r} is not a registry host; write host or host:port, without https://"
    if "/" in host:
        raise ValueError(problem)
    return _check_registry(host, problem)


def _check_registry_prefix(prefix: str) -> str:
    """A registry's host, alone or with the first parts of repositories' names."""
    if prefix.endswith("/"):
        raise ValueError(f"{prefix!r} ends in a slash; write {prefix.rstrip('/')!r}")
    problem = f"{prefix!r} is not a registry; write its host, or its host and a path, without https://"
    return _check_registry(prefix, problem)


def _check_registry(prefix: str, problem: str) -> str:
    repository = read_repository(f"{prefix}/team/app")
    if repository is None or not has_host(f"{prefix}/team/app"):
        raise ValueError(problem)
    known = str(repository).removesuffix("/team/app")
    if known != prefix:
        raise ValueError(f"{prefix!r} is known as {known!r}; write that")
    return prefix


def _check_timezone(name: str) -> str:
    known = sorted(available_timezones() - {"localtime"})
    if name in known:
        return name
    city = name.rpartition("/")[2].replace(" ", "_").lower()
    meant = [zone for zone in known if zone.rpartition("/")[2].lower() == city] or get_close_matches(name, known, n=1)
    hint = f" (did you mean {meant[0]}?)" if meant else ""
    raise ValueError(f"{name!r} is not an IANA time zone; write one like Europe/Moscow{hint}")


def read_freeze(value: object) -> object:
    """A list of periods; none where the word gitlab stands for those of the GitOps project."""
    if value == "gitlab":
        return ()
    if isinstance(value, str) or value in ([], ()):
        found = f"is the text {value!r}" if isinstance(value, str) else "is an empty list"
        example = "[{from: Fri 17:00, to: Mon 09:00, timezone: UTC}]"
        raise ValueError(f"{found}; write gitlab, or a list of periods: {example}")
    return value


# A list with an entry at least; where a key takes both, one text stands for a list of one.
Some: TypeAlias = Annotated[tuple[_T, ...], Field(min_length=1)]
OneOrMany: TypeAlias = Annotated[
    Some[_T],
    BeforeValidator(
        lambda value: [value] if isinstance(value, str) else value,
        json_schema_input_type=str | Annotated[list[str], Field(min_length=1)],
    ),
]

Text = Annotated[str, AfterValidator(_check_text)]
EnvironmentName = Annotated[str, AfterValidator(check_environment)]
PathPattern = Annotated[str, AfterValidator(check_path_pattern)]
ExcludedPath = Annotated[Text, _readable_by(check_pattern)]
At = Annotated[
    str,
    _readable_by(
        lambda path: parse_section(_check_placeholders(_check_text(path), APP, ENV)),
        "; write a path like prod or environments.prod",
    ),
    _matching(r"(?!.*\{app\}.*\{app\}).*", "has {app} twice; write it once"),
]
Tags = Annotated[str, _readable_by(compile_expression)]
# GitLab's API takes labels as one text with commas between them.
Label = Annotated[Text, _matching(r"[^,]+", "contains a comma; write labels as a list: [deploy, prod]")]
User = Annotated[Text, _matching(r"[^@ ][^ ]*", "is not a user name; write it without @ and blanks, like alice")]
Application = Annotated[Text, AfterValidator(lambda name: _check_placeholders(name, APP))]
CommitMessage = Annotated[Text, AfterValidator(lambda text: _check_placeholders(text, DEFAULT_MESSAGE))]
Author = Annotated[str, _matching(_AUTHOR, "is not an author; write 'Name <name@example.com>'")]
BranchPrefix = Annotated[
    str,
    _matching(rf"(?![-/]){_ALLOWED}.+", "cannot start a branch's name; write one like bumper/ or feature/bumper-"),
]
Server = Annotated[str, AfterValidator(_check_server)]
Image = Annotated[str, AfterValidator(_check_image)]
IgnoredImage = Annotated[Text, AfterValidator(_check_ignored_image)]
Path = Annotated[str, _readable_by(parse_path, "; write one like worker.image.tag or jobs[0].tag")]
Host = Annotated[str, AfterValidator(_check_host)]
RegistryPrefix = Annotated[str, AfterValidator(_check_registry_prefix)]
Timezone = Annotated[str, AfterValidator(_check_timezone)]
Moment = Annotated[str, _readable_by(parse_moment)]
Duration = Annotated[
    float,
    BeforeValidator(
        parse_duration,
        json_schema_input_type=Annotated[float, Field(ge=0)] | Annotated[str, Field(pattern=f"^{DURATION}$")],
    ),
]
