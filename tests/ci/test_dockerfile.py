"""The container image's promises, as far as they can be read (no container engine is needed)."""

import fnmatch
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.ci.components import ROOT

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
INSTRUCTIONS = [
    (words[0], words[1])
    for line in re.sub(r"\\\n", "", re.sub(r"(?m)^#.*\n", "", TEXT)).splitlines()
    if len(words := line.split(maxsplit=1)) == 2
]


def told(instruction: str) -> list[str]:
    return [rest for name, rest in INSTRUCTIONS if name == instruction]


def copied() -> Iterator[str]:
    """What the image takes out of the repository."""
    for words in (rest.split() for rest in told("COPY")):
        if not words[0].startswith("--from="):
            yield from words[:-1]


def admitted(path: str) -> bool:
    """By .dockerignore, whose last fitting line counts."""
    answer = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#") and fnmatch.fnmatch(path, line.removeprefix("!").removeprefix("**/")):
            answer = line.startswith("!")
    return answer


def test_its_user_is_not_root_and_its_base_is_pinned() -> None:
    assert re.fullmatch(r"[1-9]\d{3,}", told("USER")[-1])
    assert INSTRUCTIONS.index(("USER", told("USER")[-1])) > max(
        number for number, (name, _) in enumerate(INSTRUCTIONS) if name in {"RUN", "FROM"}
    )
    [base] = {rest.split()[0] for rest in told("FROM")}
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+", base)


def test_a_runner_can_start_a_script_in_it() -> None:
    """With an entry point of its own the runner's shell would be an argument of bumper's."""
    assert told("ENTRYPOINT") == []
    assert {"git", "openssh-client", "ca-certificates"} <= set(told("RUN")[-1].split())


def test_its_python_packages_are_the_tested_ones() -> None:
    [install] = [rest for rest in told("RUN") if "pip install" in rest]
    [packages, bumper] = re.findall(r"pip install ([^&]*)", install)

    assert "--require-hashes" in packages
    assert "--requirement requirements.txt" in packages
    assert "--no-deps --no-build-isolation ." in bumper  # so that nothing else is fetched


def test_all_that_the_build_needs_reaches_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {"bumper", "pyproject.toml", "setup.py", "requirements.txt", "README.md", *project["license-files"]}

    assert set(copied()) == needed
    assert [name for name in needed if not admitted(name)] == []
    assert [path.name for path in Path(ROOT).iterdir() if path.name not in needed and admitted(path.name)] == []


def test_its_labels_say_what_it_is_and_where_it_is_from() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', told("LABEL")[-1]))

    assert labels["licenses"] == "Apache-2.0"
    assert (labels["version"], labels["revision"], labels["source"]) == ("$VERSION", "$REVISION", "$SOURCE")
    assert {rest.split("=")[0] for rest in told("ARG")} == {"VERSION", "REVISION", "SOURCE"}
