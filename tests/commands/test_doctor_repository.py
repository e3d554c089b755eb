"""What doctor finds in the repository: bumper.yaml, environments, values, registries, Argo CD."""

import base64
import json

import pytest

from bumper.sandbox import Sandbox
from tests.registry.fake_registry import PASSWORD, Behaviour
from tests.support.command_line import CommandLine
from tests.support.doctor import Doctor, Found
from tests.support.gitops import APP, STAGING_FILE, GitopsMaker, values
from tests.support.verified import PROD, REPOSITORY, STAGING, VerifiedMaker

SOPS = 'image:\n  repository: a/b\n  tag: "1"\nsops:\n  mac: ENC[x]\n  version: 3.9.0\n'
CONFIG = 'environments:\n  staging: {{values: "apps/{{app}}/envs/staging/values.yaml"{}}}\n'
LOGIN_NEEDED = Behaviour("login needed", repository=REPOSITORY, scheme="Basic", realm="Registry Realm")


@pytest.fixture
def doctor(bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    return Doctor(bumper, monkeypatch)


def test_a_protected_branch_is_for_commits_only_a_failure(make_gitops: GitopsMaker, doctor: Doctor) -> None:
    made = make_gitops({STAGING_FILE: values("1.0"), "bumper.yaml": CONFIG.format("")})
    made.api("PATCH", "/protected_branches/main", push_access_level=40)
    requests = doctor(code=0)
    made.push(CONFIG.format(", delivery: commit"), "bumper.yaml")

    commits = doctor(code=1)

    assert "may not push" in requests.checks["target branch"]["found"]
    assert requests.checks["target branch"]["mend"] is None
    assert commits.bad == ["delivery to staging"]
    assert "Protected branches" in commits.mend("delivery to staging")
    assert "may open merge requests" not in commits.checks
    made.api("PATCH", "/protected_branches/main", push_access_level=30)
    assert doctor(code=0).checks["delivery to staging"]["ok"]


@pytest.mark.parametrize(("level", "allowed"), [(0, False), (30, True), (40, False)])
def test_auto_merge_needs_the_right_to_merge(
    make_gitops: GitopsMaker,
    doctor: Doctor,
    level: int,
    allowed: bool,  # noqa: FBT001
) -> None:
    made = make_gitops({STAGING_FILE: values("1.0"), "bumper.yaml": CONFIG.format(", auto_merge: true")})
    made.api("PATCH", "/protected_branches/main", merge_access_level=level)

    found = doctor(code=0 if allowed else 1)

    assert found.bad == ([] if allowed else ["auto-merge"])
    assert "staging" in found.checks["auto-merge"]["found"]
    assert allowed or "allow Developers to merge" in found.mend("auto-merge")


def test_a_bumper_yaml_that_is_wrong(make_gitops: GitopsMaker, doctor: Doctor) -> None:
    make_gitops({STAGING_FILE: values("1.0"), "bumper.yaml": CONFIG.format(", colour: red")})

    found = doctor(code=1)

    assert found.bad == ["config"]
    assert "bumper.yaml:2" in found.checks["config"]["found"]
    assert "environment staging" not in found.checks
    assert found.checks["may push"]["ok"]


def test_a_repository_without_environments(make_gitops: GitopsMaker, doctor: Doctor) -> None:
    make_gitops({"README": "nothing\n"})

    found = doctor(code=1)

    assert found.bad == ["config"]
    assert "bumper init" in found.mend("config")


def test_environments_without_files_or_tags(make_gitops: GitopsMaker, doctor: Doctor) -> None:
    lines = ["environments:", *(f"  {name}: {{values: {name}.yaml}}" for name in ("empty", "bare", "full"))]
    make_gitops({"bumper.yaml": "\n".join(lines), "bare.yaml": "replicas: 1\n", "full.yaml": values("1")})

    found = doctor(code=1)

    assert found.bad == ["environment empty", "environment bare"]
    assert "bumper.yaml" in found.mend("environment empty")
    assert "images" in found.mend("environment bare")
    assert found.ran.json["error"]["code"] == 1


def test_what_cannot_be_edited_is_a_warning(make_gitops: GitopsMaker, doctor: Doctor) -> None:
    template, bare = f"image:\n  repository: {APP}\n  tag: '{{{{ .Values.tag }}}}'\n", "image:\n  tag: '1'\n"
    others = {"sealed": SOPS, "template": template, "bare": bare}
    files = {f"apps/{name}/envs/staging/values.yaml": text for name, text in others.items()}
    make_gitops({STAGING_FILE: values("1.0"), "apps/lower/values.yaml": values("1"), **files,
                 "apps/lower/envs/staging/values.yaml": "replicas: 1\n"})  # fmt: skip

    found = doctor(code=0)

    told = {one["found"]: one["mend"] for one in found.ran.json["checks"] if one["name"] == "values of staging"}
    sealed, lower, template_told, bare_told = (
        next(text for text in told if f"apps/{name}/" in text) for name in ("sealed", "lower", "template", "bare")
    )
    assert "SOPS" in sealed
    assert told[sealed] == "edit it with sops"
    assert "shared files" in lower
    assert "apps/lower/envs/staging/values.yaml" in told[lower]
    assert "cannot be set" in template_told
    assert "images" in told[bare_told]


def test_many_that_cannot_be_edited_are_counted(make_gitops: GitopsMaker, doctor: Doctor) -> None:
    sealed = {f"apps/a{number}/envs/staging/values.yaml": SOPS for number in range(14)}
    make_gitops({STAGING_FILE: values("1.0"), **sealed})

    told = [one for one in doctor(code=0).ran.json["checks"] if one["name"] == "values of staging"]

    assert len(told) == 11
    assert told[-1]["found"].startswith("4 more")


def test_argo_cd_is_never_a_failure(make_gitops: GitopsMaker, doctor: Doctor) -> None:
    helm = {"parameters": [{"name": "image.tag", "value": "9"}], "valueFiles": ["envs/staging/values.yaml"]}
    manifest = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "app"},
        "spec": {"source": {"repoURL": "x", "path": "apps/app", "helm": helm}},
    }  # fmt: skip
    argocd = ", argocd: {server: 'https://argocd.example', application: app}"
    make_gitops(
        {STAGING_FILE: values("1.0"), "bumper.yaml": CONFIG.format(argocd), "argocd/app.yaml": json.dumps(manifest)}
    )

    found = doctor(code=0)

    assert "sets image.tag by helm.parameters" in found.checks["Argo CD overrides"]["found"]
    assert "parameter" in found.mend("Argo CD overrides")
    assert "ARGOCD_AUTH_TOKEN" in found.mend("Argo CD token")
    doctor.monkeypatch.setenv("ARGOCD_AUTH_TOKEN", "argocd-secret")
    again = doctor(code=0)
    assert again.checks["Argo CD token"]["mend"] is None
    doctor.monkeypatch.setenv("ARGOCD_SERVER", "argocd.elsewhere.example")
    assert "ARGOCD_SERVER is argocd.elsewhere.example" in doctor(code=0).checks["Argo CD token"]["found"]
    assert "argocd-secret" not in again.ran.out + again.ran.err


