"""Argo CD's manifests as bumper init and doctor read them: files, inline overrides, hostile inputs."""

import pytest

from bumper.environments.discovery.manifests import Manifest, matching, read_manifests
from bumper.environments.discovery.tree import is_data
from bumper.environments.effective import find_overrides

APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: backend-prod
spec:
  source:
    path: apps/backend
    helm:
      valueFiles: [values.yaml, envs/prod/values.yaml]
"""


def read(text: str | bytes, file: str = "argocd/x.yaml") -> tuple[Manifest, ...]:
    return read_manifests({file: text.encode() if isinstance(text, str) else text})


def value_files(*names: str, path: str = "apps/backend") -> tuple[str, ...]:
    """The globs of an ApplicationSet's value files."""
    listed = "".join(f"            - {name!r}\n" for name in names)
    (manifest,) = read(
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\nspec:\n  template:\n"
        f"    metadata: {{name: '{{{{.app}}}}-prod'}}\n    spec:\n      source:\n        path: {path!r}\n"
        f"        helm:\n          valueFiles:\n{listed}"
    )
    return manifest.sources[0].files[2:]  # after the chart's own


def test_an_application_s_value_files_are_relative_to_its_path() -> None:
    (manifest,) = read("# ours\n---\n" + APPLICATION)

    assert (manifest.file, manifest.line, manifest.kind, manifest.name) == (
        "argocd/x.yaml", 3, "Application", "backend-prod",
    )  # fmt: skip
    own = ("apps/backend/values.yaml", "apps/backend/values.yml")
    assert manifest.sources[0].files == (*own, "apps/backend/values.yaml", "apps/backend/envs/prod/values.yaml")


def test_of_several_documents_each_is_read_and_others_are_passed_over() -> None:
    other = "apiVersion: v1\nkind: ConfigMap\n"
    second = APPLICATION.replace("backend-prod", "web-prod")

    assert [one.name for one in read(f"{APPLICATION}---\n{other}---\n{second}")] == ["backend-prod", "web-prod"]


def test_several_sources_refer_to_one_another() -> None:
    (manifest,) = read(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: redis}\nspec:\n  sources:\n"
        "    - {chart: redis, helm: {valueFiles: [$values/redis/values-prod.yaml, 'https://x.example/values.yaml']}}\n"
        "    - {ref: values, repoURL: 'https://gitlab.example.com/a.git'}\n"
    )

    assert [source.files for source in manifest.sources] == [("redis/values-prod.yaml",), ()]


def test_an_empty_list_of_sources_leaves_the_source() -> None:
    (manifest,) = read(APPLICATION + "  sources: []\n")

    assert "apps/backend/envs/prod/values.yaml" in manifest.sources[0].files


@pytest.mark.parametrize(
    ("path", "name", "glob"),
    [
        ("apps/{{path.basename}}", "values.yaml", "apps/*/values.yaml"),
        ("{{path}}", "values-{{ .env }}.yaml", "**/values-*.yaml"),
        ("{{.path.path}}", "../values.yaml", "values.yaml"),
        ("charts/{{ index .path.segments 1 }}", "envs/{{.env}}/values.yaml", "charts/*/envs/*/values.yaml"),
        ("charts/app", "/envs/{{a/b}}.yaml", "envs/*.yaml"),
        ("./charts/app/", "../common.yaml", "charts/common.yaml"),
        ("charts/{app}", "{app}.yaml", "charts/?app}/?app}.yaml"),
        ("a", "{{x}}{{y}}.yaml", "a/*.yaml"),
    ],
)
def test_placeholders_become_globs(path: str, name: str, glob: str) -> None:
    assert value_files(name, path=path) == (glob,)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "../..", "a*b*c*d*e*f*g*h*.yaml", "s3://bucket/values.yaml"])
def test_files_outside_the_repository_and_endless_globs_are_left_out(name: str) -> None:
    assert value_files(name) == ()


@pytest.mark.parametrize(
    "text",
    [
        APPLICATION.replace("  source:", "{{- if .Values.on }}\n  source:"),
        APPLICATION.encode("utf-16"),
        APPLICATION.encode() + b"\xff",
        APPLICATION + "  bad: [\n",
        "# argoproj.io/ \n",
        "",
        "argoproj.io/v1alpha1",
        "- apiVersion: argoproj.io/v1alpha1\n  kind: Application\n",
        "apiVersion: [argoproj.io/]\nkind: Application\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: &a {source: *a}\n",
        "apiVersion: argoproj.io/v1alpha1\nx: " + "[" * 20_000,
    ],
)
def test_what_is_no_manifest_is_passed_over(text: str | bytes) -> None:
    assert [source for manifest in read(text) for source in manifest.sources] == []


