"""Every CI file is one by GitLab's own schema."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bumper import __version__
from tests.ci.components import EXAMPLES, ROOT, TEMPLATES, InvalidInputError, component, example

NAMES = ("bump", "promote", "rollback")
EVERY = (*NAMES, "check")
NEEDED: dict[str, dict[str, object]] = {
    "check": {},
    "bump": {"environment": "staging"},
    "promote": {"source": "staging", "target": "prod"},
    "rollback": {"environment": "prod"},
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Those for GitLab CI; the others are bumper.yaml's.
BLOCKS = [
    yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "environments:" not in text
]
HOW_TO = (ROOT / "docs" / "how-to" / "gitlab-ci.md").read_text(encoding="utf-8")
BLOCKS_OF_HOW_TO = [
    yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", HOW_TO, re.DOTALL) if "environments:" not in text
]
INCLUDES = [one for block in (*BLOCKS, *BLOCKS_OF_HOW_TO) for one in block.get("include", [])]


def check(*files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def write(folder: Path, name: str, content: Any) -> Path:  # noqa: ANN401 - YAML
    file = folder / f"{name}.yml"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def included(include: Any) -> Any:  # noqa: ANN401 - YAML
    """The jobs of an ``include: component:``."""
    address, _, version = include["component"].partition("@")
    assert version == __version__
    return component(address.rsplit("/", 1)[1]).jobs(**include["inputs"])


def test_every_file_is_valid(tmp_path: Path) -> None:
    assert sorted(path.stem for path in TEMPLATES.iterdir()) == sorted(EVERY)
    files = [ROOT / ".gitlab-ci.yml", *EXAMPLES.iterdir()]
    for name in EVERY:
        files.append(write(tmp_path, f"{name}-header", component(name).header))
        files.append(write(tmp_path, name, component(name).all_jobs(**NEEDED[name])))
    files += [write(tmp_path, f"block-{n}", block) for n, block in enumerate((*BLOCKS, *BLOCKS_OF_HOW_TO))]
    files.append(write(tmp_path, "readme-jobs", {name: job for one in INCLUDES for name, job in included(one).items()}))

    done = check(*files)

    assert done.returncode == 0, done.stdout


def test_the_check_sees_mistakes(tmp_path: Path) -> None:
    jobs = component("bump").jobs(**NEEDED["bump"])
    jobs["bump-staging"]["retry"]["exit_codes"] = "four"

    assert check(write(tmp_path, "wrong", jobs)).returncode == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_component_can_be_included_for_several_environments(name: str) -> None:
    key = "target" if name == "promote" else "environment"
    first = component(name).jobs(**NEEDED[name] | {key: "prod-eu"})
    second = component(name).jobs(**NEEDED[name] | {key: "prod-us"})
    again = component(name).jobs(**NEEDED[name] | {key: "prod-us", "job_prefix": "worker"})

    assert [*first, *second, *again] == [f"{name}-prod-eu", f"{name}-prod-us", "worker-prod-us"]
    assert [job["resource_group"] for job in (*first.values(), *again.values())] == ["bumper-prod-eu", "bumper-prod-us"]


@pytest.mark.parametrize("name", EVERY)
def test_an_input_stays_a_value(name: str) -> None:
    """Whatever YAML would make of it: GitLab puts it into the text."""
    specs = component(name).header["spec"]["inputs"]
    inputs = [one for one, spec in specs.items() if spec["type"] == "string"]
    names = [one for one in inputs if one not in {"environment", "source", "target", "job_prefix", "job_name"}]
    hostile = """ "a': {b}, [c] # &d *e !f | > % @ `g` - \\n \t"""

    [job] = component(name).jobs(**NEEDED[name], **dict.fromkeys(names, hostile)).values()

    assert {job["stage"], job["image"]["name"], job["variables"]["BUMPER_STEP_OPTIONS"]} == {hostile.lstrip()}
    assert job["script"] == next(iter(component(name).jobs(**NEEDED[name]).values()))["script"]
    for one in inputs:
        for ending in "\n", "\r", "\x85", "\u2028":
            with pytest.raises(InvalidInputError):
                component(name).jobs(**NEEDED[name] | {one: f"a{ending}b: c"})
    assert all(spec["description"] and spec["type"] for spec in specs.values())


def test_what_is_installed_is_this_version() -> None:
    wanted = f"gitops-bumper=={__version__}"

    images = {component(name).header["spec"]["inputs"]["job_image"]["default"] for name in EVERY}
    assert images == {f"$CI_REGISTRY/platform/bumper:{__version__}"}
    shown = [job["image"].rpartition(":")[2] for block in BLOCKS for name, job in block.items() if name != "include"]
    assert shown == [__version__]
    jobs = [
        example("plain")[".bumper"],
        *example("webhook").values(),
    ]
    assert [job["before_script"][0].rsplit(" ", 1)[1] for job in jobs] == [wanted] * len(jobs)


@pytest.mark.parametrize("name", NAMES)
def test_a_component_runs_on_the_default_branch_unless_it_is_told_otherwise(name: str) -> None:
    [usual] = component(name).jobs(**NEEDED[name]).values()
    [tagged] = component(name).jobs(**NEEDED[name], rules=[{"if": "$CI_COMMIT_TAG"}]).values()

    assert usual["rules"] == [{"if": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"}]
    assert tagged["rules"] == [{"if": "$CI_COMMIT_TAG"}]
    assert usual.get("allow_failure") == (True if usual.get("when") == "manual" else None)


@pytest.mark.parametrize("name", NAMES)
def test_a_job_is_a_deployment_of_gitlabs_only_if_it_is_asked_for(name: str) -> None:
    [usual] = component(name).jobs(**NEEDED[name]).values()
    [deployment] = component(name).jobs(**NEEDED[name], gitlab_environment=True).values()

    assert "environment" not in usual
    assert deployment.pop("environment") == {"name": NEEDED[name].get("target", NEEDED[name].get("environment"))}
    assert deployment == usual


def test_what_is_installed_beside_a_token_is_pinned_by_hash() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    packages = dict(re.findall(r"^([a-z][\w.-]*)==(\S+)", text, re.MULTILINE))
    names = [re.split(r"[<>=]", one)[0].lower() for one in PROJECT["project"]["dependencies"]]
    constraints = dict(
        line.lower().replace("_", "-").split("==") for line in (ROOT / "constraints.txt").read_text().splitlines()[1:]
    )

    assert {name.replace(".", "-") for name in names} <= set(packages)  # "make requirements" writes it anew
    assert {name: version for name, version in packages.items() if constraints.get(name, version) != version} == {}
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=[a-z])", text)[1:])


def test_people_start_promotions_and_rollbacks() -> None:
    jobs = [job for name in NAMES for job in component(name).jobs(**NEEDED[name]).values()]
    plain = [job for name, job in example("plain").items() if "script" in job]

    for found in jobs, plain:
        assert [job.get("when") for job in found] == [None, "manual", "manual"]
