"""Rivals, faults, interleavings, sick deployments and fuzz for a given time; prints figures.

Run as ``python -m tests.stress.stress SECONDS``; exit 1 if anything failed. What failed is printed with its seed.
"""

import random
import secrets
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from bumper.environments.config import parse_config
from bumper.errors import Refused
from bumper.http.transport import Limits
from bumper.values.tag_edit import TagEdit, set_tags
from bumper.values.values_file import find_pins, read_values
from tests.faults.killed import SCENARIOS, Scenario
from tests.faults.proxy import DROPPED, LOST_ANSWER, Fault, Proxy
from tests.faults.trial import COMMANDS, FAULTS, Trials
from tests.stress.places import clean_place
from tests.support.argocd import TOKEN, ArgoCd
from tests.support.attackers import Attackers
from tests.support.gate_machine import GatedInterleavings
from tests.support.gitops import Gitops
from tests.support.layout_machine import Layouts
from tests.support.machine import CONFIG, Interleavings, Place, content
from tests.support.nights import files_of_a_night, play_night
from tests.support.rivals import bump_all, check_all_landed, repository_of

RIVALS = 30
_MAX_REQUESTS = 25  # of one command
_KILLS = 100_000  # the number of the first repository in which jobs are killed
# Of the time; the rivals come first, once.
_SHARES = {
    "interleavings": 0.2, "attackers": 0.15, "layouts": 0.15, "nights": 0.1, "faults": 0.15, "kills": 0.15, "fuzz": 0.1
}  # fmt: skip
_PIECES = tuple(
    text.encode("latin-1")
    for text in (
        *("\n", "\r\n", " ", "  ", "\t", "- ", ": ", "? ", "---\n", "...\n", "#", "|\n", ">-\n", '"', "'", *"{}[]~"),
        *(
            "&a ",
            "*a",
            "<<: *a\n",
            "!!str ",
            "tag: 1\n",
            "image: a/b:1\n",
            "{app}",
            "null",
            "\xef\xbb\xbf",
            "\0",
            "\xff",
        ),
    )
)


@dataclass(slots=True)
class Figures:
    """What was counted on the way."""

    runs: int = 0
    faults: int = 0
    fuzzed: int = 0
    rivals: int = 0
    failures: list[str] = field(default_factory=list)

    def attempt(self, name: str, run: Callable[..., None], *arguments: object, **named: object) -> None:
        """Do it; a failure is kept and the stress run goes on."""
        try:
            run(*arguments, **named)
        except Exception:  # noqa: BLE001 - every failure is to be seen
            self.failures.append(f"{name}: {traceback.format_exc(limit=-6)}")


def stress_rivals(place: Place, figures: Figures, seconds: float) -> None:
    """As many commits at one moment as the time allows."""
    figures.rivals = RIVALS if seconds >= 2 * RIVALS else RIVALS // 5
    gitops = repository_of(place, figures.rivals)
    figures.attempt("rivals", check_all_landed, gitops, bump_all(gitops, figures.rivals))
    figures.runs += figures.rivals


def stress_interleavings(place: Place, figures: Figures, until: float) -> None:
    """Commands, people and other jobs, in any order."""
    Interleavings.place, before = place, Interleavings.operations
    _play(Interleavings, "interleavings", figures, (time.monotonic() + until) / 2)
    _play(GatedInterleavings, "interleavings before a gate", figures, until)
    figures.runs += Interleavings.operations - before


def stress_attackers(place: Place, figures: Figures, until: float) -> None:
    """Commands, somebody with the role Developer who writes wherever that role may, and lost answers."""
    Attackers.place, before = place, Attackers.operations
    _play(Attackers, "attackers", figures, until)
    figures.runs += Attackers.operations - before


def stress_layouts(place: Place, figures: Figures, until: float) -> None:
    """Promotions and rollbacks over repositories of many layouts."""
    Layouts.place, before = place, Layouts.outcomes.total()
    _play(Layouts, "layouts", figures, until)
    figures.runs += Layouts.outcomes.total() - before


