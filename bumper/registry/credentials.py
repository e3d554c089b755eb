"""The login for a registry, found where Docker and GitLab CI keep it.

Asked in this order, the first that knows the registry wins: DOCKER_AUTH_CONFIG, config.json (in DOCKER_CONFIG, else
``~/.docker``), then GitLab's CI_REGISTRY_USER and CI_REGISTRY_PASSWORD for CI_REGISTRY. In a configuration Docker's own
order: the registry's helper (credHelpers), the common one (credsStore), the entry in auths.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bumper.errors import Refused
from bumper.image import DOCKER_HUB, has_host, read_repository
from bumper.registry.helper import ask_helper

_HUB_KEY = "https://index.docker.io/v1/"  # the key under which Docker and its helpers keep Docker Hub


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login; with an ``identity_token`` (Azure's, for one) user and password are empty. ``source`` is shown."""

    user: str
    password: str = field(repr=False)
    identity_token: str | None = field(repr=False)
    source: str


class _Auth(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    auth: str = ""
    username: str = ""
    password: str = ""
    identity_token: str = Field(default="", validation_alias="identitytoken")


class _Configuration(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    auths: dict[str, _Auth] = {}
    helpers: dict[str, str] = Field(default={}, validation_alias="credHelpers")
    store: str = Field(default="", validation_alias="credsStore")


def find_credentials(host: str, environ: Mapping[str, str]) -> Credentials | None:
    """The login for the registry ``host`` (``docker.io`` for Docker Hub), or None to ask without one.

    Raises:
        Refused: a configuration cannot be read.
        Unavailable: a credential helper failed.

    """
    for source, text in _configurations(environ):
        configuration = _parse(source, text)
        found = _from_helper(configuration, host, environ) or _from_auths(configuration, host, source)
        if found is not None:
            return found
    return _from_gitlab(host, environ)


def normalise_host(key: str) -> str:
    """The registry's host of a key of config.json, which may carry a scheme and a path."""
    host = key.partition("://")[2] or key
    host = host.partition("/")[0].lower()
    # A name that is no registry's host (a host of one word) is asked for never, and must not pass for Docker Hub.
    repository = read_repository(f"{host}/any/name") if has_host(f"{host}/any/name") else None
    return repository.host if repository is not None else host


def _configurations(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each configuration's name and text."""
    found = []
    if environ.get("DOCKER_AUTH_CONFIG"):
        found.append(("DOCKER_AUTH_CONFIG", environ["DOCKER_AUTH_CONFIG"]))
    folder = environ.get("DOCKER_CONFIG") or (f"{environ['HOME']}/.docker" if environ.get("HOME") else "")
    path = Path(folder) / "config.json"
    if folder and path.is_file():
        try:
            found.append((str(path), path.read_text("utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{path} cannot be read", "correct it, or point DOCKER_CONFIG at another folder") from error
    return found


def _parse(source: str, text: str) -> _Configuration:
    try:
        return _Configuration.model_validate(json.loads(text))
    except (ValidationError, ValueError, RecursionError):
        # Not chained: the text that could not be read is full of passwords.
        raise Refused(
            f"{source} is not a Docker configuration", "correct it, or log in again with `docker login`"
        ) from None


def _from_helper(configuration: _Configuration, host: str, environ: Mapping[str, str]) -> Credentials | None:
    named = {normalise_host(key): name for key, name in configuration.helpers.items()}
    helper = named.get(host) or configuration.store
    answer = ask_helper(helper, _HUB_KEY if host == DOCKER_HUB else host, environ) if helper else None
    if answer is None:
        return None
    source = f"docker-credential-{helper}"
    if answer.user == "<token>":  # Docker's sign that the secret is an identity token
        return Credentials("", "", answer.secret, source)
    return Credentials(answer.user, answer.secret, None, source)


def _from_auths(configuration: _Configuration, host: str, source: str) -> Credentials | None:
    # The host's own key comes before one with a path, which other tools give to a part of the registry.
    keys = sorted(configuration.auths, key=lambda key: key != host)
    auth = next((configuration.auths[key] for key in keys if normalise_host(key) == host), None)
    if auth is None:
        return None
    if auth.identity_token:
        return Credentials("", "", auth.identity_token, source)
    user, password = auth.username, auth.password
    if auth.auth:
        try:
            user, _, password = base64.b64decode(auth.auth, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, ValueError):
            raise Refused(
                f"The login for {host} in {source} is not base64", "log in again with `docker login`"
            ) from None
    # Docker pads with NUL what it wrote on some systems; an empty entry only says that a helper keeps the login.
    return Credentials(user, password.rstrip("\0"), None, source) if user or password else None


def _from_gitlab(host: str, environ: Mapping[str, str]) -> Credentials | None:
    user, password = environ.get("CI_REGISTRY_USER"), environ.get("CI_REGISTRY_PASSWORD")
    if user and password and normalise_host(environ.get("CI_REGISTRY", "")) == host:
        return Credentials(user, password, None, "CI_REGISTRY_USER")
    return None
