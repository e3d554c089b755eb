import pytest

from bumper.registry.client import read_challenges


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ("", {}),
        ('Basic realm="a, b"', {"basic": {"realm": "a, b"}}),
        (
            'Bearer realm="https://tokens/x",service=hub,scope="repository:a/b:pull,push"',
            {"bearer": {"realm": "https://tokens/x", "service": "hub", "scope": "repository:a/b:pull,push"}},
        ),
        (
            'BEARER realm="https://tokens/x", Basic realm="y"',
            {"bearer": {"realm": "https://tokens/x"}, "basic": {"realm": "y"}},
        ),
        (r'Bearer Realm = "say \"hi\"", service=""', {"bearer": {"realm": 'say "hi"', "service": ""}}),
        ("Negotiate, Basic realm=x", {"negotiate": {}, "basic": {"realm": "x"}}),
    ],
)
def test_challenges_are_read(header: str, challenges: dict[str, dict[str, str]]) -> None:
    assert read_challenges(header) == challenges
