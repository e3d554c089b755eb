"""Many applications, each bumped by a process of its own, all at one moment and straight to the branch."""

from tests.support.command_line import Ran, finish, start
from tests.support.gitops import Gitops, values
from tests.support.machine import Place

COMMIT = """\
environments:
  staging:
    values: apps/{app}/envs/staging/values.yaml
    delivery: commit
"""


def image(number: int) -> str:
    return f"registry.example.com/team/app-{number}"


def file(number: int) -> str:
    return f"apps/app-{number}/envs/staging/values.yaml"


def repository_of(place: Place, count: int) -> Gitops:
    """A repository with so many applications, which takes commits straight to the branch."""
    files = {file(number): values("1.0.0", image(number)).encode() for number in range(count)}
    place.sandbox.create_project("team/rivals", {"bumper.yaml": COMMIT.encode(), **files})
    return Gitops(place.sandbox, place.temporary_folder.parent, "team/rivals")


def bump_all(gitops: Gitops, count: int) -> list[Ran]:
    """Every application is bumped at one moment."""
    token = gitops.sandbox.create_token("bumper", project=gitops.project)
    environ = {"BUMPER_REPO": gitops.url, "BUMPER_TOKEN": token}
    arguments = ("--no-verify", "--output", "json")
    running = [
        start("bump", "staging", f"{image(number)}:1.0.1", *arguments, environ=environ) for number in range(count)
    ]
    return [finish(process) for process in running]


def check_all_landed(gitops: Gitops, ended: list[Ran]) -> None:
    """Every one is on main: one commit each, in one line, of its own file alone."""
    assert [(ran.code, ran.said) for ran in ended] == [(0, "")] * len(ended)
    assert {ran.json["status"] for ran in ended} == {"committed"}
    for number, ran in enumerate(ended):
        assert gitops.read(file(number)) == values("1.0.1", image(number))
        assert gitops.git("show", "--format=", "--name-only", ran.json["commit"]).split() == [file(number)]
    assert gitops.git("rev-list", "--merges", "main") == ""
    landed = gitops.git("rev-list", "main").split()[:-1]
    assert sorted(ran.json["commit"] for ran in ended) == sorted(landed)
