"""Docker's credential helpers: programs that keep a registry's login (``docker-credential-ecr-login`` and the like)."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bumper.errors import Refused, Unavailable

_SECONDS = 30  # a cloud's helper asks its cloud
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_UNKNOWN = "credentials not found"  # what helpers answer, with exit code 1, for a registry that they do not know


@dataclass(frozen=True, slots=True)
class HelperAnswer:
    """The login that a helper keeps."""

    user: str
    secret: str = field(repr=False)


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    user: str = Field(validation_alias="Username")
    secret: str = Field(validation_alias="Secret")


def ask_helper(name: str, server: str, environ: Mapping[str, str]) -> HelperAnswer | None:
    """What the helper ``name`` knows of ``server``; None where it knows nothing.

    Raises:
        Refused: ``name`` cannot be a helper's.
        Unavailable: the helper is missing, failed or hangs; what it printed stays hidden, it may hold the secret.

    """
    if _NAME.fullmatch(name) is None:
        raise Refused(f"{name!r} is not the name of a Docker credential helper", "correct it in config.json")
    program = f"docker-credential-{name}"
    way_out = f"run `echo {server} | {program} get` to see why, or give --no-verify"
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
        raise Unavailable(f"{program} did not answer for {server} within {_SECONDS} seconds", way_out) from None
    if done.returncode != 0:
        if _UNKNOWN in done.stdout.decode(errors="replace"):
            return None
        raise Unavailable(f"{program} failed for {server}", way_out)
    try:
        answer = _Answer.model_validate_json(done.stdout)
    except ValidationError:
        raise Unavailable(f"{program} gave no login for {server} that can be read", way_out) from None
    return HelperAnswer(answer.user, answer.secret) if answer.user or answer.secret else None
