import pytest

from bumper.errors import Refused
from bumper.values.pin import Pin, format_path, parse_path
from bumper.values.requested import pin_at
from bumper.values.tag_edit import TagEdit, set_tags
from bumper.values.values_file import ValuesFile, describe, find_pins, read_values
from bumper.values.yaml_data import places_of

DIGEST = "sha256:" + "1a" * 32


def read(text: str, name: str = "values.yaml") -> ValuesFile:
    return read_values(name, text.encode())


def rows(pins: tuple[Pin, ...]) -> list[tuple[str, int, str, str | None]]:
    return [(format_path(pin.path), pin.line, str(pin.repository), pin.tag) for pin in pins]


def test_pins_come_in_the_order_of_their_lines_with_what_they_hold() -> None:
    text = f"web:\n  image: a/web:v1@{DIGEST}\ndb:\n  image: {{repository: a/db, tag: v2}}\n\nimage:\n  tag: v3\n"
    found = find_pins(read(text))
    assert rows(found) == [
        ("web.image", 2, "docker.io/a/web", "v1"),
        ("db.image.tag", 4, "docker.io/a/db", "v2"),
        ("image.tag", 7, "None", "v3"),
    ]
    assert [pin.digest for pin in found] == [DIGEST, None, None]
    assert [pin.shape for pin in found] == ["image string@digest", "repository+tag", "tag"]


def test_a_version_below_an_image_is_listed_without_a_name_unless_it_is_another_thing_s() -> None:
    text = "image: {version: v1}\nold: {image: {version: v1, tag: v2}}\ncd: {image: {chart: api, version: v1}}\n"
    assert rows(find_pins(read(text))) == [("image.version", 1, "None", "v1"), ("old.image.tag", 2, "None", "v2")]


@pytest.mark.parametrize(
    "text",
    [
        "name: api\ntag: v1\n",
        "metadata: {name: api, version: 1.0.0}\n",
        "git: {repo: git@github.com:shop/api.git, tag: v1}\n",
        "git: {repository: github.com/shop/api, tag: v1}\n",
        "git: {repository: 'https://example.com/shop/api', tag: v1}\n",
        "repo: git@github.com:shop/api\n",
        "chart: api\nrepository: shop/api\nversion: 1.0.0\n",
        "dependencies: [{name: api, repository: shop/api, version: 1.0.0}]\n",
        "chartRepository: shop/api\nchartVersion: 1.0.0\n",
        "enableImageTag: true\n",
        "image: {tag: false}\n",
        "image: {pullPolicy: Always, command: 'a:b'}\n",
        "image: 'data:image/png;base64,aGVsbG8='\n",
        "image: https://example.com/logo.png:1\n",
        "image: 'Read this: it matters'\n",
        "tcp: {9000: 'default/test:8080'}\n",
        "appVersion: 1.0.0\nkubeVersion: '>=1.28'\napiVersion: v1\n",
        "image: '{{ .Values.image }}:v1'\n",
        "- image\n- tag\n",
    ],
)
def test_what_is_no_image_is_no_pin(text: str) -> None:
    assert [pin for pin in find_pins(read(text)) if pin.refusal is None] == []


def test_lower_files_name_the_repository_and_the_nearest_of_them_wins() -> None:
    lowest = read("image: {repository: shop/old}\nglobal: {imageRegistry: a.example.com}\n", "lowest.yaml")
    nearest = read("image: {repository: shop/api}\n", "nearest.yaml")
    assert rows(find_pins(read("image: {tag: v1}\n"), [lowest, nearest])) == [
        ("image.tag", 1, "a.example.com/shop/api", "v1")
    ]


def test_lower_files_are_read_through_their_aliases_and_merge_keys() -> None:
    base = read("d: &d {repository: shop/api}\nx: &x\n  image:\n    <<: *d\napp: *x\n", "base.yaml")
    assert rows(find_pins(read("app:\n  image:\n    tag: v1\n"), [base])) == [
        ("app.image.tag", 3, "docker.io/shop/api", "v1")
    ]


def test_a_list_takes_nothing_from_lower_files_because_helm_replaces_it_whole() -> None:
    base = read("apps: [{image: {repository: shop/api}}]\n", "base.yaml")
    assert rows(find_pins(read("apps: [{image: {tag: v1}}]\n"), [base])) == [("apps[0].image.tag", 1, "None", "v1")]


def test_a_merged_tag_is_a_pin_where_the_repository_joins_it() -> None:
    text = "d: &d\n  tag: v1\nweb:\n  <<: *d\n  repository: shop/web\napi:\n  <<: *d\n  repository: shop/api\n"
    assert rows(find_pins(read(text))) == [
        ("web.tag", 2, "docker.io/shop/web", "v1"),
        ("api.tag", 2, "docker.io/shop/api", "v1"),
    ]


def test_a_pin_that_is_merged_whole_is_one_pin_at_its_anchor() -> None:
    text = "d: &d {repository: shop/api, tag: v1}\nweb:\n  <<: *d\napi: *d\n"
    assert rows(find_pins(read(text))) == [("d.tag", 1, "docker.io/shop/api", "v1")]


