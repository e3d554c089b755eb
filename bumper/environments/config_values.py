"""What the values in bumper.yaml may be: the kinds of them, each with its check and its JSON Schema.

A check hands the text back or raises ValueError with what is wrong and what is allowed, which pydantic turns into an
error that knows its place in the file.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

from bumper.clock import DURATION, parse_duration
from bumper.environments.config_syntax import compile_expression, parse_moment, parse_section
from bumper.environments.path_pattern import APP, ENV, ENVIRONMENT_NAME, check_pattern
from bumper.image import has_host, read_repository, split_reference
from bumper.values.pin import parse_path

DEFAULT_MESSAGE = "{default}"  # of a commit: what bumper would write

_AUTHOR = re.compile(r"[^<>\s](?:[^<>\r\n]*[^<>\s])? <[^<>@\s]+@[^<>@\s]+>")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
# What git check-ref-format(1) forbids anywhere in a reference's name.
_NOT_IN_REFERENCES = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|(?:^|/)\.|\.lock(?:/|$)|\./")
Delivery: TypeAlias = Literal["merge-request", "commit"]


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The ``known`` name that somebody who wrote ``name`` most likely meant."""
    return next(iter(get_close_matches(name, known, n=1)), None)


def suggest(name: str, known: Sequence[str]) -> str:
    """The next step for a name that is not among the ``known``: the nearest of them, or all."""
    meant = nearest(name, known)
    return f"did you mean {meant}? Known: {', '.join(known)}" if meant else f"known: {', '.join(known)}"


def _check_text(text: str) -> str:
    """Any text of one line, without blanks around it."""
    if not text.strip():
        raise ValueError("is empty; give it a text or remove the line")
    if text != text.strip() or not text.isprintable():
        raise ValueError(f"is {text!r}; write one line without blanks around it")
    return text


def check_environment(name: str) -> str:
    """An environment's name; it becomes a part of branch names and is typed on command lines."""
    if re.fullmatch(ENVIRONMENT_NAME, name) is None or _NOT_IN_REFERENCES.search(name) or name.endswith("."):
        raise ValueError(f"{name!r} is not an environment name; use letters, digits, '.', '_' and '-', like prod-eu")
    return name


def check_path_pattern(pattern: str) -> str:
    """A pattern of file paths with at most one ``{app}``, and ``{env}``."""
    check_pattern(_check_text(pattern), APP, ENV)
    return pattern


def _check_excluded_paths(pattern: str) -> str:
    """A pattern of file paths without placeholders."""
    check_pattern(_check_text(pattern))
    return pattern


def _check_section(path: str) -> str:
    """A section of a values file, with at most one ``{app}``, and ``{env}``."""
    try:
        section = parse_section(_check_placeholders(_check_text(path), APP, ENV))
    except ValueError as error:
        raise ValueError(f"{error}; write a path like prod or environments.prod") from error
    if sum(str(step).count(APP) for step in section) > 1:
        raise ValueError(f"{path!r} has {APP} twice; write it once")
    return path


def _check_tags(expression: str) -> str:
    """A regular expression for whole tags."""
    try:
        compile_expression(expression)
    except ValueError as error:
        raise ValueError(
            f"{expression!r} is not a regular expression ({error}); write one like 'v?\\d+\\.\\d+'"
        ) from error
    return expression


def _check_label(label: str) -> str:
    """A label; GitLab's API takes labels as one text with commas between them."""
    if "," in _check_text(label):
        raise ValueError(f"{label!r} contains a comma; write labels as a list: [deploy, prod]")
    return label


def _check_user(user: str) -> str:
    """A GitLab user's name, as in the address of the profile."""
    if _check_text(user).startswith("@") or " " in user:
        raise ValueError(f"{user!r} is not a user name; write it without @ and blanks, like alice")
    return user


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


def _check_application(name: str) -> str:
    """The name of an Argo CD application, in which ``{app}`` stands for bumper's."""
    return _check_placeholders(_check_text(name), APP)


def _check_commit_message(template: str) -> str:
    """A one-line template of a commit message's first line."""
    return _check_placeholders(_check_text(template), DEFAULT_MESSAGE)


def _check_placeholders(text: str, *known: str) -> str:
    unknown = [found for found in _PLACEHOLDER.findall(text) if found not in known]
    if unknown:
        raise ValueError(f"has the unknown placeholder {unknown[0]}; known: {' and '.join(known)}")
    return text


def _check_author(author: str) -> str:
    """An author as git writes it."""
    if _AUTHOR.fullmatch(author) is None or not author.isprintable():
        raise ValueError(f"{author!r} is not an author; write 'Name <name@example.com>'")
    return author


def _check_branch_prefix(prefix: str) -> str:
    """What every branch's name starts with, by git check-ref-format(1)."""
    if not prefix or prefix[0] in "-/" or _NOT_IN_REFERENCES.search(prefix) or not prefix.isprintable():
        raise ValueError(f"{prefix!r} cannot start a branch's name; write one like bumper/ or feature/bumper-")
    return prefix


def _check_image(image: str) -> str:
    """A repository, without tag and digest; ``{app}`` in it is the application."""
    filled = _check_placeholders(image, APP).replace(APP, "app")
    name, tag, digest = split_reference(filled)
    if tag is not None or digest is not None:
        raise ValueError(f"{image!r} has a tag or a digest; write {image[: len(image) - len(filled) + len(name)]!r}")
    if read_repository(filled) is None:
        raise ValueError(f"{image!r} is not an image; write registry/repository in lower case")
    return image


