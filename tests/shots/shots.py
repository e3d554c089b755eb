"""Pictures of everything that people see, to be looked at: ``python -m tests.shots.shots FOLDER``.

The pages at 1280 and 360 pixels, light and dark, and every command on terminals of 80 and 130 columns, as text and as
a picture, made with a repository of a dozen applications that have a past.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from bumper.sandbox import Sandbox
from tests.pages.browser import Browser, started
from tests.sandbox.client import Clone, run_git, with_token
from tests.shots.terminal import as_page, typed
from tests.support.gitops import AT_ONCE, SET_UP

_WIDTHS, _COLUMNS = (1280, 360), (80, 130)
_PEOPLE = ("Alice Adams", "Bob Brown", "Carol Cooper", "Dora Dean")
_REGISTRY = "registry.tbank.local"
# Application, images, and the tags in dev, staging and prod.
_APPS = (
    ("accounts", ("api", "migrations"), ("4.12.0", "4.11.3", "4.11.3")),
    ("antifraud", ("scorer",), ("2026.11.3", "2026.11.1", "2026.10.9")),
    ("cards", ("api",), ("1.44.0", "1.44.0", "1.43.2")),
    ("checkout", ("web", "worker", "migrations"), ("v9.3.1", "v9.3.0", "v9.2.4")),
    ("loans", ("api",), ("3.7.5", "3.7.5", "3.7.5")),
    ("notifications", ("sender",), ("0.19.2", "0.19.2", "0.19.3")),
    ("payments", ("api", "worker"), ("7.2.0-rc.2", "7.1.4", "7.1.4")),
    ("profile", ("web",), ("2.0.1", "2.0.1", "2.0.1")),
    ("rates", ("importer",), ("12.0.0", "12.0.0", "11.9.8")),
    ("search", ("api",), ("5.5.0", "5.4.9", "5.4.9")),
    ("statements", ("renderer",), ("1.8.3", "1.8.3", "1.8.3")),
    ("transfers", ("api",), ("6.30.1", "6.30.1", "6.30.1")),
)  # fmt: skip
_STAGES = ("dev", "staging", "prod")
_CONFIG = """\
values: "apps/{app}/envs/{env}/values.yaml"
environments:
  dev: {}
  staging: {promote_from: [dev]}
  prod: {promote_from: [staging], labels: [deploy]}
