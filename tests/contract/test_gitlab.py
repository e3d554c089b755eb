"""What bumper asks GitLab for, and what the embedded server answers, against GitLab's own description and answers."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.contract.claims import ASKED, invented_fields, operation, real_fields, unknown_parameters, unread_fields
from tests.contract.drive import drive_all
from tests.contract.recorder import Exchange, Recorder
from tests.support.command_line import CommandLine
from tests.support.gitops import Gitops, GitopsMaker
from tests.support.verified import Serve

_PROJECT = "/projects/platform%2Fgitops"


def found(check: Callable[[Exchange], Iterator[str]], exchanges: Iterable[Exchange]) -> list[str]:
    return sorted({each for one in exchanges for each in check(one)})


def test_bumper_and_the_embedded_server_speak_gitlabs_language(
    make_gitops: GitopsMaker, serve: Serve, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Recorder(make_gitops.sandbox) as recorder:
        drive_all(recorder, make_gitops, serve, bumper, monkeypatch, tmp_path)

    assert {(one.method, operation(one).template) for one in recorder.exchanges} == ASKED
    assert found(unknown_parameters, recorder.exchanges) == []
    assert found(invented_fields, recorder.exchanges) == []
    assert found(unread_fields, recorder.exchanges) == []


def test_what_else_the_embedded_server_answers(gitops: Gitops, bumper: CommandLine) -> None:
    commit = bumper.bump("staging", "registry.tbank.local/backend/app:1.0.3")["commit"]
    gitops.api.post(f"/statuses/{commit}", state="success")
    paths = [
        "",
        "/pipelines",
        "/protected_branches",
        "/repository/branches",
        f"/repository/commits/{commit}",
        "/repository/tree",
        "/merge_requests/1/diffs",
        "/merge_requests/1/pipelines",
    ]

    asked = ["/user", "/version", "/metadata", "/personal_access_tokens/self", *(_PROJECT + path for path in paths)]
    with Recorder(gitops.sandbox) as recorder:
        for path in asked:
            recorder.get(path, gitops.sandbox.token)

    assert [one.status for one in recorder.exchanges] == [200] * len(asked)
    assert all(one.answer and real_fields(one) for one in recorder.exchanges)
    assert found(invented_fields, recorder.exchanges) == []