def test_every_consumer_of_an_anchor_is_named() -> None:
    text = (
        "version: &v v1\n"
        "image:\n  repository: shop/api\n  tag: *v\n"
        "labels: &labels\n  version: *v\n"
        "pod:\n  labels: *labels\n"
        "other: &other v1\n"
        "last:\n  - {<<: *labels}\n  - *other\n"
    )
    values = read(text)
    (pin,) = find_pins(values)
    assert pin.tag_scalar is not None
    assert describe(values, pin) == "values.yaml:1: image.tag"
    assert [(format_path(path), line) for path, line in [*places_of(values.documents, pin.tag_scalar)][1:]] == [
        ("image.tag", 4),
        ("labels.version", 6),
        ("pod.labels", 8),
        ("last[0].version", 11),
    ]


def test_a_merge_is_a_consumer_by_the_key_that_it_brings_unless_that_is_overridden() -> None:
    text = (
        "d: &d\n  repository: shop/api\n  tag: v1\n  nested: {a: 1}\n"
        "web: {<<: *d}\napi: {<<: [*d], tag: v2}\njob:\n  <<: [*d]\n"
    )
    values = read(text)
    pin = find_pins(values)[0]
    assert pin.tag_scalar is not None
    assert [(format_path(path), line) for path, line in [*places_of(values.documents, pin.tag_scalar)][1:]] == [
        ("web.tag", 5),
        ("job.tag", 8),
    ]


def test_a_value_without_an_anchor_has_no_consumers() -> None:
    values = read("a: &a 1\nimage: shop/api:v1\nb: *a\n")
    (pin,) = find_pins(values)
    assert pin.tag_scalar is not None
    assert list(places_of(values.documents, pin.tag_scalar))[1:] == []


@pytest.mark.parametrize("path", ["image", "app.image.tag", "apps[1].image", 'labels["a.b/c"]', "plain"])
def test_a_path_leads_to_its_scalar(path: str) -> None:
    text = (
        "image: shop/a:v1\napp: {image: {repository: shop/b, tag: v1}}\napps:\n- x\n- image: shop/c:v1\n"
        "labels: {a.b/c: v1}\nplain: v1\n"
    )
    values = read(text)
    (pin,) = pin_at(values, parse_path(path), find_pins(values), None)
    after = read(set_tags(values, [TagEdit(pin, "v2")]).decode())
    (again,) = pin_at(after, parse_path(path), find_pins(after), None)
    assert (again.tag, after.text.count("v2")) == ("v2", 1)


def test_a_path_may_stand_in_several_documents() -> None:
    values = read("image: shop/a:v1\n---\nx: 1\n---\nimage: shop/b:v1\n")
    assert rows(pin_at(values, ("image",), find_pins(values), None)) == [
        ("image", 1, "docker.io/shop/a", "v1"),
        ("image", 5, "docker.io/shop/b", "v1"),
    ]


@pytest.mark.parametrize("path", ["missing", "image.tag.deeper", "list[7]", "list.a", "image[0]"])
def test_a_path_to_nothing_finds_nothing(path: str) -> None:
    values = read("image: {repository: shop/a, tag: v1}\nlist: [1]\n")
    assert pin_at(values, parse_path(path), find_pins(values), None) == ()


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85"])
def test_lines_are_counted_as_editors_count_them(mark: str) -> None:
    values = read(f'note: "a{mark}b"\nimage: shop/api:v1\n')
    assert rows(find_pins(values)) == [("image", 2, "docker.io/shop/api", "v1")]


def test_line_numbers_of_windows_and_old_mac_files() -> None:
    assert [pin.line for pin in find_pins(read("a: 1\r\nimage: shop/api:v1\r\n"))] == [2]
    assert [pin.line for pin in find_pins(read("a: 1\rimage: shop/api:v1\r"))] == [2]


TEMPLATED = """\
{{- if .Values.enabled }}
image:
  repository: shop/api
  {{- with .Values.tag }}
  tag: v1  # by CI
  {{- end }}
{{- end }}
{{/* a comment
     of two lines */}}
"""


@pytest.mark.parametrize(
    "text", [TEMPLATED, TEMPLATED.replace("\n", "\r\n"), f"host: {{{{ .env }}}}.test\n{TEMPLATED}"]
)
def test_a_helmfile_template_is_read_without_its_actions(text: str) -> None:
    values = read_values("values.yaml.gotmpl", text.encode())
    (pin,) = find_pins(values)

    assert set_tags(values, [TagEdit(pin, "v2")]).decode() == text.replace("v1", "v2")


def test_a_tag_beside_an_action_is_not_set() -> None:
    source = b"image: {repository: shop/api, tag: {{ .a }}}\nb: {{ .b }}-x\nweb: {image: 'shop/{{ .c }}:v1'}\n"
    pins = find_pins(read_values("values.yaml.gotmpl", source + b"job:\n  repository: shop/job\n  tag: {{ .d }}-x\n"))

    assert pins
    assert all(pin.refusal for pin in pins), pins


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("values.yaml", "helmfile in \\*.gotmpl"),
        ("chart/templates/values.yaml", "a template of a chart"),
        ("values.yaml.gotmpl", "on a line of its own"),
    ],
)
def test_what_to_do_about_a_template_depends_on_the_file(name: str, advice: str) -> None:
    with pytest.raises(Refused, match=advice):
        read_values(name, b"image:\n  {{- if .a }}tag: v1{{ end }}\n  b: [\n")
