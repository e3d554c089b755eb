import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bumper.environments.config_models import Config
from bumper.image import Repository
from bumper.planning.description import ProposalText
from bumper.planning.proposal import Proposal, Request, branch_name, propose, readable
from bumper.records.record import Command, Record
from bumper.values.change import Change
from bumper.values.pin import Version

APP = Repository("registry.example.com", "team/app")
OTHER = Repository("registry.example.com", "team/other")
REQUEST = Request(Command.BUMP, "staging", "main", (APP, OTHER))
DEFAULT = ProposalText()


def proposed(text: ProposalText = DEFAULT, *, app: str = "app", message: str = "{default}") -> Proposal:
    place = ("apps/app/values.yaml", "image.tag", 3)
    change = Change(app, *place, APP, Version("1.0.0", None), Version("1.0.1", None))
    record = Record(Command.BUMP, "staging", (), (change,))
    return propose(REQUEST, record, text, {}, Config(commit_message=message))


@pytest.mark.parametrize(
    ("apps", "slug"), [(("backend",), "backend"), (("web", "backend"), "backend-and-1"), ((), "all")]
)
def test_a_branchs_name_names_the_applications(apps: tuple[str, ...], slug: str) -> None:
    assert re.fullmatch(rf"bumper/bump-staging-{slug}-[0-9a-f]{{8}}", branch_name("bumper/", REQUEST, apps))


def test_the_same_request_in_another_order_has_the_same_branch() -> None:
    one = Request(Command.BUMP, "staging", "main", (APP, OTHER), ("a", "b"))
    same = Request(Command.BUMP, "staging", "main", (OTHER, APP), ("b", "a"))

    assert branch_name("bumper/", one) == branch_name("bumper/", same)


def test_another_request_has_another_branch() -> None:
    others = [
        REQUEST,
        Request(Command.PROMOTE, "staging", "main", (APP, OTHER)),
        Request(Command.BUMP, "prod", "main", (APP, OTHER)),
        Request(Command.BUMP, "staging", "release", (APP, OTHER)),
        Request(Command.BUMP, "staging", "main", (APP,)),
        Request(Command.BUMP, "staging", "main", (APP, OTHER), ("app",)),
        Request(Command.BUMP, "staging", "main", (APP, OTHER), (), "--to 1.0.0"),
    ]

    assert len({branch_name("", request)[-8:] for request in others}) == len(others)


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_branchs_name_is_one_that_git_takes(environment: str, app: str) -> None:
    name = branch_name("bumper/", Request(Command.ROLLBACK, environment, "main", (), (app,)), [app])

    assert re.fullmatch(r"bumper/rollback-[a-z0-9]+(-[a-z0-9]+)*", name)
    assert len(name) < 120


def test_the_commit_message_is_bumper_yamls_and_the_title_is_the_users() -> None:
    proposal = proposed(ProposalText(title="Deploy\nnow"), message="chore: {default} [OPS-1]")

    assert proposal.title == "Deploy now"
    assert proposal.message.splitlines()[0] == "chore: app 1.0.0 -> 1.0.1 in staging [OPS-1]"


def test_a_label_stands_once() -> None:
    proposal = proposed(ProposalText(labels=("a", "b", "a")))

    assert proposal.labels == ("a", "b")


def test_a_reader_does_not_see_the_record() -> None:
    shown = readable(proposed())

    assert shown.startswith("app 1.0.0 -> 1.0.1 in staging\n\n| Application |")
    assert shown.endswith("[How this merge request behaves]")
    assert "<!--" not in shown


def test_an_applications_name_is_no_reference_in_what_closes_issues() -> None:
    made = proposed(app="closes #1")

    assert "#1" not in made.title + made.message
