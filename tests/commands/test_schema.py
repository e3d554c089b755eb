"""The JSON Schema of bumper.yaml: printed, shipped, and beside the file that init writes."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from bumper.environments.config import config_schema
from tests.docs.pages import ROOT
from tests.sandbox.client import run_git
from tests.support.command_line import CommandLine

CONFIG = {
    "environments": {
        "staging": {
            "values": "apps/{app}/envs/staging/values.yaml",
            "base": ["apps/{app}/values.yaml"],
            "argocd": {"server": "https://argocd.example.com", "application": "{app}-staging"},
        },
        "prod": {"values": ["apps/{app}/envs/prod/values.yaml"], "promote_from": ["staging"], "digests": True},
    },
    "same_as": [["registry.example.com/dev", "registry.example.com/prod"]],
    "registries": {"registry.internal:5000": {"insecure": True}},
}


def test_it_is_the_one_that_bumper_reads_by(bumper: CommandLine) -> None:
    printed = bumper("schema", code=0).json

    assert printed == config_schema()
    Draft202012Validator.check_schema(printed)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({}, None),
        ({"enviroments": {}}, ""),
        ({"branch_prefix": 7}, "branch_prefix"),
        ({"environments": {"staging": {}}}, None),
        ({"environments": {"staging": {"values": "a", "delivery": "push"}}}, "environments/staging/delivery"),
    ],
)
def test_an_editor_marks_what_bumper_would_refuse(
    bumper: CommandLine, change: dict[str, object], where: str | None
) -> None:
    validator = Draft202012Validator(bumper("schema", code=0).json)

    found = ["/".join(map(str, error.absolute_path)) for error in validator.iter_errors(CONFIG | change)]

    assert found == ([] if where is None else [where])


def test_init_points_editors_to_it(bumper: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_git("init", "--quiet", str(tmp_path))
    values = tmp_path / "apps/app/envs/staging/values.yaml"
    values.parent.mkdir(parents=True)
    values.write_text("image: {repository: registry.example.com/app, tag: '1'}\n")

    run_git("-C", str(tmp_path), "add", ".")
    bumper("init", code=0)

    head = (tmp_path / "bumper.yaml").read_text().splitlines()[0]
    named = tmp_path / head.removeprefix("# yaml-language-server: $schema=")
    assert json.loads(named.read_text()) == config_schema()


def test_the_hook_for_pre_commit_reports_every_mistake(
    bumper: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    arguments = hook["entry"].removeprefix("bumper ").split()
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "bumper.yaml"

    file.write_text("values: apps/{app}/envs/{env}/values.yaml\n")
    assert bumper(*arguments, file.name, code=0).out == ""
    file.write_text("valeus: a\nenvironments:\n  prod: {delivery: push}\n")
    failed = bumper(*arguments, file.name, code=1)
    assert "bumper.yaml:1:" in failed.err
    assert "bumper.yaml:3:" in failed.err
