"""README and docs: every command line runs, every configuration is one, every link leads somewhere."""

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bumper.environments.config import parse_config
from bumper.sandbox import Sandbox
from bumper.sandbox.state.settings import Settings
from tests.docs.console import played
from tests.docs.generate import commands, configuration
from tests.docs.pages import PAGES, ROOT, Fence, fences, links, name
from tests.docs.pictures import PICTURES, badges
from tests.docs.shapes import shapes
from tests.docs.words import capital_failures, odd_words, texts
from tests.support.argocd import TOKEN, ArgoCd, application
from tests.support.command_line import CommandLine
from tests.support.gitops import Gitops, values

IMAGE = "registry.example.com/backend/app"
APPS = ("backend", "frontend")
ASKS_REGISTRIES = ("bump", "check", "promote", "rollback", "doctor")
TUTORIAL = ROOT / "docs" / "tutorial.md"
HOW_TO_IN_RUSSIAN = [page for page in PAGES if page.parent.name == "ru" and page.name != TUTORIAL.name]
RUSSIAN = {
    ROOT / "README.ru.md": ROOT / "README.md",
    ROOT / "docs" / "ru" / "tutorial.md": TUTORIAL,
    **{page: ROOT / "docs" / "how-to" / page.name for page in HOW_TO_IN_RUSSIAN},
}
LAYOUTS = ROOT / "docs" / "how-to" / "layouts.md"  # whose commands run in repositories of their own: test_layouts.py
# Where the project itself is worked on; what they do is tested by doing it.
ON_THE_PROJECT = re.compile(r"make (\w+)\b.*|pipx? install .*|docker .*|npm .*")


def path(app: str, environment: str) -> str:
    return f"apps/{app}/envs/{environment}/values.yaml"


@pytest.fixture
def argocd() -> Iterator[ArgoCd]:
    with ArgoCd() as server:
        yield server


@pytest.fixture
def production(request: pytest.FixtureRequest) -> str:
    """Production's name: that of its first region on the page about regions."""
    return "prod-eu" if "waves" in str(request.node.name) else "prod"


@pytest.fixture
def gitops(
    request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox, argocd: ArgoCd, production: str
) -> Gitops:  # fmt: skip
    """A GitOps repository such as the pages speak of; only Argo CD's has a bumper.yaml."""
    places = [(app, environment) for app in APPS for environment in ("staging", production)]
    files = {path(*place): values("1.0.0", f"registry.example.com/{place[0]}/app").encode() for place in places}
    if "argo" in str(request.node.name):
        files["bumper.yaml"] = "".join(["environments:\n", *_environments(argocd.url)]).encode()
    sandbox.create_project("platform/docs", files)
    made = Gitops(sandbox, tmp_path, "platform/docs")
    for app, environment in places:
        argocd.tell(f"{app}-{environment}", lambda: application(revision=made.tip()))
    return made


def _environments(url: str) -> Iterator[str]:
    for each in ("staging", "prod"):
        yield f"  {each}:\n    values: 'apps/{{app}}/envs/{each}/values.yaml'\n"
        yield f"    argocd: {{server: '{url}', application: '{{app}}-{each}'}}\n"


@pytest.fixture
def place(gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch, production: str) -> Path:
    """A folder to work in; the repository has had a deployment in each environment."""
    monkeypatch.setenv("BUMPER_REPO", gitops.url)
    monkeypatch.setenv("BUMPER_TOKEN", gitops.sandbox.create_token("bumper", project=gitops.project))
    monkeypatch.setenv("ARGOCD_AUTH_TOKEN", TOKEN)
    for tag, environment in (("1.0.1-rc.1", production), ("1.0.1", production), ("1.0.2", "staging")):
        done = bumper.bump(environment, f"{IMAGE}:{tag}", "--auto-merge", "--wait", "60")
        assert done["merge_request"]["state"] == "merged"
    folder = gitops.folder / "work"
    folder.mkdir()
    (folder / "values.yaml").write_text(values("1.0.2", IMAGE))
    shutil.copy(ROOT / "fixtures" / "push_events" / "distribution.json", folder / "push.json")
    return folder


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_bumper: Path) -> Path:
    """The folder of a ``bumper`` that asks no registry, because those of the pages do not exist."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program, itself = quick_bumper / "bumper", Path(sys.executable).with_name("bumper")
    lines = [
        "#!/bin/sh", 'case "$1" in', f'  {"|".join(ASKS_REGISTRIES)}) exec "{program}" "$@" --no-verify ;;',
        f'  sandbox) exec "{itself}" "$@" ;;', f'  *) exec "{program}" "$@" ;;', "esac", "",
    ]  # fmt: skip
    (folder / "bumper").write_text("\n".join(lines))
    (folder / "bumper").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def typed(line: str) -> str:
    """A line as it runs here: the project's own tools and servers are not started, the rest is as it stands."""
    words = line.partition("  #")[0].strip()
    on_the_project = ON_THE_PROJECT.fullmatch(words)
    if on_the_project is not None:
        return f"make -C '{ROOT}' -n {on_the_project[1]} >/dev/null" if on_the_project[1] else ":"
    if words.startswith("export BUMPER_REPO="):
        return ":"
    if words.startswith("git clone "):  # with the token in the place of a person's login
        return 'git clone --quiet "${BUMPER_REPO/:\\/\\//://oauth2:$BUMPER_TOKEN@}" gitops'
    if words.startswith(("bumper sandbox", "bumper demo", "bumper COMMAND")):
        return f"{words.replace('COMMAND', '')} --help"
    return words