def test_a_registry_that_shows_what_runs(make_verified: VerifiedMaker, doctor: Doctor) -> None:
    made = make_verified({STAGING: values("1.0.0", "{image}"), PROD: values("0.9.0", "{image}")})

    found = doctor(code=0, verify=True)

    told = found.checks[f"registry {made.registry.host}"]
    assert told["found"].startswith("shows ")
    assert "without a login" in told["found"]
    assert len({seen.path for seen in made.registry.seen if "manifests" in seen.path}) == 2


def test_an_image_that_is_gone_is_a_warning(make_verified: VerifiedMaker, doctor: Doctor) -> None:
    made = make_verified({STAGING: values("0.9.0", "{image}")})

    told = doctor(code=0, verify=True).checks[f"registry {made.registry.host}"]

    assert told["ok"]
    assert "push the image" in told["mend"]


def test_a_registry_that_does_not_answer(make_verified: VerifiedMaker, doctor: Doctor) -> None:
    made = make_verified({STAGING: values("1.0.0", "{image}")})
    made.go_away()

    found = doctor(code=4, verify=True)

    assert found.bad == [f"registry {made.registry.host}"]
    assert "Argo CD overrides" in found.checks
    made.registry.seen.clear()
    assert not any("registry" in name for name in doctor(code=0).checks)
    assert not made.was_asked


def test_a_registry_that_refuses_the_login(make_verified: VerifiedMaker, doctor: Doctor) -> None:
    made = make_verified({STAGING: values("1.0.0", "{image}")}, LOGIN_NEEDED)
    name = f"registry {made.registry.host}"

    def found(user: str, password: str, code: int) -> Found:
        auth = base64.b64encode(f"{user}:{password}".encode()).decode()
        doctor.monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {made.registry.host: {"auth": auth}}}))
        done = doctor("-v", code=code, verify=True)
        assert password not in done.ran.out + done.ran.err
        assert auth not in done.ran.out + done.ran.err
        return done

    refused, let_in = found("ci", "wrong-s3cret", 4), found("ci", PASSWORD, 0)

    assert refused.bad == [name]
    assert "DOCKER_AUTH_CONFIG" in refused.checks[name]["found"]
    assert "login may pull" in refused.mend(name)
    assert "the login from DOCKER_AUTH_CONFIG" in let_in.checks[name]["found"]


def test_a_docker_configuration_that_cannot_be_read(make_verified: VerifiedMaker, doctor: Doctor) -> None:
    made = make_verified({STAGING: values("1.0.0", "{image}")})
    doctor.monkeypatch.setenv("DOCKER_AUTH_CONFIG", "{")

    found = doctor(code=1, verify=True)

    assert found.bad == [f"registry {made.registry.host}"]
    assert "docker login" in found.mend(f"registry {made.registry.host}")


def test_delivery_by_commit_without_the_api(make_gitops: GitopsMaker, sandbox: Sandbox, doctor: Doctor) -> None:
    made = make_gitops({STAGING_FILE: values("1.0"), "bumper.yaml": CONFIG.format(", delivery: commit")})

    token = sandbox.create_token("bumper", kind="job", project=made.project)
    found = doctor.with_token(token, code=0, name="CI_JOB_TOKEN")

    assert "straight to main" in found.checks["delivery to staging"]["found"]


APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web-prod}
spec:
  source: {path: apps/web, helm: {valueFiles: [live.yaml]}}
"""


def test_what_no_environment_has_is_listed(make_gitops: GitopsMaker, doctor: Doctor) -> None:
    make_gitops(
        {
            "apps/a/envs/prod/values.yaml": values("1"),
            "apps/web/live.yaml": values("2"),
            "argocd/web.yaml": APPLICATION,
            "hack/values.yaml": values("3"),
        }
    )

    found = doctor(code=0)

    assert [one["found"] for one in found.ran.json["checks"] if one["name"] == "coverage"] == [
        "no environment covers Argo CD's application web-prod",
        "apps/web/live.yaml holds 1 tag and belongs to no environment",
    ]


def test_a_repository_that_is_covered(make_gitops: GitopsMaker, doctor: Doctor) -> None:
    make_gitops({"apps/a/envs/prod/values.yaml": values("1"), "apps/a/values.yaml": values("0")})

    assert doctor(code=0).checks["coverage"]["found"] == "every file with tags belongs to an environment"
