"""bumper init: what it finds, prints and writes, and what it leaves alone."""

import resource
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from bumper.environments.config import parse_config
from tests.support.command_line import CommandLine
from tests.support.deployments import DeploymentsMaker
from tests.support.gitops import APP, Gitops, GitopsMaker, values

USUAL = {
    "apps/a/envs/staging/values.yaml": values("1"),
    "apps/b/envs/staging/values.yaml": values("2"),
    "apps/a/envs/prod/values.yaml": values("1"),
    "apps/a/values.yaml": "replicas: 1\n",
}
CONFIG = {
    "values": ["apps/{app}/envs/{env}/values.yaml"],
    "base": ["apps/{app}/values.yaml"],
    "environments": {"staging": {"auto_merge": False}, "prod": {"auto_merge": False}},
}
OVERRIDE = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: a-prod}
spec:
  source:
    path: apps/a
    helm:
      valueFiles: [envs/prod/values.yaml]
      parameters:
        - name: image.tag
          value: '7'
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, empty."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True)


def track(folder: Path) -> Path:
    """Make a git repository of it, everything in it added."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    return folder


def refused(bumper: CommandLine, *arguments: str, code: int = 1) -> str:
    message: str = bumper("init", *arguments, "--output", "json", code=code).json["error"]["message"]
    return message


def test_it_says_what_bumper_finds_and_writes_bumper_yaml(bumper: CommandLine, work: Path) -> None:
    track(write(work, USUAL))

    ran = bumper("init", code=0)

    assert ran.out.splitlines() == [
        f"Looking through {work}",
        "ENVIRONMENT  APPS  TAGS  FILES  BASES  VALUES",
        "staging      2     2     2      1      apps/{app}/envs/staging/values.yaml",
        "prod         1     1     1      1      apps/{app}/envs/prod/values.yaml",
        "",
        f"Wrote {work / 'bumper.yaml'} and, for editors, bumper.schema.json; read it, then commit and merge both.",
    ]
    text = (work / "bumper.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=")
    assert 'values: "apps/{app}/envs/{env}/values.yaml"\nbase: "apps/{app}/values.yaml"\n' in text
    assert '# promote_from: ["staging"]' in text
    assert parse_config(text.encode()).model_dump(mode="json", exclude_unset=True) == CONFIG


def test_the_json_is_the_configuration(bumper: CommandLine, work: Path) -> None:
    track(write(work, USUAL))

    ran = bumper("init", "--output", "json", code=0)

    assert ran.json == CONFIG
    assert ran.err == f"Looking through {work}\n"
    assert (work / "bumper.yaml").exists()


def test_a_dry_run_prints_the_file_and_writes_nothing(bumper: CommandLine, work: Path) -> None:
    track(write(work, USUAL))

    dry = bumper("init", "--dry-run", code=0).out
    assert not (work / "bumper.yaml").exists()
    bumper("init", code=0)

    assert dry.partition("\n\n")[2] == (work / "bumper.yaml").read_text(encoding="utf-8")


def test_a_second_run_is_refused(bumper: CommandLine, work: Path) -> None:
    track(write(work, USUAL))
    bumper("init", code=0)
    (work / "bumper.yaml").write_bytes(b"author: A <a@b.c>\n")

    message = refused(bumper)

    assert message.startswith(f"{work / 'bumper.yaml'} exists already and is never overwritten")
    assert (work / "bumper.yaml").read_bytes() == b"author: A <a@b.c>\n"
    assert refused(bumper, "--dry-run") == message


def test_one_that_was_deleted_is_written_anew(bumper: CommandLine, work: Path) -> None:
    track(write(work, USUAL | {"bumper.yaml": ""}))
    (work / "bumper.yaml").unlink()

    assert bumper("init", "--output", "json", code=0).json == CONFIG


def test_a_full_disk_leaves_no_half_of_it(bumper: CommandLine, work: Path) -> None:
    track(write(work, USUAL))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        assert "cannot be written (File too large)" in refused(bumper)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert not (work / "bumper.yaml").exists()


def test_a_link_is_not_written_through(bumper: CommandLine, work: Path, tmp_path: Path) -> None:
    track(write(work, USUAL))
    (work / "bumper.yaml").symlink_to(tmp_path / "elsewhere")

    assert "never overwritten" in refused(bumper)
    assert not (tmp_path / "elsewhere").exists()


def test_where_nothing_is_found_it_lists_the_files_with_tags_and_prints_a_skeleton(
    bumper: CommandLine, work: Path
) -> None:
    track(write(work, {"README.md": "", "apps/a/values.yaml": values("1")}))

    ran = bumper("init", code=1)

    assert ran.out.startswith(f"Looking through {work}\n")
    assert "#   apps/a/values.yaml (1 tag)" in ran.out.splitlines()
    assert list(parse_config(ran.out.partition("\n")[2].encode()).environments) == ["prod"]
    assert ran.err == (
        f"error: {work}: nothing here looks like an environment (1 file holds tags); fill in the skeleton that bumper "
        "init prints and save it as bumper.yaml, or name the environments with --environment NAME=PATTERN.\n"
    )
    assert not (work / "bumper.yaml").exists()
    assert "nothing here looks like an environment" in refused(bumper)


def test_files_that_git_does_not_track_are_not_there(bumper: CommandLine, work: Path) -> None:
    git(work, "init", "--quiet")
    write(work, USUAL)

    assert refused(bumper) == f"{work}: git tracks no file here; git add the GitOps repository's files first."


def test_a_person_names_what_init_does_not_find(bumper: CommandLine, work: Path) -> None:
    track(write(work, {"live/a.yaml": values("1"), "lab/a.yaml": values("2"), "lab/a-extra.yaml": values("3")}))

    given = ("live=live/{app}.yaml", "lab=lab/{app}.yaml", "lab={env}/{app}-extra.yaml")
    config = bumper("init", *(part for text in given for part in ("--environment", text)), "--output", "json").json

    assert {name: one["values"] for name, one in config["environments"].items()} == {
        "live": ["live/{app}.yaml"], "lab": ["lab/{app}.yaml", "lab/{app}-extra.yaml"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ("prod", 2, "--environment 'prod' has no pattern; write NAME=PATTERN"),
        ("prod=/apps/{app}.yaml", 2, "starts with a slash"),
        ("a/b=x.yaml", 2, "is not an environment name"),
        ("prod=live/*.yaml", 1, "--environment prod: no file matches live/*.yaml; correct the pattern; files that "),
    ],
)  # fmt: skip
def test_a_wrong_pattern_is_refused(bumper: CommandLine, work: Path, given: str, code: int, message: str) -> None:
    track(write(work, {"apps/a/values.yaml": values("1")}))

    assert message in refused(bumper, "--environment", given, code=code)


def test_a_checkout_is_meant_whatever_bumper_repo_says(
    bumper: CommandLine, work: Path, make_gitops: GitopsMaker
) -> None:
    make_gitops(USUAL)
    track(write(work / "local", {"qa/a/values.yaml": values("1")}))

    for place in ((), ("local",)):
        folder = work / "local" if not place else work
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            ran = bumper("init", *place, "--dry-run", code=0)
        assert ran.out.splitlines()[0] == f"Looking through {work / 'local'}"
        assert ran.out.splitlines()[2].startswith("qa ")


def test_outside_of_git_it_refuses(
    bumper: CommandLine, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.delenv("BUMPER_REPO", raising=False)
    track(write(work / "nested", USUAL))
    write(work / "plain", USUAL)

    for place in ((), ("plain",)):
        assert "is not in a git checkout; change to a checkout of the GitOps repository" in refused(bumper, *place)


def test_nested_repositories_are_skipped(bumper: CommandLine, work: Path) -> None:
    track(write(work, USUAL))
    track(write(work / "nested", {"qa/b/values.yaml": values("1")}))

    assert bumper("init", "--output", "json", code=0).json == CONFIG


def test_a_folder_and_a_url_at_once_are_wrong_usage(bumper: CommandLine, work: Path) -> None:
    assert "give one of them" in refused(bumper, str(work), "--repo", "https://git.example.com/a/b", code=2)


@pytest.mark.parametrize("place", ["missing", "file"])
def test_a_place_that_is_no_folder_is_refused(bumper: CommandLine, work: Path, place: str) -> None:
    write(work, {"file": ""})

    assert refused(bumper, place) == (
        f"{place} is not a folder; name a folder in the GitOps repository's checkout, or its URL."
    )


def test_of_a_repository_only_what_git_tracks_counts_and_its_root_gets_the_file(
    bumper: CommandLine, work: Path
) -> None:
    track(write(work / "repo", USUAL | {".gitignore": "bumper.yaml\n"}))
    write(work / "repo", {"dev/untracked/values.yaml": ""})

    config = bumper("init", "repo/apps", "--output", "json", code=0).json

    assert config == CONFIG
    assert (work / "repo/bumper.yaml").exists()


def test_the_remote_s_name_is_the_application_s_where_no_folder_names_one(bumper: CommandLine, work: Path) -> None:
    track(write(work / "repo", {"values-prod.yaml": values("1")}))
    git(work / "repo", "remote", "add", "origin", "git@gitlab.example.com:team/shop.git")

    assert "application shop\n" in bumper("init", "repo", "--dry-run", code=0).out


def test_a_broken_repository_is_refused(bumper: CommandLine, work: Path) -> None:
    write(work, USUAL | {".git": "gitdir: nowhere\n"})

    assert refused(bumper).startswith(f"{work}: git cannot list the files (")


def test_a_repository_s_own_settings_run_nothing(bumper: CommandLine, work: Path) -> None:
    track(write(work, USUAL | {"hook": "#!/bin/sh\ntouch ran\n"}))
    (work / "hook").chmod(0o755)
    git(work, "config", "core.fsmonitor", str(work / "hook"))

    bumper("init", code=0)

    assert not (work / "ran").exists()


def test_links_and_files_that_are_gone_stop_nothing(bumper: CommandLine, work: Path) -> None:
    track(write(work, USUAL))
    (work / "apps/b/envs/staging/values.yaml").unlink()
    (work / "loop.yaml").symlink_to("loop.yaml")
    git(work, "add", "loop.yaml")

    assert bumper("init", "--output", "json", code=0).json == CONFIG


def test_hostile_names_end_no_comment(bumper: CommandLine, work: Path) -> None:
    name = "apps/x\nignore: ['*']\n#/envs/prod/values.yaml"
    track(write(work, {name: "", "apps/\u202eb\x1b[2J/envs/prod/values.yaml": ""}))

    config = bumper("init", "--output", "json", code=0).json

    assert list(config) == ["environments"]
    text = (work / "bumper.yaml").read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert parse_config(text.encode()).ignore == ()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: [", b"{{ .x }}: argoproj.io/", b"argoproj.io/\0", b"a: &a [*a]"])
def test_files_that_cannot_be_read_stop_nothing(bumper: CommandLine, work: Path, content: bytes) -> None:
    write(work, USUAL | {"argocd/x.yaml": OVERRIDE})
    (work / "bad.yaml").write_bytes(content)
    (work / "apps/b/envs/staging/values.yaml").write_bytes(content)
    track(work)

    assert bumper("init", "--output", "json", code=0).json == CONFIG


def test_inline_overrides_are_warned_of(bumper: CommandLine, work: Path) -> None:
    track(write(work, USUAL | {"argocd/x.yaml": OVERRIDE}))

    ran = bumper("init", code=0)

    assert ran.err == (
        "warning: argocd/x.yaml:10: Application a-prod sets image.tag by helm.parameters, which overrides "
        "apps/a/envs/prod/values.yaml; remove the parameter.\n"
    )
    assert 'application: "{app}-prod"' in (work / "bumper.yaml").read_text(encoding="utf-8")


def test_what_could_not_be_settled_is_a_warning_and_a_comment(bumper: CommandLine, work: Path) -> None:
    track(write(work, USUAL | {"dev/c/values.yaml": "", "staging/a/values-dev.yaml": ""}))

    ran = bumper("init", code=0)

    told = "staging/a/values-dev.yaml may belong to staging or to dev and was left out"
    assert ran.err.startswith(f"warning: {told}")
    assert f"#   {told}" in (work / "bumper.yaml").read_text(encoding="utf-8")


def test_a_url_is_cloned_and_the_file_lands_in_the_working_directory(
    bumper: CommandLine, work: Path, make_gitops: GitopsMaker
) -> None:
    gitops = make_gitops(USUAL)

    ran = bumper("init", gitops.url, code=0)

    assert ran.out.splitlines()[0] == f"Looking through {gitops.url}"
    assert ran.out.splitlines()[-1] == (
        "Wrote bumper.yaml and, for editors, bumper.schema.json; read it, then commit and merge both."
    )
    keys = parse_config((work / "bumper.yaml").read_bytes())
    assert keys.model_dump(mode="json", exclude_unset=True) == CONFIG
    assert {path.name for path in work.iterdir()} == {"bumper.yaml", "bumper.schema.json"}
    assert gitops.branches() == []


@pytest.mark.usefixtures("work")
def test_outside_of_git_bumper_repo_is_looked_through(bumper: CommandLine, make_gitops: GitopsMaker) -> None:
    make_gitops(USUAL)

    assert bumper("init", "--dry-run", "--output", "json", code=0).json == CONFIG


def test_another_branch_can_be_looked_through(bumper: CommandLine, work: Path, gitops: Gitops) -> None:
    clone = gitops.person()
    clone.commit("", "apps/backend/envs/qa/values.yaml", "More")
    clone.git("push", "--quiet", "origin", "HEAD:more")

    config = bumper("init", "--branch", "more", "--output", "json", "--dry-run", code=0).json

    assert list(config["environments"]) == ["dev", "qa", "staging", "prod"]
    assert list(work.iterdir()) == []


def test_a_cloned_repository_that_has_one_is_refused(bumper: CommandLine, work: Path, make_gitops: GitopsMaker) -> None:
    gitops = make_gitops(USUAL | {"bumper.yaml": ""})

    assert refused(bumper, gitops.url).startswith(f"{gitops.url}/bumper.yaml exists already")
    assert list(work.iterdir()) == []


def test_one_in_the_working_directory_stands_in_a_clone_s_way(
    bumper: CommandLine, work: Path, make_gitops: GitopsMaker
) -> None:
    gitops = make_gitops(USUAL)
    write(work, {"bumper.yaml": "mine"})

    assert refused(bumper, gitops.url).startswith("bumper.yaml exists already")
    assert (work / "bumper.yaml").read_bytes() == b"mine"


@pytest.mark.usefixtures("work")
def test_a_url_that_cannot_be_cloned_is_told(bumper: CommandLine, gitops: Gitops) -> None:
    assert refused(bumper, f"{gitops.sandbox.url}/no/such.git", code=4)
    assert "not the URL" in refused(bumper, "ftp://example.com/a/b", code=2)


def test_what_is_merged_deploys_the_same_files(
    bumper: CommandLine, work: Path, make_deployments: DeploymentsMaker
) -> None:
    made = make_deployments(USUAL)
    before = made.run("status")["environments"]
    bumper("init", code=0)

    made.gitops.push((work / "bumper.yaml").read_text(encoding="utf-8"), "bumper.yaml")

    assert made.run("status")["environments"] == before
    assert before["prod"][0]["image"] == APP


def overlay(tag: str) -> str:
    return f"image:\n  tag: '{tag}'\n"


APPLICATION_SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop}
spec:
  goTemplate: true
  generators:
    - git: {repoURL: "https://git.example.com/g.git", directories: [{path: "env/*"}]}
  template:
    metadata: {name: "shop-{{ .path.basename }}"}
    spec:
      source:
        path: charts/shop
        helm:
          valueFiles: ["/env/{{ .path.basename }}/values.yaml", "/env/{{ .path.basename }}/flags.yaml"]
"""
SET = {
    "argocd/set.yaml": APPLICATION_SET,
    "charts/shop/Chart.yaml": "name: shop\n",
    "charts/shop/values.yaml": values("0", "registry.example.com/shop/shop"),
} | {
    f"env/{env}/{name}": text
    for env in ("qa", "prod-eu")
    for name, text in (("values.yaml", overlay("1")), ("flags.yaml", "flags: {}\n"))
}
FOLDERS = {
    f"services/{app}/charts/{env}/values.yaml": values(tag, f"registry.example.com/shop/{app}")
    for app in ("alpha", "beta", "gamma")
    for env, tag in (("ift", "2"), ("prom", "1"))
}
FILES = {
    f"environments/{env}/{app}-values.yaml": values(tag, f"registry.example.com/shop/{app}")
    for app in ("api", "web")
    for env, tag in (("dev", "2"), ("prod", "1"))
}


