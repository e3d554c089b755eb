"""Random interleavings of requests and attacks, a few."""

from pathlib import Path

import pytest
from hypothesis.stateful import run_state_machine_as_test

from bumper.sandbox import Sandbox
from tests.delivery.test_state_machine import FEW
from tests.support.attackers import Attackers
from tests.support.machine import Place


def test_what_is_merged_is_what_was_asked_for(
    sandbox: Sandbox, temporary_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Attackers, "place", Place(sandbox, temporary_folder), raising=False)

    run_state_machine_as_test(Attackers, settings=FEW)

    assert next(Attackers.projects) > 0
