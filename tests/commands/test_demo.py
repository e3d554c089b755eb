import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import Ran


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ran:
    """A demo on a machine with a proxy, a pipeline's variables, another repository's settings and a json.py."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("BUMPER_OUTPUT", "json")
    monkeypatch.setenv("BUMPER_BRANCH", "no-such-branch")
    monkeypatch.setenv("CI_PIPELINE_ID", "1")
    (tmp_path / "json.py").write_text("raise SystemExit('json.py of the folder was run')")
    program = Path(sys.executable).with_name("bumper")
    done = subprocess.run([program, "demo"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def test_the_demo_shows_the_whole_loop(demo: Ran, temporary_folder: Path) -> None:
    assert demo.code == 0, demo.out
    told = [line for line in demo.out.splitlines() if line.startswith(("merge request !", "prod: ", "# Alice"))]
    assert [
        re.sub(r"(: | on )http://127\.0\.0\.1:\d+/platform/gitops/-/merge_requests/", " ", line) for line in told
    ] == [
        "merge request !1 opened 1",
        "merge request !1 unchanged 1",
        "merge request !1 updated 1",
        "# Alice presses Merge 1: merged.",
        "prod: proposed",
        "merge request !2 opened 2",
        "# Alice presses Merge 2: merged.",
        "prod: dry-run",
        "prod: proposed",
        "merge request !3 opened 3",
        "# Alice presses Merge 3: merged.",
        "prod: held",
        "prod: proposed",
        "merge request !4 opened 4",
        "# Alice presses Merge 4: merged.",
        "prod: proposed",
        "merge request !5 opened 5",
        "# Alice presses Merge 5: merged.",
        "prod: not healthy",
        "prod: healthy after 0 s",
    ]
    assert "prod runs shop 1.9.2 again, healthy and held" in demo.out
    assert '-  tag: "1.10"\n+  tag: "1.0.1" # bumper: hold payment errors\n' in demo.out
    shown = (demo.out + demo.err).replace("payment errors", "").replace("error: Argo CD application shop-prod", "")
    assert "error" not in shown
    assert "\x1b[" not in demo.out
    assert list(temporary_folder.iterdir()) == []
