"""No secret is shown, in whatever form a server echoes it."""

import base64
import re
from urllib.parse import quote

import pytest

from bumper.log import redactor

SECRET = "glpat-s3cr/t+%1"
OTHER = "another-one"
ENCODED = quote(SECRET, safe="")


BASIC = [f"{user}:{SECRET}{more}".encode() for user in ("", "o", "oa") for more in ("", "x")]


@pytest.mark.parametrize("form", [SECRET, ENCODED, re.sub("%..", lambda found: found[0].lower(), ENCODED)])
def test_it_is_hidden_as_it_is_and_url_encoded(form: str) -> None:
    assert redactor([None, SECRET, OTHER])(f"a {form} b") == "a [token] b"


@pytest.mark.parametrize("form", [base64.b64encode(raw).decode() for raw in BASIC])
def test_it_is_hidden_in_basic_whatever_the_user(form: str) -> None:
    hidden = redactor([SECRET])(f"Basic {form} b")

    assert hidden.endswith("[token] b")
    assert form[6:] not in hidden


def test_everything_else_is_shown() -> None:
    assert redactor([SECRET])("a b") == "a b"
    assert redactor([None, "", "short"])("a short text") == "a short text"
