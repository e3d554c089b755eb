"""A job that dies between two requests, and whoever comes next: another request and the same one, in both orders.

To the server a killed job is one whose requests stop; so the proxy answers none from some request on.
"""

from itertools import permutations

import pytest

from tests.faults.proxy import DROPPED, LOST_ANSWER, Fault, Proxy
from tests.faults.trial import STAGING_FILE, Trial, Trials
from tests.support.command_line import Ran
from tests.support.gitops import APP, values
from tests.support.inside import run_inside

FOREVER = 10_000
# Where something is changed, and the requests around it: the last look, the push, the merge request, what follows.
BEFORE_THE_END = 6


def bump(trial: Trial, tag: str, *more: str) -> Ran:
    arguments = ("bump", "staging", f"{APP}:{tag}", *more, "--no-verify", "--output", "json")
    return run_inside(*arguments, environ=trial.environ)


def count_requests(trials: Trials, proxy: Proxy) -> int:
    trial = trials("bump")
    bump(trial, "1.0.2")
    before = len(proxy.requests)
    bump(trial, "1.0.3")
    return len(proxy.requests) - before


@pytest.mark.parametrize("fault", [DROPPED, LOST_ANSWER], ids=["the request", "the answer"])
def test_the_next_requests_propose_and_merge_what_they_ask_for(trials: Trials, proxy: Proxy, fault: Fault) -> None:
    total = count_requests(trials, proxy)
    for number in range(max(1, total - BEFORE_THE_END), total + 1):
        for order in permutations(["1.0.2", "1.0.3"]):
            trial = trials("bump")
            bump(trial, "1.0.2")
            proxy.fail(fault, nth=number)
            proxy.fail(DROPPED, nth=number + 1, times=FOREVER)
            killed = bump(trial, "1.0.3")
            assert killed.code in {0, 4}, killed
            proxy.heal()
            for tag in order:
                check(trial, tag)
            merged = bump(trial, order[1], "--auto-merge", "--wait", "20")
            assert (merged.code, trial.gitops.read(STAGING_FILE)) == (0, values(order[1])), merged


def check(trial: Trial, tag: str) -> None:
    """One open merge request, whose branch and words are the request's."""
    ran = bump(trial, tag)
    assert (ran.code, ran.json["status"]) == (0, "proposed"), ran
    [one] = trial.gitops.merge_requests()
    assert one["sha"] == ran.json["commit"] == trial.gitops.tip(ran.json["branch"])
    assert trial.gitops.read(STAGING_FILE, ran.json["branch"]) == values(tag)
    assert f" {tag} " in f"{one['title']} "
    assert f"`{tag}`" in one["description"]
