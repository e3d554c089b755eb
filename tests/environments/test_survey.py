"""What bumper init finds in a repository, and that bumper finds the same with the bumper.yaml that it writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bumper.environments.config import parse_config
from bumper.environments.discovery.init_text import Tried, try_out, write_config, write_skeleton
from bumper.environments.discovery.manifests import read_manifests
from bumper.environments.discovery.survey import Survey, survey
from bumper.environments.discovery.tree import Tree
from tests.environments.test_conventions import PATHS

Files: TypeAlias = Mapping[str, str]


def image(name: str) -> str:
    return f"image:\n  repository: registry.example.com/shop/{name}\n  tag: '1'\n"


TAG = "image:\n  tag: '1'\n"


def tree_of(files: Files) -> Tree:
    return Tree(dict.fromkeys(files), {path: text.encode() for path, text in files.items()})


def find(files: Files, environments: Mapping[str, Sequence[str]] | None = None) -> Survey:
    tree = tree_of(files)
    return survey(tree, read_manifests(tree.sources), "gitops", environments or {})


def tried(files: Files) -> Tried:
    return try_out(find(files), tree_of(files), "gitops")


@dataclass(frozen=True)
class Expected:
    """The environments, each with these templates and applications."""

    environments: str
    values: tuple[str, ...]
    apps: str = "api web"
    base: tuple[str, ...] = ()


def per_app(pattern: str, apps: str, environments: str, *, named: bool = True) -> dict[str, str]:
    """A file for every application in every environment; each ``named`` one holds its image, the others a tag alone."""
    return {
        pattern.format(app=app, env=name): image(app) if named else TAG
        for app in apps.split()
        for name in environments.split()
    }


APPS = "api web"
CHARTS = {f"charts/{app}/{file}": image(app) for app in APPS.split() for file in ("Chart.yaml", "values.yaml")}

LAYOUTS: dict[str, tuple[Files, Expected]] = {
    "folder that says nothing": (
        per_app("services/{app}/charts/{env}/values.yaml", "alpha beta gamma", "dev test prod"),
        Expected("dev test prod", ("services/{app}/charts/{env}/values.yaml",), "alpha beta gamma"),
    ),
    "overlays": (
        per_app("apps/{app}/overlays/{env}/values.yaml", APPS, "dev stg prd", named=False)
        | {f"apps/{app}/base/values.yaml": image(app) for app in APPS.split()},
        Expected("dev stg prd", ("apps/{app}/overlays/{env}/values.yaml",), base=("apps/{app}/base/values.yaml",)),
    ),
    "helm folder": (
        per_app("{app}/helm/{env}/values.yaml", APPS, "ift prom", named=False),
        Expected("ift prom", ("{app}/helm/{env}/values.yaml",)),
    ),
    "data centres beside staging": (
        per_app("helmfile.d/services/{app}/values-{env}.yaml", APPS, "staging eqiad codfw", named=False),
        Expected("staging codfw eqiad", ("helmfile.d/services/{app}/values-{env}.yaml",)),
    ),
    "regions by their images": (
        per_app("apps/{app}/{env}/values.yaml", "api web job", "fra sin"),
        Expected("fra sin", ("apps/{app}/{env}/values.yaml",), "api job web"),
    ),
    "clusters": (
        per_app("clusters/{env}/{app}/values.yaml", APPS, "alpha omega", named=False),
        Expected("alpha omega", ("clusters/{env}/{app}/values.yaml",)),
    ),
    "places": (
        per_app("{env}/{app}/values.yaml", APPS, "prod-eu prod-us-1", named=False),
        Expected("prod-eu prod-us-1", ("{env}/{app}/values.yaml",)),
    ),
    "application in the file's name": (
        per_app("environments/{env}/{app}-values.yaml", APPS, "dev prod"),
        Expected("dev prod", ("environments/{env}/{app}-values.yaml",)),
    ),
    "application as the file's name": (
        per_app("env/{env}/{app}.yaml", APPS, "dev prod"),
        Expected("dev prod", ("env/{env}/{app}.yaml",)),
    ),
    "application and environment in the file's name": (
        per_app("values/{app}-{env}.yaml", APPS, "dev prod"),
        Expected("dev prod", ("values/{app}-{env}.yaml",)),
    ),
    "application and environment with dots": (
        per_app("values/{app}.{env}.yaml", APPS, "dev prod"),
        Expected("dev prod", ("values/{app}.{env}.yaml",)),
    ),
    "application before values and environment": (
        per_app("values/{app}.values.{env}.yaml", APPS, "dev prod"),
        Expected("dev prod", ("values/{app}.values.{env}.yaml",)),
    ),
    "encrypted values beside the others": (
        per_app("apps/{app}/values.{env}.yaml", APPS, "dev prod")
        | {f"apps/api/values.{env}.sops.yaml": "a: 1\n" for env in ("dev", "prod")},
        Expected("dev prod", ("apps/{app}/values.{env}.yaml",)),
    ),
    "environment and application in a folder's name": (
        per_app("apps/{env}-{app}/values.yaml", APPS, "dev prod"),
        Expected("dev prod", ("apps/{env}-{app}/values.yaml",)),
    ),
    "a folder of everything that is called like an environment": (
        per_app("demo/apps/{app}/envs/{env}/values.yaml", APPS, "dev prod", named=False)
        | {f"demo/apps/{app}/values.yaml": image(app) for app in APPS.split()},
        Expected("dev prod", ("demo/apps/{app}/envs/{env}/values.yaml",), base=("demo/apps/{app}/values.yaml",)),
    ),
    "environments named after the company": (
        per_app("argocd/acme-{env}/{app}/values/{app}-values.yaml", APPS, "staging production"),
        Expected("acme-staging acme-production", ("argocd/{env}/{app}/values/*-values.yaml",)),
    ),
    "an application whose environments differ in their images": (
        per_app("apps/{app}/values-{env}.yaml", "api web job", "one two")
        | {f"apps/tap/values-{env}.yaml": image(f"tap-{env}") for env in ("one", "two")},
        Expected("one two", ("apps/{app}/values-{env}.yaml",), "api job tap web"),
    ),
    "helmfile": (
        per_app("env/{env}/{app}.values.yaml.gotmpl", APPS, "dev prod"),
        Expected("dev prod", ("env/{env}/{app}.values.yaml.gotmpl",)),
    ),
    "helmfile's folder of environments": (
        per_app("src/helm/env.d/{env}/values.{app}.yaml.gotmpl", APPS, "dev feature", named=False),
        Expected("dev feature", ("src/helm/env.d/{env}/values.{app}.yaml.gotmpl",)),
    ),
    "an application called like a cluster": (
        per_app("apps/{app}/values-{env}.yaml", "api job web", "core vault", named=False)
        | {"apps/vault/values.yaml": "", "apps/api/values.yaml": ""},
        Expected("core vault", ("apps/{app}/values-{env}.yaml",), "api job web", base=("apps/{app}/values.yaml",)),
    ),
    "environment's name twice": (
        per_app("apps/{app}/{env}/values-{env}.yaml", APPS, "dev prod")
        | {"apps/api/values.yaml": "", "apps/web/values.yaml": ""},
        Expected("dev prod", ("apps/{app}/{env}/values-{env}.yaml",), base=("apps/{app}/values.yaml",)),
    ),
    "same application in two teams": (
        {f"teams/{team}/api/{env}/values.yaml": image("api") for team in ("red", "blue") for env in ("dev", "prod")},
        Expected("dev prod", ("teams/*/{app}/{env}/values.yaml",), "api"),
    ),
    "same application in two teams, by their folders alone": (
        {f"teams/{team}/api/{env}/values.yaml": TAG for team in ("red", "blue") for env in ("dev", "prod")},
        Expected("dev prod", ("teams/*/{app}/{env}/values.yaml",), "api"),
    ),
    "application and environment in a folder's name": (
        per_app("apps/{app}-{env}/values.yaml", APPS, "dev prod"),
        Expected("dev prod", ("apps/{app}-{env}/values.yaml",)),
    ),
    "regions of one application": (
        per_app("deploy/values-{env}.yaml", "api", "eu us"),
        Expected("eu us", ("deploy/values-{env}.yaml",), "gitops"),
    ),
    "regions below environments": (
        {
            f"envs/{env}/{at}/{app}/values.yaml": image(app)
            for env in ("dev", "prod")
            for at in ("eu", "us")
            for app in APPS.split()
        },
        Expected("dev prod", ("envs/{env}/*/{app}/values.yaml",)),
    ),
    "applications of one name in two folders": (
        per_app("apps/{app}/envs/{env}/values.yaml", "api web", "dev prod")
        | per_app("infra/{app}/{env}/values.yaml", "api", "dev prod"),
        Expected("dev prod", ("*/{app}/envs/{env}/values.yaml", "*/{app}/{env}/values.yaml")),
    ),
    "patches": (
        per_app("apps/{env}/{app}-patch.yaml", APPS, "staging production"),
        Expected("staging production", ("apps/{env}/{app}-patch.yaml",)),
    ),
    "further files in Helm's order": (
        {f"apps/api/prod/{name}.yaml": TAG for name in ("values", "values-x", "values-y", "values-prod")},
        Expected(
            "prod",
            ("apps/{app}/{env}/values.yaml", "apps/{app}/{env}/values-*.yaml", "apps/{app}/{env}/values-{env}.yaml"),
            "api",
        ),
    ),
    "no application": (
        {"values-dev.yaml": TAG, "values-prod.yaml": TAG, "values.yaml": image("api"), "Chart.yaml": ""},
        Expected("dev prod", ("values-{env}.yaml",), "gitops", base=("values.yaml",)),
    ),
    "false environments": (
        per_app("apps/{app}/{env}/values.yaml", "api", "dev prod")
        | {
            "apps/test-runner/values.yaml": image("test-runner"),
            "apps/production-tools/values.yaml": image("tools"),
            "apps/test/values.yaml": image("test"),
            "charts/dex/Chart.yaml": "",
            "charts/dex/ci/test-values.yaml": image("dex"),
            "charts/dex/templates/prod/values.yaml": image("dex"),
            "hack/uat/values.yaml": image("x"),
        },
        Expected("dev prod", ("apps/{app}/{env}/values.yaml",), "api"),
    ),
    "a chart's own charts": (
        {"app/Chart.yaml": "", "app/charts/redis/values-prod.yaml": TAG, "app/values-prod.yaml": TAG},
        Expected("prod", ("{app}/values-{env}.yaml",), "app"),
    ),
    "flux": (
        {f"apps/{env}/podinfo-values.yaml": image("podinfo") for env in ("staging", "production")}
        | {"apps/base/podinfo/release.yaml": image("podinfo")},
        Expected("staging production", ("apps/{env}/{app}-values.yaml",), "podinfo"),
    ),
    "kustomize": (
        per_app("apps/{app}/overlays/{env}/kustomization.yaml", APPS, "dev prod")
        | {f"apps/{app}/base/kustomization.yaml": "" for app in APPS.split()},
        Expected(
            "dev prod", ("apps/{app}/overlays/{env}/kustomization.yaml",), base=("apps/{app}/base/kustomization.yaml",)
        ),
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_found_as_a_person_would_find_it(name: str) -> None:
    files, expected = LAYOUTS[name]

    found = find(files)

    assert [one.name for one in found.environments] == expected.environments.split(), found
    for one in found.environments:
        assert (one.values, " ".join(one.apps), one.base) == (expected.values, expected.apps, expected.base)
    with_it = try_out(found, tree_of(files), "gitops")
    assert (with_it.survey, list(with_it.gathered)) == (found, expected.environments.split())
    assert with_it.config.values == (expected.values if len(found.environments) > 1 else ())


def test_a_pattern_for_all_is_not_written_where_it_finds_another_environment() -> None:
    made = tried(per_app("values/{app}.{env}.yaml", APPS, "dev prod") | {"values/api.sops.yaml": "a: 1\n"})

    assert {name: entry.values for name, entry in made.config.environments.items()} == {
        "dev": ("values/{app}.dev.yaml",), "prod": ("values/{app}.prod.yaml",),
    }  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.lists(PATHS, max_size=12, unique=True))
def test_of_any_paths_what_is_written_can_be_read(paths: list[str]) -> None:
    found = find(dict.fromkeys(paths, TAG))
    if found.environments:
        parse_config(write_config(found).encode())
        for name, gathered in try_out(found, tree_of(dict.fromkeys(paths, TAG)), "gitops").gathered.items():
            files = {path for one in found.environments if one.name == name for path in one.files}
            assert {pin.file for pin in gathered.pins} <= files | set(found.exclude)


def application(name: str, path: str, *value_files: str) -> str:
    listed = "".join(f"        - '{file}'\n" for file in value_files)
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: '{name}'\nspec:\n  source:\n"
        f"    path: '{path}'\n    helm:\n      valueFiles:\n{listed}"
    )


def test_a_chart_s_values_are_the_base_of_what_argo_cd_reads_above_them() -> None:
    files = per_app("environments/{env}/{app}-values.yaml", APPS, "dev prod", named=False) | CHARTS
    for app in APPS.split():
        for env in ("dev", "prod"):
            read = (f"../../environments/{env}/{app}-values.yaml",)
            files[f"argocd/{app}-{env}.yaml"] = application(f"{app}-{env}", f"charts/{app}", *read)

    found = tried(files)

    assert {one.name: (one.values, one.base, one.argocd) for one in found.survey.environments} == {
        env: (("environments/{env}/{app}-values.yaml",), ("charts/{app}/values.yaml",), (f"{{app}}-{env}",))
        for env in ("dev", "prod")
    }
    assert [str(pin.pin.repository) for pin in found.gathered["dev"].pins] == [
        "registry.example.com/shop/api", "registry.example.com/shop/web",
    ]  # fmt: skip


def test_an_application_set_s_files_get_their_environment_and_base() -> None:
    manifest = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: dev}
spec:
  generators: [{git: {directories: [{path: "env/*"}]}}]
  template:
    metadata: {name: "guestbook-{{path.basename}}"}
    spec:
      source:
        path: charts/guestbook
        helm: {valueFiles: ["/env/{{path.basename}}/values.yaml", "/env/{{path.basename}}/features.yaml"]}
"""
    files = {"argocd/set.yaml": manifest, "charts/guestbook/Chart.yaml": "", "charts/guestbook/values.yaml": image("g")}
    files |= {f"env/{env}/{name}.yaml": TAG for env in ("qa", "prod-eu") for name in ("values", "features")}

    found = tried(files)

    assert [(one.name, one.values, one.base, one.apps) for one in found.survey.environments] == [
        (env, ("env/{env}/values.yaml", "env/{env}/features.yaml"), ("charts/guestbook/values.yaml",), ("gitops",))
        for env in ("qa", "prod-eu")
    ]
    assert {str(pin.pin.repository) for pin in found.gathered["qa"].pins} == {"registry.example.com/shop/g"}


