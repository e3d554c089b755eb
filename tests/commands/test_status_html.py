"""``bumper status --html``: the file; what a browser makes of it is tested in tests/pages."""

import re
from datetime import datetime
from pathlib import Path

from tests.support.deployments import DeploymentsMaker, two_environments
from tests.support.gitops import APP


def test_the_page_has_tags_ages_and_merge_requests(make_deployments: DeploymentsMaker, tmp_path: Path) -> None:
    made = make_deployments(two_environments("1.0.1", "1.0.0"))
    made.run("promote", "staging", "prod")
    file = tmp_path / "status.html"

    told = made.run("status", "--html", str(file))

    page = file.read_text(encoding="utf-8")
    assert told == made.run("status")
    assert APP.rpartition("/")[2] in page
    assert re.search(r'<a href="http://127\.0\.0\.1:\d+/team/gitops/-/merge_requests/1"[^>]*>!1 → 1\.0\.1</a>', page)
    commit = made.gitops.tip()
    assert len(re.findall(rf'/-/commit/{commit}"[^>]*>1\.0\.[01]</a></code> <time datetime=', page)) == 2


def test_an_age_is_the_tags_not_the_files(make_deployments: DeploymentsMaker, tmp_path: Path) -> None:
    made = make_deployments(two_environments("1.0.0", "1.0.0"))
    made.commit({"apps/app/envs/prod/values.yaml": f"image:\n  repository: {APP}\n  tag: 1.0.0\nreplicas: 2\n"})
    made.tag("apps/app/envs/staging/values.yaml", "1.0.1")

    made.run("status", "--html", str(tmp_path / "status.html"))

    ages = re.findall(
        r'data-label="(\w+)"><div><code.*?</code> <time datetime="([^"]+)"', (tmp_path / "status.html").read_text()
    )
    first = made.gitops.git("log", "--reverse", "--format=%ct", "main").splitlines()[0]
    last = made.gitops.git("log", "-1", "--format=%ct", "main").strip()
    seconds = {name: _seconds(at) for name, at in ages}
    assert seconds == {"staging": int(last), "prod": int(first)}


def test_a_place_that_cannot_be_written_is_told(make_deployments: DeploymentsMaker, tmp_path: Path) -> None:
    made = make_deployments(two_environments())

    message = made.refused("status", "--html", str(tmp_path / "no" / "such.html"))

    assert "check --html" in message


def _seconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp())
