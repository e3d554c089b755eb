"""Random interleavings, a few; `make stress` runs many."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bumper.sandbox import Sandbox
from tests.support.gate_machine import GatedInterleavings
from tests.support.machine import Interleavings, Place

FEW = settings(
    max_examples=3,
    stateful_step_count=9,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("machine", [Interleavings, GatedInterleavings])
def test_interleavings(
    machine: type[Interleavings], sandbox: Sandbox, temporary_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Interleavings, "place", Place(sandbox, temporary_folder), raising=False)

    run_state_machine_as_test(machine, settings=FEW)

    assert Interleavings.operations > 0
