"""The names of images: what is printed is what is found again, and what is not certain has no name."""

from pathlib import Path

import pytest

from bumper.errors import Refused
from bumper.image import parse_image
from bumper.values.pin import format_path
from bumper.values.values_file import find_pins, read_values

CASES = sorted((Path(__file__).parents[2] / "fixtures" / "values").iterdir())


def named(text: str) -> dict[str, str]:
    """The image of each pin by its path, or why it has none."""
    pins = find_pins(read_values("values.yaml", text.encode()))
    return {format_path(pin.path): str(pin.repository or pin.unnamed) for pin in pins if not pin.absent}


def test_what_is_printed_as_an_image_is_found_again() -> None:
    names = 0
    for case in CASES:
        try:
            values = read_values("input.yaml", (case / "input.yaml").read_bytes())
        except Refused:
            continue
        for pin in find_pins(values):
            if pin.repository is not None:
                names += 1
                assert parse_image(f"{pin.repository}:1").repository == pin.repository, case.name
            else:
                assert pin.unnamed, case.name
    assert names


@pytest.mark.parametrize(
    "text",
    [
        "api: {repository: quay.io/shop, tag: '1'}\nweb: {repository: quay.io/shop, tag: '1'}\n",
        "- {name: api, repository: ghcr.io/shop, tag: '1'}\n- {name: web, repository: ghcr.io/shop, tag: '1'}\n",
        "api: {repository: a.example/b, image: api, tag: '1'}\nweb: {repository: a.example/b, image: web, tag: '1'}\n",
        "api: {image: {repository: '', name: api, tag: '1'}}\nweb: {image: {repository: '', name: web, tag: '1'}}\n",
        "api: {image: '{{ .Values.a }}/b:1'}\nweb: {image: {registry: '<R>', repository: b, tag: '1'}}\n",
    ],
)
def test_two_images_never_get_one_name(text: str) -> None:
    names = [name for name in named(text).values() if "docker.io" in name or "a.example" in name]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("text", "image"),
    [
        (
            "image: {registry: a.example, repository: b/c, tag: '1'}\nglobal: {imageRegistry: x.example}\n",
            "a.example/b/c",
        ),
        ("image: {repository: b/c, tag: '1'}\nglobal: {imageRegistry: x.example}\n", "x.example/b/c"),
        ("image: {repository: b/c, tag: '1'}\nglobal: {imageRegistry: ''}\n", "docker.io/b/c"),
        ("image: {repository: d.example/b/c, tag: '1'}\nglobal: {imageRegistry: x.example}\n", "d.example/b/c"),
        ("image: {repository: b, tag: '1'}\n", "docker.io/library/b"),
        ("global: {registryPrefix: a.example/b}\nimage: {repository: c, tag: '1'}\n", "a.example/b/c"),
        ("global: {image: {repositoryPrefix: a.example}}\nimage: {repository: b/c, tag: '1'}\n", "a.example/b/c"),
        ("imagePrefix: a.example/b/\nimage: {name: c, tag: '1'}\n", "a.example/b/c"),
        ("imagePrefix: a.example/b-\nimage: {repository: e/c, tag: '1'}\n", "docker.io/e/c"),
        ("image: {prefix: a.example/b/, repository: c, tag: '1'}\n", "a.example/b/c"),
        ("privateRegistry: {registryUrl: a.example}\nimage: {repository: b/c, tag: '1'}\n", "a.example/b/c"),
        ("privateRegistry: {registryUrl: ~}\nimage: {repository: b/c, tag: '1'}\n", "docker.io/b/c"),
    ],
)
def test_the_registry_is_the_sibling_s_then_the_global_one_then_docker_hub(text: str, image: str) -> None:
    assert named(text) == {"image.tag": image}


@pytest.mark.parametrize("registry", ["docker.io/", "a.example/", "a.example:5000/"])
def test_a_registry_alone_is_no_name(registry: str) -> None:
    assert named(f"image: {{repository: '{registry}', tag: '1'}}\n") == {
        "image.tag": f"'{registry}' is a registry or a part of a name, not a repository"
    }


def test_an_organization_beside_a_registry_is_a_part_of_the_name_a_namespace_is_not() -> None:
    assert named(
        "api: {registry: a.example, organization: b, name: c, tag: '1'}\n"
        "web: {registry: a.example, namespace: b, name: d, tag: '1'}\n"
    ) == {"api.tag": "a.example/b/c", "web.tag": "a.example/d"}


def test_a_registry_that_is_nearer_and_a_global_one_leave_no_name() -> None:
    text = "imageRegistry: a.example\nglobal: {imageRegistry: x.example}\nimage: {repository: b/c, tag: '1'}\n"

    assert named(text)["image.tag"] == (
        "its registry may be imageRegistry 'a.example' or global.imageRegistry 'x.example'"
    )


@pytest.mark.parametrize(
    "text",
    [
        "worker: {machineImage: {name: shop/linux, version: '1'}}\n",
        "kind: GitRepository\nspec: {url: 'ssh://git@a.example/b', ref: {tag: v1}}\n",
        "modules: [{source: a.example/b/c, version: 1.0.0}]\n",
        "addons: [{name: b, repository: a.example/b/charts, version: 1.0.0}]\n",
        "gitSync: {repository: shop/config, tag: v1}\n",
        "site: {repository: shop/config, branch: main, tag: v1}\n",
        "metrics: {name: cpu/load, tag: prod}\n",
        "image: {server: 'a.example:5000'}\nimages: ['localhost:5000']\n",
        "images: [{repository: image.repository, tag: image.tag}]\n",
        "imagePullSecrets: [{name: shop/pull}]\nimageCredentials: {registry: a.example, username: b}\n",
        "env: [{name: APP_VERSION, value: '1'}, {name: REPO, value: shop/config}, {name: DB, value: 'db:5432'}]\n",
        "volumeMounts: [{name: shop/data, mountPath: '/data:ro'}]\n",
    ],
)
def test_what_is_another_thing_s_is_no_pin(text: str) -> None:
    assert named(text) == {}
