"""Soak over random histories: commits of all kinds, with clocks that go wrong, against a plain model of them."""

import os
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bumper.environments.repository import open_environment, read_repository_config
from bumper.gate.promotions import judge_promotions, unsoaked
from bumper.gate.rules import Waiting
from bumper.git.checkout import Checkout, list_entries
from bumper.git.command import GitCommand, git_environment
from bumper.git.objects import BlobStore
from bumper.git.past_commits import read_past
from bumper.image import read_repository
from bumper.records.line import Line
from bumper.settings import read_settings
from bumper.values.change import Change
from bumper.values.pin import Version
from tests.support.deployments import PROD, STAGING
from tests.support.gitops import APP, values
from tests.support.line import Written, write_commits

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SOURCE, TARGET = STAGING.format("app"), PROD.format("app")


@dataclass(frozen=True)
class Step:
    """A commit on the line: so many minutes ago by its own clock, which may be in the future."""

    minutes: int
    tag: str | None  # None: it changes something else
    kind: str  # direct (squashed, rebased and fast-forwarded ones look alike), or merged with a merge commit

    @property
    def at(self) -> datetime:
        return NOW - timedelta(minutes=self.minutes)

    def written(self, number: int) -> Written:
        files: dict[str, str | None] = {"README": f"{number}\n"}
        if self.tag is not None:
            files[SOURCE] = values(self.tag)
        branch = self.at - timedelta(days=3) if self.kind == "merge" else None
        return Written(self.at, files, f"{number}", branch)


STEPS = st.lists(
    st.builds(
        Step,
        minutes=st.integers(-60, 300),
        tag=st.sampled_from(["1", "2", "3", None]),
        kind=st.sampled_from(["direct", "merge"]),
    ),
    max_size=10,
)


def standing_since(steps: list[Step]) -> datetime:
    """When what staging runs landed, by the words of the contract."""
    tag, since, latest = "0", NOW - timedelta(days=30), NOW - timedelta(days=30)
    for step in steps:
        latest = max(latest, min(step.at, NOW))
        if step.tag is not None and step.tag != tag:
            tag, since = step.tag, latest
    return since


def judged(repository: Path, ids: list[str], tag: str, soak: float) -> list[Waiting]:
    known = read_settings({}, repo="https://gitlab.example.com/team/gitops.git", branch=None, gitlab_url=None)
    git = GitCommand(repository, git_environment(known, os.environ))
    checkout = Checkout(git, known, "main", ids[-1], list_entries(git, ids[-1]), BlobStore(git, known))
    setup = read_repository_config(checkout)
    source, target = (open_environment(checkout, setup, name) for name in ("staging", "prod"))
    image = read_repository(APP)
    assert image is not None
    change = Change("app", TARGET, "image.tag", 3, image, Version("0", None), Version(tag, None))
    log = iter([read_past(checkout, ids[::-1])])
    line = Line(checkout, NOW, NOW - timedelta(seconds=soak), None, log)
    found = judge_promotions(target.environment, [change], [source], line)
    assert found[0].ran, found
    return list(unsoaked(found, "prod", soak, NOW))


@settings(max_examples=20)  # each runs git several times
@given(steps=STEPS, soak=st.sampled_from([600.0, 3600.0, 7200.0]))
def test_soak_counts_from_landing(steps: list[Step], soak: float) -> None:
    start = Written(NOW - timedelta(days=30), {SOURCE: values("0"), TARGET: values("0")})
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "init", "--quiet", "--bare", folder], check=True)
        written = [start, *(step.written(number) for number, step in enumerate(steps))]
        ids = write_commits(Path(folder), written, start=True)
        tag = next((step.tag for step in reversed(steps) if step.tag is not None), "0")

        waiting = judged(Path(folder), ids, tag, soak)

    ends = standing_since(steps) + timedelta(seconds=soak)
    assert [one.until for one in waiting] == ([ends] if ends > NOW else [])
