"""Where the token goes, and what becomes of answers that Argo CD would not give."""

from pathlib import Path

import pytest

from bumper.argocd.server import ArgoServer, connect_to_argocd
from bumper.argocd.verdict import Expectation, judge
from bumper.errors import BumperError, Refused, Unavailable
from bumper.settings import Settings, read_settings
from tests.support.argocd import TOKEN, ArgoCd, application
from tests.support.spoilt import Answers, Spoilt


def settings(**environ: str) -> Settings:
    return read_settings(
        {"ARGOCD_AUTH_TOKEN": TOKEN, **environ}, repo="https://gitlab.example/a/b.git", branch=None, gitlab_url=None
    )


def test_no_token_no_question() -> None:
    with pytest.raises(Unavailable, match="set ARGOCD_AUTH_TOKEN"):
        connect_to_argocd("https://argocd.example", None, settings(ARGOCD_AUTH_TOKEN=""))


@pytest.mark.parametrize("url", ["http://argocd.example", "http://10.0.0.1:8080", "http://127.0.0.1.example"])
def test_the_token_is_not_sent_without_encryption(url: str) -> None:
    with pytest.raises(Refused, match="not sent without encryption"):
        connect_to_argocd(url, None, settings())


@pytest.mark.parametrize(
    ("server", "url", "is_it"),
    [
        ("argocd.example", "https://argocd.example", True),
        ("argocd.example:443", "https://ArgoCD.example/argo/", True),
        ("https://argocd.example", "https://argocd.example:443", True),
        ("argocd.example", "https://argocd.example.thief.example", False),
        ("argocd.example", "https://argocd.example:8443", False),
        ("argocd.example", "https://argocd.example@thief.example", False),
    ],
)
def test_the_token_is_for_the_server_that_the_environment_names(server: str, url: str, is_it: bool) -> None:  # noqa: FBT001
    if is_it:
        assert isinstance(connect_to_argocd(url, None, settings(ARGOCD_SERVER=server)), ArgoServer)
    else:
        with pytest.raises(Refused, match="ARGOCD_SERVER is"):
            connect_to_argocd(url, None, settings(ARGOCD_SERVER=server))


def test_the_token_is_in_no_repr() -> None:
    connected = connect_to_argocd("https://argocd.example", None, settings())

    assert TOKEN not in repr(connected) + repr(settings())


def test_a_project_is_named_in_every_question(tmp_path: Path) -> None:
    with ArgoCd() as argocd:
        argocd.tell("app", application())
        connect_to_argocd(argocd.url, "default", settings(HOME=str(tmp_path))).read("team/app")

    assert argocd.requests == [("/api/v1/applications/app", {"appNamespace": ["team"], "project": ["default"]})]


def test_no_answer_is_a_bug_of_bumpers() -> None:
    for seed in range(300):
        server = connect_to_argocd("https://argocd.example", None, settings())
        server._session.mount("https://", Answers(Spoilt(application("a/b:1", said="x"), f"argocd {seed}")))
        failure = None
        try:
            judge(server.read("app"), Expectation((), lambda _: False))
        except BumperError as error:
            failure = error
        assert failure is None or failure.exit_code == 4, (seed, failure)
