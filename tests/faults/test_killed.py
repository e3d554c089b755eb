"""Jobs that die at a request that changes something, and whoever comes next.

The stress run kills at any request; here the orders of who comes next take turns where there are several requests.
"""

import signal
from itertools import cycle, islice

import pytest

from tests.faults.killed import SCENARIOS, requests_of
from tests.faults.proxy import LOST_ANSWER, SILENT, Fault, Proxy
from tests.faults.trial import Trials
from tests.support.command_line import finish, start


def changes_something(method: str, target: str) -> bool:
    return method != "GET" and not target.endswith("/git-upload-pack")


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_next_requests_get_what_they_ask_for(trials: Trials, proxy: Proxy, name: str) -> None:
    scenario = SCENARIOS[name]
    requests = requests_of(scenario, trials, proxy)
    writes = [number for number, request in enumerate(requests, 1) if changes_something(*request)]
    assert writes
    deaths = max(len(writes), 2)
    for number, order in islice(zip(cycle(writes), cycle(scenario.orders())), deaths):
        trial = scenario.begin(trials)
        scenario.die(trial, proxy, LOST_ANSWER, number)
        for request in order:
            scenario.check(trial, request)


@pytest.mark.parametrize("path", ["/git-receive-pack$", "/merge_requests/1$"])
def test_a_process_that_is_killed_while_it_updates(trials: Trials, proxy: Proxy, path: str) -> None:
    scenario = SCENARIOS["bump, update"]
    trial = scenario.begin(trials)
    method = "POST" if "git" in path else "PUT"
    proxy.fail(Fault(silent=True, reached=True) if "git" in path else SILENT, method=method, path=path)
    process = start(*scenario.killed.arguments, "--no-verify", environ=trial.environ)
    assert proxy.asked.wait(60)

    process.send_signal(signal.SIGKILL)
    assert finish(process).code == -signal.SIGKILL

    proxy.heal()
    scenario.check(trial, scenario.other)
    scenario.check(trial, scenario.killed)
