"""ApplicationSets expanded from the tree: generator, tree, and the applications that Argo CD's documentation gives."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bumper.environments.discovery.manifests import Expanded, expand, read_manifests
from bumper.environments.discovery.tree import Tree

Files = Mapping[str, str]


def application_set(generators: Sequence[Any], template: Mapping[str, Any], *, go: bool = True, **more: object) -> str:
    """JSON is YAML, too."""
    return json.dumps(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "ApplicationSet",
            "metadata": {"name": "set"},
            "spec": {"goTemplate": go, "generators": generators, "template": template, **more},
        }
    )


def named(name: str, path: str = "chart", *value_files: str) -> dict[str, Any]:
    source = {"path": path, "helm": {"valueFiles": list(value_files)}}
    return {"metadata": {"name": name}, "spec": {"source": source}}


def expanded(files: Files, *manifests: str) -> Expanded:
    sources = {path: text.encode() for path, text in files.items()}
    sources |= {f"argocd/{number}.yaml": text.encode() for number, text in enumerate(manifests)}
    return expand(read_manifests(sources), Tree(dict.fromkeys(sources), sources))


def folders(*paths: str) -> dict[str, str]:
    return {f"{path}/kustomization.yaml": "" for path in paths}


CLUSTER_CONFIG = {
    f"cluster-config/engineering/{name}/config.json": json.dumps(
        {"aws_account": "123456", "cluster": {"owner": "a@b.c", "name": f"engineering-{name}"}}
    )
    for name in ("dev", "prod")
}
STAGES = {
    "test/stage.values.yaml": "stageName: test\ncpuRequest: 100m\ndebugEnabled: true\n",
    "staging/stage.values.yaml": "stageName: staging\n",
    "production/stage.values.yaml": "stageName: production\nmemoryLimit: 512Mi\ndebugEnabled: false\n",
    "global.values.yaml": "cpuRequest: 200m\nmemoryLimit: 256Mi\ndebugEnabled: true\n",
}
TARGETS = {
    "apps/app-one.json": '{"appName": "app-one"}',
    "apps/app-two.json": '{"appName": "app-two"}',
    "targets/app-one/east-cluster-one.json": '{"region": "east", "clusterName": "cluster-one"}',
    "targets/app-one/east-cluster-two.json": '{"region": "east", "clusterName": "cluster-two"}',
    "targets/app-two/east-cluster-one.json": '{"region": "east", "clusterName": "cluster-one"}',
    "targets/app-two/west-cluster-three.json": '{"region": "west", "clusterName": "cluster-three"}',
}
ADDONS = folders("addons/argo-workflows", "addons/prometheus-operator", "addons/.hidden", "addons/a/deeper")
D = folders("d/e", "d/f", "d/g")


def directories(*paths: str, excluded: Sequence[str] = (), **more: object) -> dict[str, Any]:
    items = [{"path": path} for path in paths] + [{"path": path, "exclude": True} for path in excluded]
    return {"git": {"repoURL": "https://git.example.com/g.git", "directories": items, **more}}


def files(*paths: str, **more: object) -> dict[str, Any]:
    items = [{"path": path} for path in paths]
    return {"git": {"repoURL": "https://git.example.com/g.git", "files": items, **more}}


def elements(*items: Mapping[str, Any]) -> dict[str, Any]:
    return {"list": {"elements": list(items)}}


TWO = elements({"cluster": "engineering-dev"}, {"cluster": "engineering-prod"})
GO, FAST = True, False

# What Argo CD's operator manual says of each generator, with its own examples where it has some.
TABLE: list[tuple[str, bool, list[Any], str, Files, list[str]]] = [
    ("list", GO, [TWO], "{{.cluster}}-guestbook", {}, ["engineering-dev-guestbook", "engineering-prod-guestbook"]),
    ("list", FAST, [TWO], "{{cluster}}-guestbook", {}, ["engineering-dev-guestbook", "engineering-prod-guestbook"]),
    ("list with values", FAST, [elements({"cluster": "a", "values": {"env": "dev"}})], "{{cluster}}-{{ values.env }}",
     {}, ["a-dev"]),
    ("list of texts", GO, [{"list": {"elementsYaml": "- key: b\n"}}], "{{.key}}", {}, ["b"]),
    ("two lists", GO, [elements({"a": "1"}), elements({"a": "2"})], "x-{{.a}}", {}, ["x-1", "x-2"]),
    ("directories", GO, [directories("addons/*")], "{{.path.basename}}", ADDONS,
     ["a", "argo-workflows", "prometheus-operator"]),
    ("directories", FAST, [directories("addons/*")], "{{path.basename}}-{{path[0]}}", ADDONS,
     ["a-addons", "argo-workflows-addons", "prometheus-operator-addons"]),
    ("excluded by a class", GO, [directories("/d/*", excluded=["/d/[fg]"])], "{{.path.basename}}", D, ["e"]),
    ("exclude beats include", GO, [directories("/d/e", excluded=["/d/*"])], "{{.path.basename}}", D, []),
    ("root", GO, [directories("*", excluded=["donotdeploy"])], "{{.path.path}}",
     folders("one", "donotdeploy"), ["argocd", "one"]),
    ("segments", GO, [directories("d/*")], "{{index .path.segments 0}}-{{ index .path.segments 1 }}", D,
     ["d-e", "d-f", "d-g"]),
    ("normalized", GO, [directories("x/*")], "{{.path.basenameNormalized}}-{{ .path.basename | normalize }}",
     folders("x/directory_2"), ["directory-2-directory-2"]),
    ("values", GO, [directories("d/e", values={"cluster": "{{.path.basename}}"})], "{{.values.cluster}}", D, ["e"]),
    ("values", FAST, [directories("d/e", values={"cluster": "{{path.basename}}"})], "{{values.cluster}}", D, ["e"]),
    ("prefix", GO, [directories("d/e", pathParamPrefix="myRepo")], "{{.myRepo.path.basename}}", D, ["e"]),
    ("prefix", FAST, [directories("d/e", pathParamPrefix="myRepo")], "{{myRepo.path[1]}}", D, ["e"]),
    ("files", GO, [files("cluster-config/**/config.json")], "{{.cluster.name}}-guestbook", CLUSTER_CONFIG,
     ["engineering-dev-guestbook", "engineering-prod-guestbook"]),
    ("files", FAST, [files("cluster-config/**/config.json")], "{{cluster.name}}-{{path.basename}}-{{path.filename}}",
     CLUSTER_CONFIG, ["engineering-dev-dev-config.json", "engineering-prod-prod-config.json"]),
    ("a file with a list", GO, [files("all.yaml")], "{{.name}}", {"all.yaml": "- name: a\n- name: b\n"}, ["a", "b"]),
    ("matrix", GO, [{"matrix": {"generators": [directories("d/[ef]"), TWO]}}], "{{.path.basename}}-{{.cluster}}", D,
     ["e-engineering-dev", "e-engineering-prod", "f-engineering-dev", "f-engineering-prod"]),
    ("matrix that overrides", GO, [{"matrix": {"generators": [files("*/stage.values.yaml"),
     files("global.values.yaml")]}}], "{{.stageName}}-{{.cpuRequest}}-{{.memoryLimit}}-{{.debugEnabled}}", STAGES,
     ["production-200m-512Mi-false", "staging-200m-256Mi-true", "test-100m-256Mi-true"]),
    ("matrix of files", GO, [{"matrix": {"generators": [files("apps/*.json", pathParamPrefix="app"),
     files("targets/{{.appName}}/*.json", pathParamPrefix="target")]}}],
     "{{.appName}}-{{.region}}-{{.clusterName}}", TARGETS,
     ["app-one-east-cluster-one", "app-one-east-cluster-two", "app-two-east-cluster-one",
      "app-two-west-cluster-three"]),
    ("merge", FAST, [{"merge": {"mergeKeys": ["server"], "generators": [
        elements({"server": "1", "name": "staging", "redis": "false"},
                 {"server": "2", "name": "production", "redis": "false"}),
        elements({"server": "2", "redis": "true"}, {"server": "3", "redis": "lost"})]}}],
     "{{name}}-{{redis}}", {}, ["production-true", "staging-false"]),
    ("merge", GO, [{"merge": {"mergeKeys": ["server"], "generators": [
        elements({"server": "1", "values": {"a": "x", "b": "y"}}), elements({"server": "1", "values": {"b": "z"}})]}}],
     "{{.values.a}}{{.values.b}}", {}, ["xz"]),
    ("selector", GO, [TWO | {"selector": {"matchLabels": {"cluster": "engineering-dev"}}}], "{{.cluster}}", {},
     ["engineering-dev"]),
    ("selector", FAST, [TWO | {"selector": {"matchExpressions": [
        {"key": "cluster", "operator": "NotIn", "values": ["engineering-dev"]}]}}], "{{cluster}}", {},
     ["engineering-prod"]),
    ("trimmed", GO, [elements({"a": "1", "b": "2"})], "x {{- .a -}} y {{ .b }} z", {}, ["x1y 2 z"]),
    ("functions", GO, [elements({"name": "A_b", "env": ""})],
     '{{ .name | lower | replace "_" "-" }}-{{ default "dev" .env }}-{{ printf "%s.%s" .name "x" | normalize }}', {},
     ["a-b-dev-a-b.x"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "go", "generators", "name", "tree", "names"), TABLE)
def test_generators_make_the_applications_that_argo_cd_documents(
    kind: str, go: bool, generators: list[Any], name: str, tree: Files, names: list[str]  # noqa: FBT001
) -> None:  # fmt: skip
    found = expanded(tree, application_set(generators, named(name), go=go))

    assert sorted(str(one.name) for one in found.applications) == names, kind


def test_the_values_files_of_an_application_are_in_helm_s_order() -> None:
    tree = {
        "apps/api/chart/Chart.yaml": "", "apps/api/chart/values.yaml": "", "apps/api/overlays/dev/values.yaml": "",
        "shared/all.yaml": "", "apps/web/chart/values.yaml": "",
    }  # fmt: skip
    files = ("../overlays/{{ .env }}/values.yaml", "/shared/all.yaml", "missing.yaml", "https://example.com/x.yaml")
    template = named("{{.svc}}", "apps/{{ .svc }}/chart", *files)

    found = expanded(tree, application_set([elements({"svc": "api", "env": "dev"})], template))

    (api,) = found.applications
    assert api.files == ("apps/api/chart/values.yaml", "apps/api/overlays/dev/values.yaml", "shared/all.yaml")


def test_values_of_another_source_are_found_by_their_reference() -> None:
    template = {
        "metadata": {"name": "{{.env}}"},
        "spec": {
            "sources": [
                {"chart": "podinfo", "helm": {"valueFiles": ["$values/env/{{.env}}/values.yaml", "values.yaml"]}},
                {"ref": "values"},
            ]
        },
    }
    tree = {"env/dev/values.yaml": "", "values.yaml": "not the chart's, which is in a registry"}

    found = expanded(tree, application_set([elements({"env": "dev"})], template))

    assert found.applications[0].files == ("env/dev/values.yaml",)


def test_a_generator_s_own_template_is_merged_over_the_shared_one() -> None:
    own = {"list": {"elements": [{"a": "1"}], "template": {"spec": {"source": {"path": "other"}}}}}

    files = {f"{folder}/values.yaml": "" for folder in ("chart", "other")}

    found = expanded(files, application_set([own], named("x{{.a}}", "chart")))

    assert [(one.name, one.files) for one in found.applications] == [("x1", ("other/values.yaml",))]


CLUSTERS = {"clusters": {"selector": {"matchLabels": {"env": "dev"}}}}


MANY = elements(*({"number": str(number)} for number in range(142)))


@pytest.mark.parametrize(
    ("generator", "template", "go", "told"),
    [
        (CLUSTERS, named("{{.name}}"), GO, "uses a generator that bumper cannot evaluate (clusters)"),
        (TWO, named("x", "{{ if .a }}b{{ end }}"), GO, "reads {{ if .a }}b{{ end }}, which bumper cannot evaluate"),
        (TWO, named("{{.x}}"), GO, "names its applications by {{.x}}, which bumper cannot evaluate"),
        (TWO, named("{{.cluster}}"), FAST, "names its applications by {{.cluster}}, which bumper cannot evaluate"),
        (TWO, named("x", "a", "{{cluster"), FAST, "reads {{cluster, which bumper cannot evaluate"),
        (TWO, named("x", "{{ nosuch .cluster }}"), GO, "reads {{ nosuch .cluster }}, which bumper cannot evaluate"),
        (TWO, named("x", "{{ join 1 .cluster }}"), GO, "reads {{ join 1 .cluster }}, which bumper cannot evaluate"),
        (TWO, named("x", "{{" + "(" * 2000), GO, "reads {{((("),
        (TWO, named("x", "{{" + "(" * 2000 + "}}"), GO, "reads {{((("),
        (directories("nowhere/*"), named("x"), GO, "has a generator that finds nothing in this repository"),
        ({"matrix": {"generators": [elements({"a": "1"}), elements({"a": "2"})]}}, named("x"), FAST,
         "uses a generator that bumper cannot evaluate (matrix of two generators that both set a)"),
        ({"matrix": {"generators": [CLUSTERS, directories("d/*")]}}, named("{{.path.basename}}-{{.name}}"), GO,
         "uses a generator that bumper cannot evaluate (clusters)"),
        ({"matrix": {"generators": [MANY, MANY]}}, named("x"), GO,
         "uses a generator that bumper cannot evaluate (matrix of more than 20000 combinations)"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_is_named(
    generator: Mapping[str, Any], template: Mapping[str, Any], go: bool, told: str  # noqa: FBT001
) -> None:  # fmt: skip
    found = expanded(D, application_set([generator], template, go=go))

    assert [one for one in found.unknown if one.startswith(f"argocd/0.yaml:1: ApplicationSet set {told}")]


@pytest.mark.parametrize(
    "generator",
    [
        "text",
        {"list": {"elements": 5}},
        {"git": {"files": ["x/*.yaml"]}},
        {"git": {"directories": "d/*"}},
        directories("d/e", values=["a"]),
        {"matrix": {"generators": TWO}},
        {"merge": {"mergeKeys": 5, "generators": [TWO]}},
        TWO | {"selector": {"matchLabels": ["cluster"], "matchExpressions": [{"operator": "In", "values": 5}]}},
    ],
)
def test_a_generator_of_another_form_than_argo_cd_s_stops_nothing(generator: object) -> None:
    found = expanded(D, application_set([generator, directories("d/f")], named("{{.path.basename}}")))

    assert [one.name for one in found.applications][-1:] == ["f"]


@pytest.mark.parametrize(
    "template",
    ["text", {"metadata": "x", "spec": ["y"]}, {"spec": {"source": {"path": "chart", "helm": {"valueFiles": 5}}}}],
)
def test_a_template_of_another_form_has_no_files(template: Any) -> None:  # noqa: ANN401 - as YAML has it
    found = expanded({"values.yaml": ""}, application_set([TWO], template))

    assert [one.files for one in found.applications] == [(), ()]


def test_what_does_not_depend_on_clusters_is_known() -> None:
    tree = {"apps/api/Chart.yaml": "", "apps/api/values.yaml": "", "apps/api/values-dev.yaml": ""}
    matrix = {"matrix": {"generators": [directories("apps/*"), CLUSTERS]}}
    template = named("{{.path.basename}}-{{.name}}", "{{.path.path}}", "values-{{.metadata.labels.env}}.yaml")

    found = expanded(tree, application_set([matrix], template))

    assert [(one.name, one.files) for one in found.applications] == [(None, ("apps/api/values.yaml",))]
    assert "(clusters); what depends on it is left out" in found.unknown[0]


def test_a_template_patch_of_values_files_is_named() -> None:
    found = expanded({}, application_set([TWO], named("x"), templatePatch="spec: {source: {helm: {valueFiles: [a]}}}"))

    assert "sets valueFiles in its templatePatch" in found.unknown[0]


def test_an_application_that_a_chart_makes_is_passed_over() -> None:
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x}\n"
        "spec: {source: {path: 'charts/{{ .Values.name }}'}}\n"
    )

    assert expanded({}, text) == Expanded((), ())