CONFIGS = {
    "argocd/set.yaml": """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop}
spec:
  generators: [{git: {files: [{path: "clusters/**/config.json"}]}}]
  template:
    metadata: {name: "shop-{{cluster.name}}"}
    spec:
      source: {path: charts/shop, helm: {valueFiles: ["/{{path}}/values.yaml"]}}
""",
    "charts/shop/values.yaml": values("0", "registry.example.com/shop/shop"),
} | {
    f"clusters/{cluster}/{name}": text
    for cluster in ("fra", "sin")
    for name, text in (("config.json", f'{{"cluster": {{"name": "{cluster}"}}}}'), ("values.yaml", overlay("1")))
}
HELMFILE = {
    f"env/{env}/{app}.values.yaml.gotmpl": "{{- if true }}\n" + values(tag, f"r.example.com/{app}") + "{{- end }}\n"
    for app in ("api", "web")
    for env, tag in (("dev", "2"), ("prod", "1"))
}


@pytest.mark.parametrize(
    ("files", "command", "apps"),
    [
        (FOLDERS, ("promote", "ift", "prom"), ["alpha", "beta", "gamma"]),
        (FILES, ("promote", "dev", "prod"), ["api", "web"]),
        (SET, ("bump", "qa", "registry.example.com/shop/shop:2"), ["gitops"]),
        (CONFIGS, ("bump", "sin", "registry.example.com/shop/shop:2"), ["gitops"]),
        (HELMFILE, ("promote", "dev", "prod"), ["api", "web"]),
    ],
    ids=["a folder that says nothing", "the application in the file's name", "folders", "files", "helmfile"],
)
def test_commands_work_with_what_init_wrote(
    bumper: CommandLine, work: Path, make_gitops: GitopsMaker, files: Mapping[str, str], command: tuple[str, ...],
    apps: list[str],
) -> None:  # fmt: skip
    gitops = make_gitops(files)
    bumper("init", gitops.url, code=0)
    gitops.push((work / "bumper.yaml").read_text(encoding="utf-8"), "bumper.yaml")

    done = bumper(*command, "--dry-run", "--no-verify", "--output", "json", code=0).json

    assert [change["app"] for change in done["changes"]] == apps
    assert done["warnings"] == []
