"""Random promotions and rollbacks over random layouts, a few; `make stress` runs many."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bumper.sandbox import Sandbox
from tests.support.layout_machine import Layouts
from tests.support.machine import Place

FEW = settings(
    max_examples=5, stateful_step_count=10, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def test_nothing_is_written_that_the_application_never_ran(
    sandbox: Sandbox, temporary_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Layouts, "place", Place(sandbox, temporary_folder), raising=False)

    run_state_machine_as_test(Layouts, settings=FEW)

    assert sum(Layouts.outcomes.values()) > 0
