"""Thousands of values files are looked at without the entries that cannot matter: nothing is missed by that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bumper.environments.config_models import Config, EnvironmentConfig
from bumper.environments.gather import Gathered, gather
from bumper.environments.layout import AppFiles, Environment
from bumper.values.key_names import key_name
from bumper.values.skimming import _KEYS_LEFT_OUT

BASE, OWN = "base.yaml", "values.yaml"
ENTRIES = "".join(f'{{indent}}setting_{number}: "words"  # of no matter\n' for number in range(12))


def looked_at(own: str, base: str = "") -> tuple[Gathered, Gathered]:
    """What is found in an application's files as in those of thousands, and what is found in few."""
    sources = {OWN: own.encode(), BASE: base.encode()}
    app = AppFiles("app", (OWN,), (BASE,) if base else ())
    environment = Environment("any", (app,), EnvironmentConfig(values=(OWN,)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bumper.gather._MANY", 0)
        as_of_many = gather(environment, Config(), sources)
    return as_of_many, gather(environment, Config(), sources)


def seen(gathered: Gathered) -> list[object]:
    holders = [(found.pin.tag_scalar, found.pin.digest_scalar) for found in (*gathered.pins, *gathered.shared)]
    places = [[(one.start, one.end, one.line) if one else None for one in both] for both in holders]
    return [*gathered.pins, *gathered.shared, *places, *gathered.unreadable]


def entries(indent: int) -> str:
    return ENTRIES.format(indent=" " * indent)


@pytest.mark.parametrize(
    ("own", "base"),
    [
        (f"image:\n  repository: team/app\n  tag: 1.0\n{entries(0)}", ""),
        (f"{entries(0)}web:\n{entries(2)}  image: team/app:1.0\n{entries(2)}other:\n{entries(2)}", ""),
        (f"env:\n{entries(2)}image:\n  tag: '2'\n", f"{entries(0)}image:\n  repository: team/app\n  tag: 1\n"),
        (f"{entries(0)}worker: disabled\n", f"{entries(0)}worker:\n  image: team/app:1.0\n"),
        (f"{entries(0)}worker: x\nworker:\n  image: team/app:1.0\n", ""),
        (f"images:\n  a: team/app:1\n  b: x\n  c: team/other:2\n{entries(2)}", ""),
        (f"text: |\n  image: team/app:1\n{entries(2)}image: team/app:1\n", ""),
        (f"text: 'a\n{entries(2)}  image: team/app:1'\nimage: team/app:1\n", ""),
        (f"tag: &tag 1.0\nimage: app\n{entries(0)}other: *tag\n", ""),
        (f"{entries(0)}broken: [\n", ""),
        (f'{entries(0)}broken: "\n{entries(0)}', ""),
        (f"{entries(0)}  deeper: x\nimage: team/app:1\n", ""),
        (f"{entries(0)}sops:\n  mac: x\nimage: team/app:1\n", ""),
        (f"- image: team/app:1\n{entries(2)}- image: team/app:2\n{entries(2)}", ""),
    ],
)
def test_it_is_as_if_all_were_read(own: str, base: str) -> None:
    as_of_many, whole = looked_at(own, base)

    assert seen(as_of_many) == seen(whole)


LINES = st.sampled_from(
    [
        *ENTRIES.format(indent="").splitlines(), *ENTRIES.format(indent="  ").splitlines()[:6],
        "image: team/app:1", "image:", "  repository: team/app", "  tag: 1.10", "web:", "  image: team/app:2", "web: x",
        "  digest: x", "images:", "  a: team/a:1", "text: |", "text: 'a", "  b'", 'c: "', "- a", "  - b: c", "    d: e",
        "---", "# image: a:1", "", "e: {}", "f: {a: x", "g: *h", "i: &h j",
    ]
)  # fmt: skip


@given(st.lists(LINES, max_size=40).map("\n".join), st.lists(LINES, max_size=20).map("\n".join))
def test_any_lines_are_as_if_all_were_read(own: str, base: str) -> None:
    as_of_many, whole = looked_at(f"{own}\n", f"{base}\n")

    assert seen(as_of_many) == seen(whole)


@given(st.from_regex(rf"\A{_KEYS_LEFT_OUT}\Z"))
def test_no_key_that_may_matter_is_left_out(key: str) -> None:
    assert not key_name(key).may_matter