@pytest.mark.parametrize(
    "source",
    [
        "source: text",
        "source: {path: [a], helm: text}",
        "source: {helm: {valueFiles: text, parameters: {a: b}, values: [1], valuesObject: text}}",
        "source: {helm: {valueFiles: [[a], {b: c}], parameters: [text, {value: 1}], values: '{{ .x }}: ['}}",
        "sources: [text, [a], null]",
        "sources: null",
        "source: {helm: {valuesObject: {a: 1, a: 2}}}",
        "source: {helm: {valuesObject: {a: !!binary aGk=}}}",
    ],
)
def test_manifests_of_another_form_hold_nothing(source: str) -> None:
    text = f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: x}}\nspec:\n  {source}\n"

    (manifest,) = read(text)

    assert not any(one.files or one.inline for one in manifest.sources)


def test_an_alias_bomb_ends_at_once() -> None:
    bomb = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]\n" for n in range(12))
    values = "".join(f"        {line}\n" for line in bomb.splitlines())
    text = APPLICATION + "      valuesObject:\n" + values

    assert read(text)[0].sources[0].inline == ()


def overrides(helm: str, file: str = "apps/backend/envs/prod/values.yaml", *path: str | int) -> list[str]:
    manifests = read(APPLICATION + "".join(f"      {line}\n" for line in helm.splitlines()))
    return [str(override) for override in find_overrides(manifests, {file: [path or ("image", "tag")]})]


PARAMETER = "parameters:\n  - name: replicas\n    value: '2'\n  - name: image.tag\n    value: '1'"


def test_a_parameter_above_a_pin_is_named_with_its_line() -> None:
    (told,) = overrides(PARAMETER)

    assert told == (
        "argocd/x.yaml:13: Application backend-prod sets image.tag by helm.parameters, which overrides "
        "apps/backend/envs/prod/values.yaml; remove the parameter."
    )


@pytest.mark.parametrize(
    "helm",
    [
        "valuesObject: {image: {tag: '1'}}",
        "valuesObject: {image: null}",
        "values: |\n  image:\n    tag: 1",
        "parameters: [{name: image, value: x}]",
    ],
)
def test_everything_inline_that_decides_a_pin_overrides_it(helm: str) -> None:
    assert len(overrides(helm)) == 1


@pytest.mark.parametrize(
    "helm",
    [
        "valuesObject: {image: {repository: x}}",
        "values: 'other: 1'",
        "parameters: [{name: image.tags, value: x}]",
        r"parameters: [{name: image\.tag, value: x}]",
    ],
)
def test_what_stands_beside_a_pin_does_not(helm: str) -> None:
    assert overrides(helm) == []


def test_indexes_and_keys_with_dots_are_paths_too() -> None:
    file = "apps/backend/values.yaml"

    assert len(overrides("parameters: [{name: 'jobs[0].tag', value: x}]", file, "jobs", 0, "tag")) == 1
    assert overrides("parameters: [{name: 'jobs[1].tag', value: x}]", file, "jobs", 0, "tag") == []
    assert len(overrides(r"parameters: [{name: 'a\.b.tag', value: x}]", file, "a.b", "tag")) == 1
    assert len(overrides("valuesObject: {jobs: []}", file, "jobs", 0, "tag")) == 1


def test_a_file_that_the_manifest_does_not_read_is_not_overridden() -> None:
    assert overrides(PARAMETER, "apps/backend/envs/staging/values.yaml") == []


def test_many_files_are_counted() -> None:
    manifests = read(APPLICATION + "      parameters: [{name: image.tag, value: x}]\n")
    files = ("apps/backend/values.yaml", "apps/backend/envs/prod/values.yaml")

    (told,) = find_overrides(manifests, {file: [("image", "tag")] for file in files})

    assert "overrides apps/backend/envs/prod/values.yaml and 1 more file;" in str(told)


def test_yaml_and_json_files_are_looked_at() -> None:
    names = ["a.yaml", "b/c.yml", "d.json", "f.yaml.gotmpl", "yaml", "e.yaml.bak", "g.txt"]

    assert [name for name in names if is_data(name)] == ["a.yaml", "b/c.yml", "d.json", "f.yaml.gotmpl"]


def test_a_glob_without_signs_is_looked_up() -> None:
    assert matching("a/b.yaml", {"a/b.yaml": 1, "a/c.yaml": 1}) == ["a/b.yaml"]
    assert matching("a/*.yaml", ["a/b.yaml", "x/a/b.yaml"]) == ["a/b.yaml"]
    assert matching("a/x.yaml", ["a/b.yaml"]) == []