def run(fence: Fence, folder: Path) -> None:
    """The command lines of a block, in one shell."""
    lines = "\n".join(typed(line) for line in fence.lines)
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", lines], cwd=folder, capture_output=True, text=True, check=False,
        timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"{fence.page}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in {TUTORIAL, LAYOUTS, *RUSSIAN} and fences(page, "sh")], ids=name
)
@pytest.mark.usefixtures("shell")
def test_every_command_line_runs(page: Path, place: Path) -> None:
    for fence in fences(page, "sh"):
        run(fence, place)


@pytest.mark.usefixtures("shell")
def test_the_tutorial_from_the_sandbox_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = fences(TUTORIAL, "sh")
    assert first.lines == ["pipx install .", "bumper sandbox --port 8080 --set merge_access=developers"]
    command = [word for word in first.lines[1].split() if word not in {"--port", "8080"}]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            for variable, value in re.findall(r"(\w+)=(\S+)", server.stdout.readline()):
                monkeypatch.setenv(variable, value)
            for fence in others:
                run(fence, tmp_path)
        finally:
            server.send_signal(signal.SIGINT)
    assert (tmp_path / "bumper.yaml").exists()


YAML = [fence for page in PAGES for fence in fences(page, "yaml") if "environments:" in fence.text]


@pytest.mark.parametrize("fence", YAML, ids=lambda fence: name(fence.page))
def test_every_configuration_is_one(fence: Fence) -> None:
    assert parse_config(fence.text.encode()).environments


CI = [fence for page in PAGES if page != LAYOUTS for fence in fences(page, "yaml") if "environments:" not in fence.text]


def test_every_ci_job_is_one_by_gitlabs_schema(tmp_path: Path) -> None:
    for number, fence in enumerate(CI):
        (tmp_path / f"{number}.yml").write_text(fence.text)
    files = sorted(map(str, tmp_path.glob("*.yml")))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stdout
    assert files


def test_every_python_line_runs(tmp_path: Path) -> None:
    for page in PAGES:
        text = "\n".join(fence.text for fence in fences(page, "python"))
        done = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_every_json_is_json() -> None:
    for page in PAGES:
        for fence in fences(page, "json"):
            json.loads(fence.text)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [link for link in links(page) if not (page.parent / link).exists()] == []


def test_the_site_leads_to_every_page() -> None:
    led_to = re.findall(r"[\w./-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    assert sorted(led_to) == sorted(map(name, PAGES)), "its navigation is in mkdocs.yml"


def test_the_tests_that_security_names_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))

    missing = [(file, test) for file, test in named if not _has_test(ROOT / file, test)]
    assert named
    assert missing == []


def _has_test(file: Path, test: str) -> bool:
    return file.exists() and (not test or f"def {test}(" in file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_fence_says_what_it_is(page: Path) -> None:
    known = {"sh", "console", "yaml", "json", "python", "text"}

    assert {fence.kind for fence in fences(page)} <= known


def test_what_follows_from_the_code_is_up_to_date() -> None:
    reference = ROOT / "docs" / "reference"

    assert (reference / "commands.md").read_text(encoding="utf-8") == commands(), "run make docs"
    assert (reference / "configuration.md").read_text(encoding="utf-8") == configuration(), "run make docs"
    assert (reference / "shapes.md").read_text(encoding="utf-8") == shapes(), "run make docs"
    for file, badge in badges():
        assert (PICTURES / file).read_text(encoding="utf-8") == badge, "run make docs"


def test_what_the_readme_shows_is_what_its_commands_print(quick_bumper: Path) -> None:
    shown = (ROOT / "README.md").read_text(encoding="utf-8")

    assert shown == played(shown, [str(quick_bumper / "bumper")]), "run make docs"


def test_every_setting_of_the_sandbox_is_described() -> None:
    text = (ROOT / "docs" / "reference" / "sandbox.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    described = [name for row in rows for name in re.findall(r"`(\w+)`", row)]

    assert sorted(described) == sorted(field.name for field in dataclasses.fields(Settings))


@pytest.mark.parametrize("russian", RUSSIAN, ids=name)
def test_a_russian_page_shows_what_the_english_one_does(russian: Path) -> None:
    def shown(page: Path) -> list[tuple[str, list[str]]]:
        found = [fence for fence in fences(page) if fence.kind != "text"]
        return [(fence.kind, [line.partition(" #")[0].rstrip() for line in fence.lines]) for fence in found]

    assert shown(russian) == shown(RUSSIAN[russian])


def test_every_text_is_in_plain_words() -> None:
    assert [(name(file), words) for file, text in texts() if (words := odd_words(text))] == []


def test_a_failure_begins_in_lower_case_unless_with_a_name() -> None:
    assert capital_failures() == []
