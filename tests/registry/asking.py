"""What the tests ask for, as a command would."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from bumper.errors import BumperError
from bumper.image import ImageReference, read_reference
from bumper.registry.resolve import RegistryAccess, resolve_all
from tests.registry.fake_registry import PASSWORD, FakeRegistry


def image(registry: FakeRegistry, rest: str = ":1.0.0") -> ImageReference:
    return reference(f"{registry.host}/{registry.behaviour.repository}{rest}")


def reference(text: str) -> ImageReference:
    found = read_reference(text)
    assert found is not None
    return found


def resolve(asked: ImageReference, access: RegistryAccess) -> str:
    found = resolve_all([asked], access)[asked]
    if isinstance(found, BumperError):
        raise found
    return found


def login(host: str, user: str, password: str = PASSWORD) -> Mapping[str, str]:
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    return docker_auth({"auths": {host: {"auth": auth}}})


def docker_auth(configuration: dict[str, Any]) -> Mapping[str, str]:
    return {"DOCKER_AUTH_CONFIG": json.dumps(configuration)}