def application_set(name: str, generator: str, overlay: str) -> str:
    return f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: {name}}}
spec:
  goTemplate: true
  generators: [{generator}]
  template:
    metadata: {{name: "{{{{ .svc }}}}-{name}"}}
    spec:
      source:
        path: "apps/{{{{ .svc }}}}/chart"
        helm: {{valueFiles: ["../overlays/{overlay}/values.yaml"]}}
"""


def test_application_sets_of_lists_and_matrices_decide_no_environment_by_their_names() -> None:
    services = "list: {elements: [{svc: api}, {svc: web}]}"
    stages = "list: {elements: [{env: stg}, {env: prd}]}"
    files = per_app("apps/{app}/overlays/{env}/values.yaml", APPS, "dev stg prd", named=False)
    files |= {f"apps/{app}/chart/{name}": image(app) for app in APPS.split() for name in ("Chart.yaml", "values.yaml")}
    files["argocd/dev.yaml"] = application_set("dev", f"{{{services}}}", "dev")
    matrix = f"{{matrix: {{generators: [{{{services}}}, {{{stages}}}]}}}}"
    files["argocd/others.yaml"] = application_set("dev-others", matrix, "{{ .env }}")

    found = tried(files)

    assert found.config.values == ("apps/{app}/overlays/{env}/values.yaml",)
    assert found.config.base == ("apps/{app}/chart/values.yaml",)
    assert {name: len(gathered.pins) for name, gathered in found.gathered.items()} == {"dev": 2, "stg": 2, "prd": 2}
    assert found.survey.warnings == ()


def test_argo_cd_s_order_beats_the_usual_one() -> None:
    files = {"a/prod/values-x.yaml": TAG, "a/prod/values-prod.yaml": TAG}
    files["argocd/a.yaml"] = application("a", "a", "prod/values-prod.yaml", "prod/values-x.yaml")

    assert find(files).environments[0].values == ("{app}/{env}/values-{env}.yaml", "{app}/{env}/values-x.yaml")


def test_a_manifest_s_name_decides_no_environment() -> None:
    files = {"charts/a/live.yaml": TAG, "argocd/x.yaml": application("a-prod", "charts/a", "live.yaml")}
    files |= {"b/values-dev.yaml": TAG, "b/values-prod.yaml": TAG}

    found = find(files)

    assert [one.files for one in found.environments] == [("b/values-dev.yaml",), ("b/values-prod.yaml",)]
    assert found.stray == {"charts/a/live.yaml": 1}
    assert "#   charts/a/live.yaml (1 tag)" in write_config(found).splitlines()


def test_a_cluster_s_own_values_are_a_base_of_its_applications() -> None:
    files = per_app("clusters/{env}/{app}/values.yaml", APPS, "prod-eu prod-us")
    files |= {f"clusters/{env}/values.yaml": TAG for env in ("prod-eu", "prod-us")}
    for app in APPS.split():
        for env in ("prod-eu", "prod-us"):
            read = (f"/clusters/{env}/values.yaml", f"/clusters/{env}/{app}/values.yaml")
            files[f"argocd/{app}-{env}.yaml"] = application(f"{app}-{env}", f"charts/{app}", *read)

    (europe, _) = find(files).environments

    assert (europe.values, europe.base) == (("clusters/{env}/{app}/values.yaml",), ("clusters/{env}/values.yaml",))


def test_a_base_of_some_applications_only_is_not_written() -> None:
    files = per_app("{app}/{env}/values.yaml", APPS, "dev prod") | {"shared/p.yaml": TAG}
    files["argocd/a.yaml"] = application("api-dev", "api", "/shared/p.yaml", "dev/values.yaml")

    found = find(files)

    assert found.environments[0].base == ()
    assert "shared/p.yaml is not written as a base" in found.warnings[0]


def test_a_base_is_written_for_the_environments_that_read_it() -> None:
    files = per_app("charts/{app}/environments/{env}.yaml", APPS, "dev prod") | CHARTS
    files |= per_app("{env}/{app}/deployment.yaml", "echo mock", "sandbox")

    environments = tried(files).config.environments

    read = "charts/{app}/values.yaml"
    assert {name: one.base for name, one in environments.items()} == {"dev": (read,), "sandbox": (), "prod": (read,)}


def test_a_template_of_applications_is_excluded() -> None:
    files = per_app("services/{app}/deploy/{env}/values.yaml", "_template api web", "dev prod", named=False)

    found = tried(files)

    assert found.config.exclude == ("services/_template/**",)
    assert found.gathered["dev"].apps == ("api", "web")


def test_a_file_with_two_environments_names_is_left_out() -> None:
    files = per_app("{env}/{app}/values.yaml", APPS, "dev staging") | {"staging/api/values-dev.yaml": image("api")}

    found = find(files)

    assert "staging/api/values-dev.yaml may belong to staging or to dev" in found.warnings[0]
    assert all("staging/api/values-dev.yaml" not in one.files for one in found.environments)


def test_a_team_s_folder_called_like_an_environment_is_none() -> None:
    files = per_app("apps/{app}/{env}.yaml", "shop/api shop/web pre/cron pre/queue", "demo stg prod")

    found = find({**files, "apps/pre/cron/cron.yaml": image("pre/cron")})

    assert not found.warnings
    assert [one.name for one in found.environments] == ["demo", "stg", "prod"]
    assert "apps/pre/cron/prod.yaml" in found.environments[2].files


def test_what_is_doubtful_becomes_a_comment_with_its_reason() -> None:
    files = per_app("apps/{app}/{env}/values.yaml", APPS, "dev prod", named=False) | {"apps/api/lab/values.yaml": TAG}

    text = write_config(find(files))

    assert "  # lab:  # perhaps: lab is beside dev, prod in one place only" in text
    assert '  #   values: "apps/api/lab/values.yaml"' in text
    uncommented = text.replace("  # lab:", "  lab:").replace("  #   values", "    values")
    assert set(parse_config(uncommented.encode()).environments) == {"dev", "prod", "lab"}


def test_a_person_s_pattern_comes_first() -> None:
    files = per_app("apps/{app}/{env}/values.yaml", APPS, "dev prod") | {"apps/api/values.yaml": "replicas: 1\n"}
    files |= {"live/api.yaml": image("api"), "live/web.yaml": image("web")}

    found = {one.name: one for one in find(files, {"live": ["live/{app}.yaml"]}).environments}

    assert (found["live"].values, found["live"].apps) == (("live/{app}.yaml",), ("api", "web"))
    assert found["dev"].values == ("apps/{app}/{env}/values.yaml",)


def test_environments_may_have_one_pattern_from_a_person() -> None:
    files = per_app("apps/{app}/{env}/values.yaml", APPS, "live lab prod")
    pattern = "apps/{app}/{env}/values.yaml"

    found = find(files, {"live": [pattern], "lab": [pattern]})

    assert {one.name: one.values for one in found.environments} == dict.fromkeys(("live", "lab", "prod"), (pattern,))


def test_environments_that_are_sections_of_a_file_are_found() -> None:
    files = {f"apps/{app}/values.yaml": "dev:\n  image: a/b:1\nprod:\n  image: a/b:2\n" for app in APPS.split()}

    found = tried(files)

    assert {name: one.at for name, one in found.config.environments.items()} == {"dev": "dev", "prod": "prod"}
    assert {one.values for one in found.survey.environments} == {("apps/{app}/values.yaml",)}
    assert [pin.app for pin in found.gathered["dev"].pins] == ["api", "web"]


def test_keys_that_may_be_applications_are_suggested() -> None:
    text = "api:\n  image: a/api:1\nweb:\n  image: a/web:2\n"

    written = write_config(find({"environments/dev.yaml": text, "environments/prod.yaml": text}))

    suggestion = '    # at: "{app}"                   # if the keys api, web are applications of their own'
    assert written.splitlines().count(suggestion) == 2
    config = parse_config(written.replace("# at:", "at:").encode())
    assert {one.at for one in config.environments.values()} == {"{app}"}


def test_charts_called_like_the_applications_are_suggested_as_their_base() -> None:
    files = per_app("environments/{env}/{app}-values.yaml", APPS, "dev prod", named=False)

    text = write_config(find(files | CHARTS))

    suggestion = '# base: "charts/{app}/values.yaml"  # if the charts called like the applications are theirs'
    assert suggestion in text.splitlines()
    assert "# base:" not in write_config(find(files))
    of_an_environment = {path.replace("charts", "charts/sandbox"): text for path, text in CHARTS.items()}
    assert "# base:" not in write_config(find(of_an_environment))


def test_argo_cd_s_own_source_files_come_last() -> None:
    files = per_app("apps/{app}/{env}/values.yaml", APPS, "dev prod")
    files |= per_app("apps/{app}/{env}/.argocd-source-{app}-{env}.yaml", APPS, "dev prod")

    (dev, _) = find(files).environments

    assert dev.values == ("apps/{app}/{env}/values.yaml", "apps/{app}/{env}/.argocd-source-*.yaml")


def test_where_nothing_is_found_the_skeleton_lists_what_holds_tags() -> None:
    found = find({"apps/api/values.yaml": "one:\n  image: a/b:1\ntwo:\n  image: a/b:2\n", "README.md": ""})

    skeleton = write_skeleton(found)

    assert found.environments == ()
    assert "#   apps/api/values.yaml (2 tags)" in skeleton
    assert list(parse_config(skeleton.encode()).environments) == ["prod"]


def test_of_many_open_questions_some_are_written() -> None:
    files = {f"staging/a{number}/values-dev.yaml": TAG for number in range(30)}
    text = write_config(find(files | per_app("{env}/{app}/values.yaml", APPS, "dev staging qa")))

    assert text.count("was left out") == 20
    assert "#   and 10 more\n" in text


def test_suggestions_are_what_bumper_reads_once_the_hash_is_gone() -> None:
    files = per_app("{app}/envs/{env}/values.yaml", APPS, "dev staging-eu staging prod")
    keys = ("delivery", "auto_merge", "argocd", "promote_from", "tags", "digests", "labels", "images", "- image",
            "path", "same_as", "- [", "ignore", "registries", "registry.internal", "commit_message")  # fmt: skip
    taken = [
        line.replace("# ", "", 1) if line.lstrip().startswith("#") and line.strip("# ").startswith(keys) else line
        for line in write_config(find(files)).splitlines()
    ]

    config = parse_config("\n".join(taken).encode())

    assert (config.environments["prod"].promote_from, config.environments["staging"].promote_from) == (
        ("staging",), None,
    )  # fmt: skip
    assert config.values == ("{app}/envs/{env}/values.yaml",)
    assert config.environments["dev"].delivery == "commit"
    assert config.environments["dev"].argocd is not None
    assert config.environments["dev"].argocd.application == ("{app}-dev",)
    assert (len(config.images), len(config.same_as), len(config.registries)) == (1, 1, 1)


def test_production_is_promoted_from_the_environment_of_its_region() -> None:
    files = per_app("{env}/{app}/values.yaml", APPS, "dev staging-eu staging-us prod-eu prod-us")
    lines = write_config(find(files)).splitlines()

    assert [line.strip().split("  #")[0] for line in lines if "promote_from" in line] == [
        '# promote_from: ["staging-eu"]', '# promote_from: ["staging-us"]',
    ]  # fmt: skip


def test_odd_names_are_matched_by_their_patterns() -> None:
    names = ("we [ird", "{app}", "ä ö", "line\nend", " blank", 'quo"te', "#hash: x", "\U0001f600")
    files = {f"{name}/{env}/values.yaml": TAG for name in names for env in ("dev", "prod")}

    found = tried(files)

    assert len(found.gathered["prod"].apps) == len(names)