def _check_pin_path(path: str) -> str:
    """Where a pin stands in the values."""
    try:
        parse_path(path)
    except ValueError as error:
        raise ValueError(f"{error}; write one like worker.image.tag or jobs[0].tag") from error
    return path


def _check_ignored_image(glob: str) -> str:
    """A glob of repositories."""
    name, tag, digest = split_reference(_check_text(glob))
    if tag is not None or digest is not None:
        raise ValueError(f"{glob!r} has a tag or a digest, but all of a repository is left alone; write {name!r}")
    return glob


def _check_host(host: str) -> str:
    """A registry's host, as it stands in image references."""
    repository = read_repository(f"{host}/app")
    if repository is None or "/" in host or not has_host(f"{host}/app"):
        raise ValueError(f"{host!r} is not a registry host; write host or host:port, without https://")
    if repository.host != host:
        raise ValueError(f"{host!r} is known as {repository.host!r}; write that")
    return host


def _check_registry_prefix(prefix: str) -> str:
    """A registry's host, alone or with the first parts of repositories' names."""
    if prefix.endswith("/"):
        raise ValueError(f"{prefix!r} ends in a slash; write {prefix.rstrip('/')!r}")
    repository = read_repository(f"{prefix}/team/app")
    if repository is None or not has_host(f"{prefix}/team/app"):
        raise ValueError(f"{prefix!r} is not a registry; write its host, or its host and a path, without https://")
    known = str(repository).removesuffix("/team/app")
    if known != prefix:
        raise ValueError(f"{prefix!r} is known as {known!r}; write that")
    return prefix


def _check_moment(text: str) -> str:
    """A day of the week or a date, with a time."""
    parse_moment(text)
    return text


def _check_timezone(name: str) -> str:
    """The IANA name of a time zone."""
    known = sorted(available_timezones() - {"localtime"})
    if name not in known:
        raise ValueError(f"{name!r} is not an IANA time zone; write one like Europe/Moscow{_near(name, known)}")
    return name


def _near(name: str, known: Sequence[str]) -> str:
    wanted = name.rpartition("/")[2].replace(" ", "_").lower()
    same = next((one for one in known if one.rpartition("/")[2].lower() == wanted), None) or nearest(name, known)
    return f" (did you mean {same}?)" if same else ""


def check_order(start: str, end: str) -> None:
    """That a period's beginning and end are of one kind, and follow on each other."""
    first, last = parse_moment(start), parse_moment(end)
    if type(first) is not type(last):
        raise ValueError(f"goes from {start!r} to {end!r}; write a day of the week for both, or a date for both")
    if first == last or (isinstance(first, datetime) and isinstance(last, datetime) and last < first):
        raise ValueError(f"ends at {end}, which is not after its beginning, {start}")


def read_freeze(value: object) -> object:
    """A list of periods; none where the word gitlab stands for those of the GitOps project."""
    if value == "gitlab":
        return ()
    if isinstance(value, str) or value in ([], ()):
        found = "is an empty list" if not isinstance(value, str) else f"is the text {value!r}"
        example = "[{from: Fri 17:00, to: Mon 09:00, timezone: UTC}]"
        raise ValueError(f"{found}; write gitlab, or a list of periods: {example}")
    return value


def _as_list(value: object) -> object:
    """One text stands for a list of one."""
    return [value] if isinstance(value, str) else value


OneOrMany = BeforeValidator(_as_list, json_schema_input_type=str | Annotated[list[str], Field(min_length=1)])

Text = Annotated[str, AfterValidator(_check_text)]
EnvironmentName = Annotated[str, AfterValidator(check_environment)]
PathPattern = Annotated[str, AfterValidator(check_path_pattern)]
PathPatterns = Annotated[tuple[PathPattern, ...], Field(min_length=1), OneOrMany]
ExcludedPaths = Annotated[
    tuple[Annotated[str, AfterValidator(_check_excluded_paths)], ...], Field(min_length=1), OneOrMany
]
Application = Annotated[str, AfterValidator(_check_application)]
Tags = Annotated[str, AfterValidator(_check_tags)]
Label = Annotated[str, AfterValidator(_check_label)]
User = Annotated[str, AfterValidator(_check_user)]
Image = Annotated[str, AfterValidator(_check_image)]
Images = Annotated[tuple[Image, ...], Field(min_length=1), OneOrMany]
IgnoredImage = Annotated[str, AfterValidator(_check_ignored_image)]
Host = Annotated[str, AfterValidator(_check_host)]
RegistryPrefix = Annotated[str, AfterValidator(_check_registry_prefix)]
Duration = Annotated[
    float,
    BeforeValidator(
        parse_duration,
        json_schema_input_type=Annotated[float, Field(ge=0)] | Annotated[str, Field(pattern=f"^{DURATION}$")],
    ),
]
Author = Annotated[str, AfterValidator(_check_author)]
BranchPrefix = Annotated[str, AfterValidator(_check_branch_prefix)]
CommitMessage = Annotated[str, AfterValidator(_check_commit_message)]
Moment = Annotated[str, AfterValidator(_check_moment)]
PinPath = Annotated[str, AfterValidator(_check_pin_path)]
Section = Annotated[str, AfterValidator(_check_section)]
Server = Annotated[str, AfterValidator(_check_server)]
Timezone = Annotated[str, AfterValidator(_check_timezone)]
SameRegistries = Annotated[tuple[RegistryPrefix, ...], Field(min_length=2)]
