"""A job that dies at one of its requests, and whoever comes next: another request and the same one, in both orders.

To the server a killed job is one whose requests stop; so the proxy answers none from some request on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tests.faults.proxy import DROPPED, Fault, Proxy
from tests.faults.trial import HURRIED, PROD_FILE, STAGING_FILE, Trial, Trials
from tests.support.command_line import Ran
from tests.support.gitops import APP, values
from tests.support.inside import run_inside

FOREVER = 10_000
HELD = " # bumper: hold wait"
_UNVERIFIED = {"bump", "promote", "rollback"}


@dataclass(frozen=True)
class Request:
    """A command line, and the file as it is to be proposed."""

    arguments: tuple[str, ...]
    file: str
    text: str
    title: str


def bump(tag: str, environment: str = "staging") -> Request:
    file = {"staging": STAGING_FILE, "prod": PROD_FILE}[environment]
    return Request(("bump", environment, f"{APP}:{tag}"), file, values(tag), f"-> {tag} in {environment}")


PROMOTE = Request(("promote", "staging", "prod"), PROD_FILE, values("1.0.1"), "-> 1.0.1 in prod")
ROLLBACK = Request(("rollback", "staging", "--app", "app"), STAGING_FILE, values("1.0.0"), "in staging (rollback)")
HOLD = Request(
    ("hold", "prod", "--app", "app", "--reason", "wait"), PROD_FILE, values("1.0.0" + HELD), "held at 1.0.0 in prod"
)  # fmt: skip
UNHOLD = Request(("unhold", "prod", "--app", "app"), PROD_FILE, values("1.0.0"), "no longer held in prod")


@dataclass(frozen=True)
class Scenario:
    """What was proposed before, the request whose job is killed, another one, and how they are delivered."""

    killed: Request
    other: Request
    before: Request | None = None
    way: str = "api"  # or "push options", "commit"
    held: bool = False  # prod's pin, before all

    def begin(self, trials: Trials) -> Trial:
        """A repository for it, with what was there before."""
        trial = trials("bump", commits=self.way == "commit")
        if self.held:
            trial.gitops.commit({PROD_FILE: values("1.0.0" + HELD)})
        if self.way == "push options":
            job = trial.gitops.sandbox.create_token("bumper", kind="job", project=trial.gitops.project)
            trial = replace(trial, environ={"BUMPER_REPO": trial.environ["BUMPER_REPO"], "CI_JOB_TOKEN": job})
        if self.before is not None:
            self.run(trial, self.before)
        return trial

    def run(self, trial: Trial, request: Request) -> Ran:
        verify = ["--no-verify"] if request.arguments[0] in _UNVERIFIED else []
        delivery = ["--delivery", "commit"] if self.way == "commit" else []
        return run_inside(
            *request.arguments, *verify, *delivery, "--output", "json", environ=trial.environ, clock=HURRIED
        )

    def check(self, trial: Trial, request: Request) -> None:
        """The request proposes, in one open merge request, what it asks for; or it is on main."""
        ran = self.run(trial, request)
        assert ran.code == 0, ran
        if self.way == "commit":
            assert ran.json["status"] in {"committed", "unchanged"}, ran
            assert trial.gitops.read(request.file) == request.text
            return
        assert ran.json["status"] == "proposed", ran
        [one] = [one for one in trial.gitops.merge_requests() if one["source_branch"] == ran.json["branch"]]
        assert ran.json["merge_request"]["iid"] == one["iid"]
        assert one["sha"] == ran.json["commit"] == trial.gitops.tip(one["source_branch"])
        assert trial.gitops.read(request.file, one["source_branch"]) == request.text
        assert request.title in one["title"], one["title"]
        assert trial.gitops.git("diff", "--name-only", "main", one["sha"]).split() == [request.file]

    def die(self, trial: Trial, proxy: Proxy, fault: Fault, number: int) -> None:
        """The killed request's job ends at its request of this number."""
        proxy.fail(fault, nth=number)
        proxy.fail(DROPPED, nth=number + 1, times=FOREVER)
        ran = self.run(trial, self.killed)
        assert ran.code in {0, 4}, ran
        proxy.heal()

    def orders(self) -> Iterator[tuple[Request, Request]]:
        """Who may come next."""
        yield self.other, self.killed
        yield self.killed, self.other


_API = {
    "bump, new": Scenario(bump("1.0.2"), bump("1.0.3")),
    "bump, update": Scenario(bump("1.0.3"), bump("1.0.2"), bump("1.0.2")),
    "promote": Scenario(PROMOTE, bump("1.0.5", "prod")),
    "rollback": Scenario(ROLLBACK, bump("1.0.2"), bump("1.0.2")),
    "hold": Scenario(HOLD, bump("1.0.5", "prod")),
    "unhold": Scenario(UNHOLD, bump("1.0.2"), held=True),
}
SCENARIOS: Mapping[str, Scenario] = {
    **_API,
    **{f"{name}, by push": replace(scenario, way="push options") for name, scenario in _API.items()},
    "bump, committed": Scenario(bump("1.0.2"), bump("1.0.3"), way="commit"),
    "promote, committed": Scenario(PROMOTE, bump("1.0.5", "prod"), way="commit"),
    "hold, committed": Scenario(HOLD, UNHOLD, way="commit"),
    "unhold, committed": Scenario(UNHOLD, HOLD, way="commit", held=True),
}


def requests_of(scenario: Scenario, trials: Trials, proxy: Proxy) -> list[tuple[str, str]]:
    """The requests of the job that is to be killed."""
    trial = scenario.begin(trials)
    begun = len(proxy.requests)
    scenario.run(trial, scenario.killed)
    return proxy.requests[begun:]
