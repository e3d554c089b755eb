"""``import bumper``: the editor and the planner for other programs, without git and without a network."""

import pydoc
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import bumper
from tests.support.gitops import APP, STAGING_FILE, values

IMAGE = f"{APP}:1.0.1"
CONFIG = b"environments:\n  staging:\n    values: 'apps/{app}/envs/staging/values.yaml'\n"


def test_pins_are_found_and_set_and_nothing_else_changes() -> None:
    content = b"image:\r\n  repository: " + APP.encode() + b"   # ours\r\n  tag:   '1.0'  # by CI\r\nreplicas: 01"

    [pin] = bumper.find_pins(content)

    assert (str(pin.repository), pin.path, pin.tag, pin.line, pin.refusal) == (APP, "image.tag", "1.0", 3, None)
    assert bumper.set_tags(content, f"{APP}:1.10") == content.replace(b"'1.0'", b"'1.10'")


def test_an_overlay_takes_its_repository_from_a_base() -> None:
    base = values("0.9.0").encode()

    assert bumper.set_tags(b"image:\n  tag: 1.0.0\n", IMAGE, bases=[base]) == b"image:\n  tag: 1.0.1\n"


def test_a_mistake_is_one_sentence() -> None:
    with pytest.raises(bumper.WrongUsage, match="names no tag"):
        bumper.set_tags(b"", APP)
    with pytest.raises(bumper.Refused, match=r"^backend\.yaml: nothing uses registry"):
        bumper.set_tags(b"a: 1\n", IMAGE, name="backend.yaml")


def test_a_plan_and_its_proposal() -> None:
    files = {
        STAGING_FILE: values("1.0.0").encode(),
        "bumper.yaml": b"branch_prefix: deploy/\n" + CONFIG + b"    labels: [deploy]\n",
    }

    plan = bumper.plan_bump(files, "staging", [IMAGE])
    proposal = bumper.propose(plan)

    [change] = plan.changes
    assert (change.app, change.before.tag, change.after.tag) == ("app", "1.0.0", "1.0.1")
    assert change.path == bumper.find_pins(files[STAGING_FILE])[0].path
    assert plan.files == {STAGING_FILE: values("1.0.1").encode()}
    assert "+  tag: 1.0.1\n" in plan.diff
    assert proposal.branch.startswith("deploy/bump-staging-app-")
    assert (proposal.title, proposal.labels) == ("app 1.0.0 -> 1.0.1 in staging", ("deploy",))
    assert "Bumper-Image: " + IMAGE in proposal.message
    with pytest.raises(bumper.Refused, match="changes nothing"):
        bumper.propose(bumper.plan_bump(files, "staging", [f"{APP}:1.0.0"]))


def test_rules_of_the_configuration_hold_for_the_library_too() -> None:
    files = {STAGING_FILE: values("1.0.0").encode(), "bumper.yaml": CONFIG + b"    tags: 'v.*'\n"}

    with pytest.raises(bumper.Refused, match="may not enter staging"):
        bumper.plan_bump(files, "staging", [IMAGE])


@pytest.mark.parametrize(
    ("freeze", "refusal"),
    [
        ('[{from: "2020-01-01 00:00", to: "2999-01-01 00:00", timezone: UTC}]', "frozen until 2999-01-01 00:00 UTC"),
        ("gitlab", "whether staging is frozen is not known"),
    ],
)
def test_so_does_a_freeze(freeze: str, refusal: str) -> None:
    files = {STAGING_FILE: values("1.0.0").encode(), "bumper.yaml": CONFIG + f"    freeze: {freeze}\n".encode()}

    with pytest.raises(bumper.Refused, match=refusal):
        bumper.plan_bump(files, "staging", [IMAGE])
    proposal = bumper.propose(bumper.plan_bump(files, "staging", [IMAGE], urgent="the shop\nis down"))

    assert "Bumper-Urgent: the shop is down\n" in proposal.message
    assert "**Urgent**, past soak and freeze: `the shop is down`" in proposal.description
    assert not bumper.plan_bump(files, "staging", [f"{APP}:1.0.0"]).changes


def test_the_library_imports_neither_git_nor_gitlab() -> None:
    heavy = ("git", "gitlab", "requests", "typer")
    code = f"import bumper, sys; bumper.plan_bump; print([name for name in {heavy} if name in sys.modules])"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    "call",
    [
        lambda text: bumper.set_tags(text, IMAGE),
        lambda text: bumper.find_pins(b"", bases=[text]),
        lambda text: bumper.plan_bump({STAGING_FILE: text}, "staging", [IMAGE]),
    ],
)
def test_text_in_the_place_of_bytes_is_called_so(call: Callable[[Any], object]) -> None:
    with pytest.raises(bumper.WrongUsage, match=r"the content is str, but the file's bytes are wanted; read the file"):
        call(values("1.0.0"))


def test_dir_and_help_show_the_public_names() -> None:
    shown = pydoc.plain(pydoc.render_doc(bumper))

    assert {*bumper.__all__} <= {*dir(bumper)}
    assert [name for name in bumper.__all__ if name not in shown] == []
    assert "set_tags(content: bytes, image: str" in shown


def test_what_is_offered_is_there_and_documented() -> None:
    assert [name for name in bumper.__all__ if not getattr(bumper, name).__doc__] == []
