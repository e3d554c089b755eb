"""Where a login is found: Docker's configuration, its helpers, GitLab's variables."""

import base64
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bumper.errors import BumperError, Refused, Unavailable
from bumper.registry.credentials import find_credentials
from tests.registry.asking import docker_auth, login

REGISTRY = "registry.tbank.local:5050"
Configure = Callable[[dict[str, Any]], Mapping[str, str]]
Helper = Callable[[str, str], None]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Write ``~/.docker/config.json``; the environment that finds it and the helpers."""

    def write(configuration: dict[str, Any]) -> Mapping[str, str]:
        folder = tmp_path / ".docker"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(configuration))
        return {"HOME": str(tmp_path), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}

    return write


@pytest.fixture
def helper(tmp_path: Path) -> Helper:
    """Install a credential helper, a shell script; it finds the server's name in $server."""

    def install(name: str, script: str) -> None:
        path = tmp_path / "bin" / f"docker-credential-{name}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\n[ "$1" = get ] || exit 2\nserver=$(cat)\n{script}\n')
        path.chmod(0o755)

    return install


def auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def found(host: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    credentials = find_credentials(host, environ)
    return None if credentials is None else (credentials.user, credentials.password)


ANSWER = """echo '{"ServerURL": "'$server'", "Username": "AWS", "Secret": "from '$server'"}'"""
UNKNOWN = "echo credentials not found in native keychain; exit 1"


@pytest.mark.parametrize("key", [REGISTRY, f"https://{REGISTRY}", f"http://{REGISTRY}/v2/", f"{REGISTRY}/group"])
def test_key_may_carry_scheme_and_path(key: str, configure: Configure) -> None:
    assert found(REGISTRY, configure({"auths": {key: auth("ci", "a:b")}})) == ("ci", "a:b")


def test_key_of_the_host_itself_stands_before_one_with_a_path(configure: Configure) -> None:
    environ = configure({"auths": {f"{REGISTRY}/group": auth("group", "1"), REGISTRY: auth("whole", "2")}})
    assert found(REGISTRY, environ) == ("whole", "2")


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"])
def test_docker_hub_has_many_keys(key: str, configure: Configure) -> None:
    assert found("docker.io", configure({"auths": {key: auth("bank", "1")}})) == ("bank", "1")


@pytest.mark.parametrize("key", ["registry.tbank.local", "registry.tbank.local:5051", "other.local:5050", "harbor", ""])
@pytest.mark.parametrize("host", [REGISTRY, "docker.io"])
def test_login_of_another_registry_is_not_taken(host: str, key: str, configure: Configure) -> None:
    assert found(host, configure({"auths": {key: auth("ci", "1")}})) is None


def test_user_and_password_may_stand_in_the_open(configure: Configure) -> None:
    assert found(REGISTRY, configure({"auths": {REGISTRY: {"username": "ci", "password": "1"}}})) == ("ci", "1")


def test_identity_token_stands_before_a_password(configure: Configure) -> None:
    environ = configure({"auths": {REGISTRY: {**auth("0000", ""), "identitytoken": "idt"}}})
    credentials = find_credentials(REGISTRY, environ)
    assert credentials is not None
    assert credentials.identity_token == "idt"
    assert "idt" not in repr(credentials)


def test_docker_config_names_another_folder(configure: Configure, tmp_path: Path) -> None:
    environ = {**configure({"auths": {REGISTRY: auth("other", "1")}}), "DOCKER_CONFIG": str(tmp_path / ".docker")}
    assert found(REGISTRY, {**environ, "HOME": "/nowhere"}) == ("other", "1")


def test_variables_order(configure: Configure) -> None:
    gitlab = {"CI_REGISTRY": REGISTRY, "CI_REGISTRY_USER": "job", "CI_REGISTRY_PASSWORD": "3"}
    file = configure({"auths": {REGISTRY: auth("file", "2")}})
    assert found(REGISTRY, {**gitlab, **file, **login(REGISTRY, "variable", "1")}) == ("variable", "1")
    assert found(REGISTRY, {**gitlab, **file}) == ("file", "2")
    assert found(REGISTRY, gitlab) == ("job", "3")
    assert found("other.local", gitlab) is None
    assert found(REGISTRY, {**gitlab, "CI_REGISTRY_PASSWORD": ""}) is None


def test_helper_of_the_registry_is_asked(configure: Configure, helper: Helper) -> None:
    helper("ecr-login", ANSWER)
    environ = configure({"credHelpers": {REGISTRY: "ecr-login"}, "credsStore": "absent"})
    assert found(REGISTRY, environ) == ("AWS", f"from {REGISTRY}")


def test_common_helper_is_asked_by_dockers_name_for_its_hub(configure: Configure, helper: Helper) -> None:
    helper("desktop", ANSWER)
    assert found("docker.io", configure({"credsStore": "desktop"})) == ("AWS", "from https://index.docker.io/v1/")


def test_entry_stands_in_where_the_helper_knows_nothing(configure: Configure, helper: Helper) -> None:
    helper("desktop", UNKNOWN)
    environ = configure({"credsStore": "desktop", "auths": {REGISTRY: auth("ci", "1"), "docker.io": {}}})
    assert found(REGISTRY, environ) == ("ci", "1")
    assert found("docker.io", environ) is None


def test_helper_may_give_an_identity_token(configure: Configure, helper: Helper) -> None:
    helper("acr", """echo '{"Username": "<token>", "Secret": "idt"}'""")
    credentials = find_credentials(REGISTRY, configure({"credsStore": "acr"}))
    assert credentials is not None
    assert credentials.identity_token == "idt"


@pytest.mark.parametrize(
    "script", ["echo s3cret; echo s3cret >&2; exit 1", "echo s3cret", """echo '{"Secret": "s3cret"}'"""]
)
def test_failing_helper_is_named_without_what_it_printed(script: str, configure: Configure, helper: Helper) -> None:
    helper("broken", script)
    with pytest.raises(Unavailable, match=r"docker-credential-broken .*--no-verify") as failure:
        find_credentials(REGISTRY, configure({"credsStore": "broken"}))
    assert "s3cret" not in _whole(failure.value)


def test_missing_helper_is_named(configure: Configure) -> None:
    with pytest.raises(Unavailable, match="docker-credential-nowhere"):
        find_credentials(REGISTRY, configure({"credHelpers": {REGISTRY: "nowhere"}}))


def test_helper_is_a_name_not_a_path(configure: Configure) -> None:
    with pytest.raises(Refused, match="not the name"):
        find_credentials(REGISTRY, configure({"credsStore": "x/../../evil"}))


@pytest.mark.parametrize(
    "text",
    ["{s3cret", "[" * 100_000, '["s3cret"]', '{"auths": {"a": "s3cret"}}', '{"auths": {"x.y": {"auth": ["s3cret"]}}}'],
)
def test_broken_configuration_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(Refused, match="DOCKER_AUTH_CONFIG") as refusal:
        find_credentials(REGISTRY, {"DOCKER_AUTH_CONFIG": text})
    assert "s3cret" not in _whole(refusal.value)


def test_login_that_is_not_base64_is_refused_without_showing_it() -> None:
    with pytest.raises(Refused, match=REGISTRY) as refusal:
        find_credentials(REGISTRY, docker_auth({"auths": {REGISTRY: {"auth": "s3cret!"}}}))
    assert "s3cret" not in _whole(refusal.value)


def _whole(error: BumperError) -> str:
    """What a traceback would tell, causes included."""
    return f"{error!r} {error.__cause__!r}"
