"""Every folder of fixtures/values is a request for one file, as `bumper bump` plans it or as `bumper set` takes it.

A case is added by adding its files: input.yaml, base.yaml (optional, lower precedence), request, and either
expected.yaml or refusal.txt (a regular expression for the message). warnings.txt (optional) has a regular expression
for each warning, in their order.
"""

import re
from pathlib import Path

import pytest

from bumper.commands.set_tag import set_tag
from bumper.environments.applications import AppFiles
from bumper.environments.config_models import Config, EnvironmentConfig
from bumper.environments.gather import gather
from bumper.environments.layout import Environment
from bumper.environments.path_pattern import Identity
from bumper.errors import Refused
from bumper.image import parse_image
from bumper.planning.bump import apply_plan, plan_bump

CASES = sorted((Path(__file__).parents[2] / "fixtures" / "values").iterdir())


def fulfil(case: Path, folder: Path) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of input.yaml after the case's request, and the warnings.

    `set` takes paths, and says why it cannot read its file.
    """
    image, *options = (case / "request").read_text().split()
    path = options[1] if options[:1] == ["--path"] else None
    if path is not None or ((case / "refusal.txt").exists() and not (case / "base.yaml").exists()):
        target = folder / "input.yaml"
        target.write_bytes((case / "input.yaml").read_bytes())
        done = set_tag(parse_image(image), [target.name], path)
        return target.read_bytes(), done.warnings
    sources = {path.name: path.read_bytes() for path in case.glob("*.yaml") if path.name != "expected.yaml"}
    files = AppFiles("shop", ("input.yaml",), tuple(sources.keys() & {"base.yaml"}), Identity("shop"))
    environment = Environment("prod", (files,), EnvironmentConfig(values=("input.yaml",)))
    gathered = gather(environment, Config(), sources)
    plan = plan_bump(
        gathered,
        "prod",
        [parse_image(image)],
        frozenset(gathered.apps),
        write_digests="--write-digest" in options,
        allow_missing=False,
    )
    return apply_plan(plan, gathered.values).get("input.yaml", sources["input.yaml"]), plan.warnings


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_case(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if (case / "expected.yaml").exists():
        after, warnings = fulfil(case, tmp_path)
        assert after == (case / "expected.yaml").read_bytes()
        if (case / "warnings.txt").exists():
            patterns = (case / "warnings.txt").read_text().splitlines()
            assert len(warnings) == len(patterns), warnings
            assert all(map(re.search, patterns, warnings)), warnings
    else:
        with pytest.raises(Refused) as refusal:
            fulfil(case, tmp_path)
        assert not str(refusal.value).startswith("input.yaml") or "; " in str(refusal.value)
        assert re.search((case / "refusal.txt").read_text().strip(), str(refusal.value))


def test_every_case_says_what_is_to_happen() -> None:
    assert CASES
    for case in CASES:
        assert (case / "expected.yaml").exists() != (case / "refusal.txt").exists(), case.name
