"""Soak and freeze in `bumper check`, and the recorded way past both."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bumper.clock import Clock
from tests.support.checkouts import CONFIG, PROD, LocalCheckout, pinned

SOAK, GITLAB = "    soak: 2h\n", "    freeze: gitlab\n"
FREEZE = "    freeze: [{from: '2020-01-01 00:00', to: '2090-01-01 00:00', timezone: Europe/Moscow}]\n"
QA = "apps/backend/envs/qa/values.yaml"
URGENT = "Quick\n\nBumper-Urgent: the shop is down"


def later(checkout: LocalCheckout, hours: float) -> LocalCheckout:
    """The same checkout, checked so many hours later."""
    clock = Clock(now=lambda: datetime.now(UTC) + timedelta(hours=hours))
    return replace(checkout, bumper=replace(checkout.bumper, clock=clock))


def test_a_tag_has_to_have_stood_in_staging(checkout: LocalCheckout) -> None:
    checkout.land({"bumper.yaml": CONFIG + SOAK})
    checkout.commit({PROD: pinned("1.1.0")})

    assert checkout.rules() == [("soak", PROD, 3)]
    assert "`bumper promote staging prod --app backend` after " in checkout.check(code=1).out
    assert later(checkout, 3).rules() == []


def test_any_of_several_sources_is_enough(checkout: LocalCheckout) -> None:
    config = CONFIG.replace("[staging]", "[staging, qa]") + SOAK + "  qa: {values: 'apps/{app}/envs/qa/values.yaml'}\n"
    checkout.land({"bumper.yaml": config, QA: pinned("1.2.0")})
    checkout.commit({PROD: pinned("1.2.0")})

    assert checkout.rules() == [("soak", PROD, 3)]
    assert later(checkout, 3).rules() == []


def test_a_freeze_and_a_reason_to_go_past_it(checkout: LocalCheckout) -> None:
    checkout.land({"bumper.yaml": CONFIG + SOAK + FREEZE})
    checkout.commit({PROD: pinned("1.1.0")})
    assert {rule for rule, _, _ in checkout.rules()} == {"soak", "freeze"}
    assert later(checkout, 3).rules() == [("freeze", PROD, 3)]

    checkout.git("commit", "--quiet", "--amend", "--message", URGENT)
    ran = checkout.check(code=0)
    assert ran.err.count("it passes as urgent: the shop is down.") == 2


def test_a_rollback_waits_for_nothing(checkout: LocalCheckout) -> None:
    checkout.land({PROD: pinned("1.1.0")})
    checkout.land({"bumper.yaml": CONFIG + SOAK + FREEZE})
    checkout.commit({PROD: pinned("1.0.0")})

    assert checkout.rules() == []


def test_without_a_token_the_pipeline_knows_of_gitlabs_freezes(
    checkout: LocalCheckout, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.land({"bumper.yaml": CONFIG + GITLAB})
    checkout.commit({PROD: pinned("1.1.0")})
    assert checkout.rules() == [("freeze", PROD, 3)]
    assert "is not known" in checkout.check(code=1).out

    monkeypatch.setenv("CI_PROJECT_ID", "7")
    assert checkout.rules() == []
    monkeypatch.setenv("CI_DEPLOY_FREEZE", "true")
    assert checkout.rules() == [("freeze", PROD, 3)]
    monkeypatch.setenv("CI_MERGE_REQUEST_PROJECT_ID", "8")  # of a fork
    monkeypatch.delenv("CI_DEPLOY_FREEZE")
    assert checkout.rules() == [("freeze", PROD, 3)]