def _play(machine: type[RuleBasedStateMachine], name: str, figures: Figures, until: float) -> None:
    """A few examples from each seed: hypothesis begins with the simplest, which is always the same."""
    chosen = settings(
        max_examples=3, stateful_step_count=12, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    while time.monotonic() < until:
        number = secrets.randbelow(2**32)
        seeded = seed(number)(machine)
        figures.attempt(f"{name}, seed {number}", run_state_machine_as_test, seeded, settings=chosen)


def stress_nights(place: Place, figures: Figures, until: float) -> None:
    """Deployments that are watched and rolled back by themselves, whatever Argo CD says."""
    with (
        ArgoCd() as argocd,
        patch("bumper.argocd.server.REFRESH_LIMITS", Limits(tries=1, timeouts=(1, 0.05))),
        patch("bumper.http.transport.sleep", lambda _: None),
    ):
        while time.monotonic() < until:
            number = secrets.randbelow(2**32)
            project = f"team/night-{number}"
            url = place.sandbox.create_project(project, files_of_a_night(argocd.url))
            token = place.sandbox.create_token("bumper", project=project)
            environ = {"BUMPER_REPO": url, "BUMPER_TOKEN": token, "ARGOCD_AUTH_TOKEN": TOKEN}
            gitops = Gitops(place.sandbox, place.temporary_folder.parent, project)
            figures.attempt(f"night, seed {number}", play_night, gitops, argocd, number, environ)
            figures.runs += 1


def stress_faults(place: Place, figures: Figures, until: float) -> None:
    """A command, of whose requests some fail once, chosen at random."""
    with Proxy(place.sandbox.url) as proxy:
        trials = Trials(place.sandbox, proxy, place.temporary_folder)
        while time.monotonic() < until:
            command, fault = secrets.choice(list(COMMANDS)), secrets.choice(list(FAULTS))
            number = secrets.randbelow(_MAX_REQUESTS) + 1
            proxy.heal()
            trial = trials(command)
            proxy.fail(FAULTS[fault], nth=number)
            figures.attempt(f"{command}, request {number}: {fault}", lambda trial: trial.check(trial.run()), trial)
            figures.runs += 1
        figures.faults += proxy.injected


def stress_kills(place: Place, figures: Figures, until: float) -> None:
    """A command whose job dies at one of its requests, chosen at random, and two requests after it."""
    with Proxy(place.sandbox.url) as proxy:
        trials = Trials(place.sandbox, proxy, place.temporary_folder, count(_KILLS))
        while time.monotonic() < until:
            name, fault = secrets.choice(list(SCENARIOS)), secrets.choice([DROPPED, LOST_ANSWER])
            number, order = secrets.randbelow(_MAX_REQUESTS) + 1, secrets.randbelow(2)
            proxy.heal()
            figures.attempt(
                f"{name} dies at request {number} ({fault}), order {order}",
                check_killed, trials, proxy, SCENARIOS[name], fault, number, order,
            )  # fmt: skip
            figures.runs += 1


def check_killed(trials: Trials, proxy: Proxy, scenario: Scenario, fault: Fault, number: int, order: int) -> None:
    """Whoever comes next gets what they ask for."""
    trial = scenario.begin(trials)
    scenario.die(trial, proxy, fault, number)
    for request in list(scenario.orders())[order]:
        scenario.check(trial, request)


def stress_fuzz(figures: Figures, until: float) -> None:
    """Mutations of good files: read, and edited to the byte, or refused."""
    while time.monotonic() < until:
        number = secrets.randbelow(2**32)
        chance = random.Random(number)  # noqa: S311 - to be repeated
        figures.attempt(f"values, seed {number}", _edit, _mutated(content("one"), chance))
        figures.attempt(f"bumper.yaml, seed {number}", _read_config, _mutated(CONFIG.encode(), chance))
        figures.fuzzed += 2


def _mutated(source: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 6)):
        start = chance.randint(0, len(source))
        end = min(len(source), start + chance.choice([0, 0, 1, 4, 20]))
        source = source[:start] + chance.choice(_PIECES) * chance.choice([1, 1, 1, 3]) + source[end:]
    return source


def _edit(source: bytes) -> None:
    try:
        values = read_values("values.yaml", source)
        for pin in find_pins(values):
            if pin.refusal is None:
                set_tags(values, [TagEdit(pin, "1.10")])
    except Refused:
        return


def _read_config(source: bytes) -> None:
    try:
        parse_config(source)
    except Refused:
        return


def main(seconds: float) -> int:
    """Soak for so long (the rivals and the last round may take a little longer); 1 if anything failed."""
    figures, started = Figures(), time.monotonic()
    with clean_place() as place:
        stress_rivals(place, figures, seconds)
        left = max(seconds - (time.monotonic() - started), seconds / 2)
        stress_interleavings(place, figures, time.monotonic() + left * _SHARES["interleavings"])
        stress_attackers(place, figures, time.monotonic() + left * _SHARES["attackers"])
        stress_layouts(place, figures, time.monotonic() + left * _SHARES["layouts"])
        stress_nights(place, figures, time.monotonic() + left * _SHARES["nights"])
        stress_faults(place, figures, time.monotonic() + left * _SHARES["faults"])
        stress_kills(place, figures, time.monotonic() + left * _SHARES["kills"])
        stress_fuzz(figures, time.monotonic() + left * _SHARES["fuzz"])
    sys.stdout.write(
        f"{time.monotonic() - started:.0f} s: {figures.runs} runs of bumper, {figures.rivals} of them at one moment; "
        f"{figures.faults} faults injected; {figures.fuzzed} files fuzzed; {len(figures.failures)} failures\n"
        + "".join(f"\n{failure}\n" for failure in figures.failures)
    )
    return 1 if figures.failures else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
