"""Answers that a stranger was given wrong, or not at all."""

import signal
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, finish, in_a_terminal, start, told
from tests.support.deployments import PROD, DeploymentsMaker
from tests.support.gitops import Gitops, GitopsMaker, values

NAMES = ["prod", "dev", "staging"]
FILES: dict[str, str | bytes] = {
    f"apps/{app}/envs/{name}/values.yaml": values(tag, f"registry.example.com/{app}/web")
    for app in ("shop", "search")
    for name, tag in (("dev", "3"), ("staging", "2"), ("prod", "2" if app == "search" else "1"))
}
RULES = "environments:\n" + "".join(f"  {name}: {{}}\n" for name in NAMES)
BY_PATTERN = 'values: "apps/{app}/envs/{env}/values.yaml"\n'


@pytest.mark.parametrize("config", [RULES, BY_PATTERN + RULES])
def test_the_order_of_environments_is_bumper_yaml_s_everywhere(
    make_gitops: GitopsMaker, bumper: CommandLine, config: str
) -> None:
    make_gitops(FILES | {"bumper.yaml": config})

    assert list(bumper("status", "--output", "json", code=0).json["environments"]) == NAMES
    heading = bumper("status", "--all", code=0).out.splitlines()[0].split()
    assert heading[2:] == [name.upper() for name in NAMES]
    assert "Known: prod, dev, staging." in bumper("history", "stage", code=1).err
    checks = [check["name"] for check in bumper("doctor", "--no-verify", "--output", "json").json["checks"]]
    assert [name for name in checks if name.startswith("environment ")] == [f"environment {name}" for name in NAMES]


def test_status_of_one_application(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops(FILES)
    bumper("bump", "prod", "registry.example.com/search/web:3", "--no-verify", code=0)

    shown = bumper("status", "--app", "sho*", "--output", "json", code=0).json
    rows = [row for name in ("dev", "staging", "prod") for row in shown["environments"][name]]

    assert {row["app"] for row in rows} == {"shop"}
    assert [one["app"] for one in shown["drift"]] == ["shop"]
    assert shown["merge_requests"] == []
    assert len(bumper("status", "--app", "search", "--output", "json", code=0).json["merge_requests"]) == 1
    assert "is called 'sop'; it has search, shop" in bumper("status", "--app", "sop", code=1).err


def test_a_short_name_has_nearest_names(gitops: Gitops, bumper: CommandLine) -> None:
    message = bumper("bump", "staging", "app:1.0.3", "--no-verify", code=1).err

    assert message.endswith("; did you mean registry.tbank.local/backend/app?\n")
    assert gitops.branches() == []


def test_the_environment_comes_before_the_images(bumper: CommandLine) -> None:
    message = bumper("bump", "registry.example.com/backend/app:1.0.9", "staging", code=2).err

    assert "'registry.example.com/backend/app:1.0.9' is an image, but the environment comes first; " in message
    assert "write bumper bump staging registry.example.com/backend/app:1.0.9." in message


def test_the_image_comes_before_the_files(bumper: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("image: registry.example.com/backend/app:1.0.8\n")

    message = bumper("set", str(file), "registry.example.com/backend/app:1.0.9", code=2).err

    assert f"'{file}' is a file, but the image comes first; " in message
    assert f"write bumper set registry.example.com/backend/app:1.0.9 {file}." in message


def test_schema_names_the_file_that_it_checked(bumper: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("\nenviroments: {}\n")

    message = bumper("schema", str(tmp_path / "rules.yaml"), code=1).err

    assert message.startswith(f"error: {tmp_path}/rules.yaml:2: enviroments: is not a key here")


def test_bumper_yaml_with_three_mistakes_has_all_of_them_reported(
    make_gitops: GitopsMaker, bumper: CommandLine
) -> None:
    make_gitops(FILES | {"bumper.yaml": "environments:\n  prod:\n    tags: '('\n    auto_merge: maybe\nauthors: me\n"})

    message = bumper("status", code=1).err

    assert [line.partition(": ")[0] for line in message.removeprefix("error: ").splitlines()] == [
        "bumper.yaml:3",
        "bumper.yaml:4",
        "bumper.yaml:5",
    ]
    assert "Value error" not in message


def test_one_file_and_one_image_are_not_called_many(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments({PROD.format("app"): "a: [\n"})

    shown = made.bumper("bump", "prod", "registry.example.com/x:1", "--no-verify", "-v", code=1).err

    assert "reading the values files of prod (1)" in shown
    assert "1 of its files could not be read" in shown


def test_rollback_of_a_merge_request_that_does_not_exist_is_a_mistake(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments({PROD.format("app"): values("1")})

    assert "there is no merge request !99 in team/gitops" in made.refused("rollback", "prod", "--mr", "99")


def test_rollback_shows_its_table_and_asks_on_a_terminal(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments({PROD.format("app"): values("1")})
    made.tag(PROD.format("app"), "2")

    no = in_a_terminal("rollback", "prod", "--no-verify", answer="n\n")
    without_answer = in_a_terminal("rollback", "prod", "--no-verify", "--hold", "errors", answer="\n")

    assert (no[0], no[1]) == (without_answer[0], without_answer[1]) == (1, "")
    assert "  app  app  2 -> 1\n" in no[2]
    assert "  held: errors\n" in without_answer[2]
    assert "Propose these changes? [y/N]" in no[2]
    assert made.gitops.branches() == []
    assert in_a_terminal("rollback", "prod", "--no-verify", answer="y\n")[0] == 0


def test_interrupted_while_it_waits_it_says_that_the_merge_request_stays_open(gitops: Gitops) -> None:
    running = start("bump", "staging", "registry.tbank.local/backend/app:1.0.3", "--no-verify", "--wait", "1m")
    told(running, "waiting up to 60 s for")
    running.send_signal(signal.SIGINT)

    ended = finish(running)

    [request] = gitops.merge_requests()
    assert ended.code == 130
    assert ended.err.splitlines()[-2:] == [f"!1 stays open: {request['web_url']}", "interrupted"]


def test_ssh_s_own_reason_is_shown(bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bumper.git.command._PAUSES", ())

    message = bumper("status", "--repo", "ssh://git@127.0.0.1:1/group/gitops.git", code=4).err

    assert "connect to host 127.0.0.1 port 1: Connection refused" in message
