"""the login for a registry, found where Docker and GitLab CI keep it.

Asked in this order, the first that knows the registry wins: DOCKER_AUTH_CONFIG, config.json (in DOCKER_CONFIG, else
``~/.docker``), then GitLab's CI_REGISTRY_USER and CI_REGISTRY_PASSWORD for CI_REGISTRY. In a configuration Docker's own
order: the registry's helper (credHelpers), the common one (credsStore), the entry in auths.
"""

import base64
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bumper.errors import Refused, Unavailable
from bumper.image import DOCKER_HUB, has_host, read_repository

_HUB_KEY = "https://index.docker.io/v1/"  # the key under which Docker and its helpers keep Docker Hub
_SECONDS = 30  # seconds: a cloud's helper asks its cloud
_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_UNKNOWN = "credentials not found"  # what helpers answer, with exit code 1, for a registry that they do not know


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login; with an ``identity_token`` (Azure's, for one) user and password are empty. ``source`` is shown."""

    user: str
    password: str = field(repr=False)
    identity_token: str | None = field(repr=False)
    source: str


class _Secret(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, defer_build=True)


class _HelperAnswer(_Secret):
    user: str = Field(validation_alias="Username")
    secret: str = Field(validation_alias="Secret")


class _Auth(_Secret):
    auth: str = ""
    username: str = ""
    password: str = ""
    identity_token: str = Field(default="", validation_alias="identitytoken")


class _Configuration(_Secret):
    auths: dict[str, _Auth] = {}
    helpers: dict[str, str] = Field(default={}, validation_alias="credHelpers")
    store: str = Field(default="", validation_alias="credsStore")


def find_credentials(host: str, environ: Mapping[str, str]) -> Credentials | None:
    """The login for the registry ``host`` (``docker.io`` for Docker Hub), or None to ask without one.

    Refused where a configuration cannot be read; Unavailable where a credential helper failed.
    """
    for source, text in _configurations(environ):
        try:
            configuration = _Configuration.model_validate(json.loads(text))
        except (ValueError, RecursionError):  # pydantic's error is a ValueError
            # Not chained: the text that could not be read is full of passwords.
            raise Refused(
                f"{source} is not a Docker configuration", "correct it, or log in again with `docker login`"
            ) from None
        named = {_host_of(key): name for key, name in configuration.helpers.items()}
        helper = named.get(host) or configuration.store
        found = _ask_helper(helper, _HUB_KEY if host == DOCKER_HUB else host, environ) if helper else None
        found = found or _from_auths(configuration, host, source)
        if found is not None:
            return found
    user, password = environ.get("CI_REGISTRY_USER"), environ.get("CI_REGISTRY_PASSWORD")
    if user and password and _host_of(environ.get("CI_REGISTRY", "")) == host:
        return Credentials(user, password, None, "CI_REGISTRY_USER")
    return None


def _host_of(key: str) -> str:
    """The registry's host of a key of config.json, which may carry a scheme and a path."""
    host = key.partition("://")[2] or key
    host = host.partition("/")[0].lower()
    # A name that is no registry's host (a host of one word) is asked for never, and must not pass for Docker Hub.
    repository = read_repository(f"{host}/any/name") if has_host(f"{host}/any/name") else None
    return repository.host if repository is not None else host


def _configurations(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each configuration's name and text."""
    text = environ.get("DOCKER_AUTH_CONFIG")
    found = [("DOCKER_AUTH_CONFIG", text)] if text else []
    folder = environ.get("DOCKER_CONFIG") or (f"{environ['HOME']}/.docker" if environ.get("HOME") else "")
    path = Path(folder) / "config.json"
    if folder and path.is_file():
        try:
            found.append((str(path), path.read_text("utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{path} cannot be read", "correct it, or point DOCKER_CONFIG at another folder") from error
    return found


def _ask_helper(name: str, server: str, environ: Mapping[str, str]) -> Credentials | None:
    """The login that Docker's helper ``name`` keeps for ``server``; what it prints stays hidden."""
    if _HELPER_NAME.fullmatch(name) is None:
        raise Refused(f"{name!r} is not the name of a Docker credential helper", "correct it in config.json")
    program = f"docker-credential-{name}"
    next_step = f"run `echo {server} | {program} get` to see why, or give --no-verify"
    try:
        done = subprocess.run(
            [program, "get"], input=server.encode(), capture_output=True, timeout=_SECONDS, env=environ, check=False
        )
    except OSError as error:
        raise Unavailable(
            f"{program}, which keeps the login for {server}, cannot be run",
            "install it, remove it from Docker's config.json, or give --no-verify",
        ) from error
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{program} did not answer for {server} within {_SECONDS} seconds", next_step) from None
    if done.returncode != 0:
        if _UNKNOWN in done.stdout.decode(errors="replace"):
            return None
        raise Unavailable(f"{program} failed for {server}", next_step)
    try:
        answer = _HelperAnswer.model_validate_json(done.stdout)
    except ValidationError:
        raise Unavailable(f"{program} gave no login for {server} that can be read", next_step) from None
    if answer.user == "<token>":  # Docker's sign that the secret is an identity token
        return Credentials("", "", answer.secret, program)
    return Credentials(answer.user, answer.secret, None, program) if answer.user or answer.secret else None


def _from_auths(configuration: _Configuration, host: str, source: str) -> Credentials | None:
    # The host's own key comes before one with a path, which other tools give to a part of the registry.
    keys = sorted(configuration.auths, key=lambda key: key != host)
    auth = next((configuration.auths[key] for key in keys if _host_of(key) == host), None)
    if auth is None:
        return None
    if auth.identity_token:
        return Credentials("", "", auth.identity_token, source)
    user, password = auth.username, auth.password
    if auth.auth:
        try:
            user, _, password = base64.b64decode(auth.auth, validate=True).decode("utf-8").partition(":")
        except ValueError:  # of its digits, or of its bytes
            raise Refused(
                f"the login for {host} in {source} is not base64", "log in again with `docker login`"
            ) from None
    # Docker pads with NUL what it wrote on some systems; an empty entry only says that a helper keeps the login.
    return Credentials(user, password.rstrip("\0"), None, source) if user or password else None