"""
_COMMANDS = (
    "--help", "bump --help", "status --all", "status",
    f"bump dev {_REGISTRY}/search/api:5.6.0 --no-verify --dry-run",
    f"bump dev {_REGISTRY}/search/api:5.6.0 --no-verify",
    f"bump dev {_REGISTRY}/serch/api:5.6.0 --no-verify",
    "promote staging prod --app cards --app rates --no-verify", "promote staging prod --app checkout --no-verify",
    "rollback prod --app transfers --no-verify --dry-run", "rollback prod --app transfers --hold OPS-7 --no-verify",
    "hold prod --app loans --reason OPS-12", "unhold prod --app antifraud", "history prod", "history prod --app cards",
    "check --base HEAD --no-verify", "images prod", "doctor --no-verify", "pins apps/checkout/envs/prod/values.yaml",
    f"set {_REGISTRY}/checkout/web:v9.4.0 apps/checkout/envs/dev/values.yaml --dry-run",
    "init --dry-run", "-v status",
)  # fmt: skip


def _values(app: str, images: tuple[str, ...], tag: str) -> str:
    parts = (f"{name}:\n  image:\n    repository: {_REGISTRY}/{app}/{name}\n    tag: {tag}\n" for name in images)
    return "".join(parts)


def _files() -> dict[str, bytes]:
    """Everything one version behind, so that there is a past."""
    files = {"bumper.yaml": _CONFIG.encode()}
    for app, images, _ in _APPS:
        for stage in _STAGES:
            files[f"apps/{app}/envs/{stage}/values.yaml"] = _values(app, images, "0.9.0").encode()
    return files


def _make_past(clone: Clone) -> None:
    """Each application's tags, set by people in the weeks before today."""
    now = datetime.now(UTC)
    for number, (app, images, tags) in enumerate(_APPS):
        for place, (stage, tag) in enumerate(zip(_STAGES, tags, strict=True)):
            at = (now - timedelta(days=(number * 5) % 23 + 1, hours=7 * (3 - place) + number)).isoformat()
            path = clone.folder / "apps" / app / "envs" / stage / "values.yaml"
            held = " # bumper: hold payment errors" if (app, stage) == ("antifraud", "prod") else ""
            path.write_text(_values(app, images, tag + held), encoding="utf-8")
            who = _PEOPLE[(number + place) % len(_PEOPLE)]
            dates = {"GIT_AUTHOR_NAME": who, "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
            subject = f"{app} {tag} in {stage}\n\nSee merge request platform/gitops!{100 + number * 3 + place}"
            clone.git("commit", "--quiet", "--all", "--message", subject, environment=dates)
    clone.git("push", "--quiet", "origin", "HEAD:main")


@contextmanager
def _sandbox(folder: Path) -> Iterator[tuple[Sandbox, Clone, dict[str, str]]]:
    """A server with the repository, a checkout of it, and the environment that names both to bumper."""
    with Sandbox(folder / "sandbox", sample=False, settings=AT_ONCE | SET_UP) as sandbox:
        url = sandbox.create_project("platform/gitops", _files())
        token = sandbox.create_token("alice", role="maintainer", kind="personal")
        run_git("clone", "--quiet", with_token(url, token), str(folder / "gitops"))
        clone = Clone(folder / "gitops")
        _make_past(clone)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "BUMPER_", "GITLAB_"))}
        named = {"BUMPER_REPO": url, "BUMPER_TOKEN": sandbox.create_token("bumper", project="platform/gitops")}
        yield sandbox, clone, kept | named | {"GIT_CONFIG_GLOBAL": os.devnull}


def _terminals(browser: Browser, clone: Clone, environ: Mapping[str, str], folder: Path) -> None:
    os.chdir(clone.folder)
    for number, command in enumerate(_COMMANDS):
        for columns in _COLUMNS:
            asks = command.startswith(("promote", "rollback")) and "--dry-run" not in command
            shown = typed(command.split(), columns, environ, answer="n\n" if asks else "")
            name = f"{number:02}-{'-'.join(command.replace('/', '-').split()[:2]).strip('-')}-{columns}"
            (folder / f"{name}.txt").write_text(shown, encoding="utf-8")
            page = folder / f"{name}.html"
            page.write_text(as_page(f"bumper {command}", shown, columns), encoding="utf-8")
            browser.open(page.as_uri(), width=columns * 10 + 30)
            browser.screenshot(folder / f"{name}.png")
            page.unlink()


def _pages(browser: Browser, sandbox: Sandbox, environ: Mapping[str, str], folder: Path) -> None:
    file = folder / "status.html"
    typed(["status", "--html", str(file)], 80, environ)
    project = f"{sandbox.url}/platform/gitops"
    addresses = {
        "status": file.as_uri(), "list": f"{project}/-/merge_requests", "request": f"{project}/-/merge_requests/1",
        "projects": sandbox.url, "file": f"{project}/-/blob/main/bumper.yaml",
    }  # fmt: skip
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for name, address in addresses.items():
        for width in _WIDTHS:
            for scheme in schemes:
                browser.open(address, width=width, scheme=scheme)
                browser.screenshot(folder / f"page-{name}-{width}-{scheme}.png")


def main(target: str) -> None:
    """Make the pictures anew."""
    folder = Path(target).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary, started(Path(temporary) / "profile") as browser:
        place = Path(temporary)
        with _sandbox(place) as (sandbox, clone, environ):
            for command in ("promote staging prod --app checkout", "promote staging prod --app rates"):
                typed([*command.split(), "--no-verify", "--yes"], 80, environ)
            _pages(browser, sandbox, environ, folder)
            _terminals(browser, clone, environ, folder)
    sys.stdout.write(f"{len(list(folder.glob('*.png')))} pictures are in {folder}\n")


if __name__ == "__main__":
    main(sys.argv[1])
