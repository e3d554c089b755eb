"""Which pins a bump finds, and what is said of those that it cannot set."""

import pytest

from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values

OTHER = "registry.example.com/team/other"
OTHER_FILE = "apps/other/envs/staging/values.yaml"
TAG_ONLY = "image:\n  tag: 1.0.0\n"


def base(image: str = APP) -> str:
    return f"image:\n  repository: {image}\n"


def changed(result: object) -> list[tuple[str, str, str]]:
    """Application, file and path of the changes in a result."""
    assert isinstance(result, dict)
    return [(change["app"], change["file"], change["path"]) for change in result["changes"]]


def test_every_pin_of_the_image_gets_the_tag(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    two = values("1.0.0") + f"jobs:\n  - name: migrate\n    image: {APP}:1.0.0\n"
    gitops = make_gitops({STAGING_FILE: two, OTHER_FILE: values("1.0.0"), "apps/app/envs/prod/values.yaml": two})

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert changed(result) == [
        ("app", STAGING_FILE, "image.tag"),
        ("app", STAGING_FILE, "jobs[0].image"),
        ("other", OTHER_FILE, "image.tag"),
    ]
    assert gitops.git("diff", "--name-only", "main", result["branch"]).split() == [STAGING_FILE, OTHER_FILE]


@pytest.mark.parametrize("spelling", ["redis", "library/redis", "docker.io/redis", "index.docker.io/library/redis"])
def test_docker_hub_has_many_spellings(make_gitops: GitopsMaker, bumper: CommandLine, spelling: str) -> None:
    make_gitops({STAGING_FILE: values("7.0", "redis")})

    result = bumper.bump("staging", f"{spelling}:7.2", "--dry-run")

    assert result["changes"][0]["image"] == "docker.io/library/redis"


def test_another_registry_is_another_image(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({STAGING_FILE: values("1.0.0")})

    message = bumper.refused("staging", "mirror.example.com/team/app:1.0.1")

    assert message.startswith("nothing in staging uses mirror.example.com/team/app; did you mean")
    assert APP in message


def test_nothing_uses_the_image(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.0.0")})

    message = bumper.refused("staging", "registry.example.com/team/ap:1.0.1")

    assert APP in message
    assert gitops.branches() == []


def test_allow_missing_makes_it_a_warning(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({STAGING_FILE: values("1.0.0")})

    alone = bumper.bump("staging", f"{OTHER}:2", "--allow-missing")
    beside = bumper.bump("staging", f"{OTHER}:2", f"{APP}:1.0.1", "--allow-missing")

    assert alone["status"] == "unchanged"
    assert beside["status"] == "proposed"
    for result in (alone, beside):
        assert len(result["warnings"]) == 1
        assert OTHER in result["warnings"][0]


def test_one_image_of_two_that_nothing_uses_refuses_both(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.0.0")})

    message = bumper.refused("staging", f"{APP}:1.0.1", f"{OTHER}:2")

    assert OTHER in message
    assert gitops.branches() == []


def test_several_images_make_one_proposal(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.0.0"), OTHER_FILE: values("2.0.0", OTHER)})

    result = bumper.bump("staging", f"{APP}:1.0.1", f"{OTHER}:2.0.1")
    swapped = bumper.bump("staging", f"{OTHER}:2.0.1", f"{APP}:1.0.1")

    assert [change["to"]["tag"] for change in result["changes"]] == ["1.0.1", "2.0.1"]
    assert len(gitops.git("rev-list", f"main..{result['branch']}").split()) == 1
    assert swapped["merge_request"] == result["merge_request"] | {"action": "unchanged"}


def test_app_narrows_a_bump(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    files = {f"apps/{app}/envs/staging/values.yaml": values("1.0.0") for app in ("app-eu", "app-us", "other")}
    make_gitops(files)

    one = bumper.bump("staging", f"{APP}:1.0.1", "--app", "other")
    glob = bumper.bump("staging", f"{APP}:1.0.1", "--app", "app-*")

    assert [change["app"] for change in one["changes"]] == ["other"]
    assert [change["app"] for change in glob["changes"]] == ["app-eu", "app-us"]
    assert one["branch"] != glob["branch"]


def test_app_names_are_one_request_in_any_order_and_number(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({f"apps/{app}/envs/staging/values.yaml": values("1.0.0") for app in ("a", "b")})

    first = bumper.bump("staging", f"{APP}:1.0.1", "--app", "a", "--app", "b", "--dry-run")
    again = bumper.bump("staging", f"{APP}:1.0.1", "--app", "b", "--app", "a", "--app", "b", "--dry-run")

    assert first["branch"] == again["branch"]


def test_an_app_that_is_not_there_is_refused_with_the_known_ones(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({STAGING_FILE: values("1.0.0"), OTHER_FILE: values("2.0.0", OTHER)})

    assert "'nobody'" in (message := bumper.refused("staging", f"{APP}:1.0.1", "--app", "nobody"))
    assert "app, other" in message


def test_an_unknown_environment_is_refused_with_the_known_ones(gitops: Gitops, bumper: CommandLine) -> None:
    message = bumper.refused("stagging", f"{APP}:1.0.1")

    assert "'stagging'" in message
    assert "dev, staging, prod" in message
    assert gitops.branches() == []


def test_an_overlay_takes_its_repository_from_the_base(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({"apps/app/values.yaml": base(), STAGING_FILE: TAG_ONLY})

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert changed(result) == [("app", STAGING_FILE, "image.tag")]
    assert gitops.read("apps/app/values.yaml", result["branch"]) == base()


def test_a_tag_that_only_the_base_has_is_refused_with_the_lines_to_add(
    make_gitops: GitopsMaker, bumper: CommandLine
) -> None:
    gitops = make_gitops({"apps/app/values.yaml": values("1.0.0"), STAGING_FILE: "replicas: 2\n"})

    message = bumper.refused("staging", f"{APP}:1.0.1")

    assert "apps/app/values.yaml:3: image.tag" in message
    assert STAGING_FILE in message
    assert '  image:\n    tag: "1.0.1"' in message
    assert gitops.branches() == []


def test_an_absent_tag_is_refused_with_the_lines_to_add(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({STAGING_FILE: base()})

    message = bumper.refused("staging", f"{APP}:1.0.1")

    assert message.startswith(f"{STAGING_FILE}:2: image.tag cannot be set")
    assert message.endswith('add\n  image:\n    tag: "1.0.1"')


def test_pins_that_cannot_be_set_are_warnings_beside_those_that_can(
    make_gitops: GitopsMaker, bumper: CommandLine
) -> None:
    absent = "apps/absent/envs/staging/values.yaml"
    gitops = make_gitops(
        {
            STAGING_FILE: values("1.0.0"),
            absent: base(),
            "apps/based/values.yaml": values("1.0.0"),
            "apps/based/envs/staging/values.yaml": "replicas: 2\n",
            "apps/template/envs/staging/values.yaml": values('"{{ .Values.tag }}"'),
        }
    )

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert changed(result) == [("app", STAGING_FILE, "image.tag")]
    told = "\n".join(result["warnings"])
    assert len(result["warnings"]) == 3
    assert f"{absent}:2: image.tag" in told
    assert "apps/based/values.yaml:3: image.tag" in told
    assert "apps/template/envs/staging/values.yaml:3: image.tag" in told
    assert gitops.git("diff", "--name-only", "main", result["branch"]).split() == [STAGING_FILE]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"image: [unclosed\n", "not valid YAML", id="not YAML"),
        pytest.param(b"image:\n  tag: \xff\n", "not UTF-8", id="not UTF-8"),
        pytest.param(b"image:\n  tag: x\nsops:\n  mac: ENC[x]\n", "SOPS", id="SOPS"),
    ],
)
def test_a_broken_file_elsewhere_is_a_warning(
    make_gitops: GitopsMaker, bumper: CommandLine, content: bytes, said: str
) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.0.0"), OTHER_FILE: content})

    ran = bumper("bump", "staging", f"{APP}:1.0.1", "--no-verify", code=0)

    assert ran.err.startswith(f"warning: {OTHER_FILE}:")
    assert said in ran.err
    assert len(gitops.merge_requests()) == 1


def test_the_broken_file_is_named_where_nothing_uses_the_image(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({STAGING_FILE: "image: [unclosed\n"})

    assert f"{STAGING_FILE}:" in bumper.refused("staging", f"{APP}:1.0.1")


def test_a_symbolic_link_is_left_alone_and_told_of(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.0.0")})
    clone = gitops.person()
    link = clone.folder / OTHER_FILE
    link.parent.mkdir(parents=True)
    link.symlink_to("../../../app/envs/staging/values.yaml")
    clone.git("add", OTHER_FILE)
    clone.git("commit", "--quiet", "-m", "Link")
    clone.git("push", "--quiet", "origin", "main")

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert changed(result) == [("app", STAGING_FILE, "image.tag")]
    assert [warning.partition(":")[0] for warning in result["warnings"]] == [OTHER_FILE]
    assert "symbolic link" in result["warnings"][0]
    assert gitops.git("ls-tree", result["branch"], OTHER_FILE).startswith("120000 ")


def test_the_consumers_of_an_anchor_are_told_of(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({STAGING_FILE: values("&tag 1.0.0") + "env:\n  VERSION: *tag\n"})

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert gitops.read(STAGING_FILE, result["branch"]) == values("&tag 1.0.1") + "env:\n  VERSION: *tag\n"
    assert [warning for warning in result["warnings"] if "env.VERSION" in warning]


def test_bumper_yaml_names_the_image_of_a_bare_tag(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    config = f"images:\n  - image: {APP}\n    path: worker.version\n    apps: [app]\n"
    bare = "worker:\n  version: 1.0.0\n"
    make_gitops({"bumper.yaml": config, STAGING_FILE: bare, OTHER_FILE: bare})

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert changed(result) == [("app", STAGING_FILE, "worker.version")]
    assert result["changes"][0]["image"] == APP


def test_an_ignored_image_is_refused(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({"bumper.yaml": "ignore: ['registry.example.com/*']\n", STAGING_FILE: values("1.0.0")})

    message = bumper.refused("staging", f"{APP}:1.0.1")

    assert APP in message
    assert "ignore" in message


def test_an_ignored_image_is_not_among_the_nearest_names(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({"bumper.yaml": f"ignore: [{OTHER}]\n", STAGING_FILE: values("1.0.0"), OTHER_FILE: values("1", OTHER)})

    message = bumper.refused("staging", "registry.example.com/team/othr:1.0.1")

    assert OTHER not in message


def test_a_file_name_in_another_encoding_is_shown(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.0.0")})
    clone = gitops.person()
    blob = clone.git("rev-parse", f"HEAD:{STAGING_FILE}")
    latin = "apps/caf\udce9/envs/staging/values.yaml"
    clone.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{latin}")
    clone.git("commit", "--quiet", "-m", "Latin 1")
    clone.git("push", "--quiet", "origin", "main")

    result = bumper.bump("staging", f"{APP}:1.0.1")
    text = bumper("bump", "staging", f"{APP}:1.0.1", "--no-verify", "-v", code=0)

    assert len(result["changes"]) == 2
    assert "envs/staging/values.yaml:3" in text.out
    assert len(gitops.git("diff", "--name-only", "main", result["branch"]).splitlines()) == 2


def test_pins_in_argo_cds_manifests_are_like_others(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    manifest = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      parameters:\n"
        f"      - {{name: image.repository, value: {APP}}}\n      - {{name: image.tag, value: 1.0.0}} # pinned\n"
    )
    config = "environments: {staging: {values: 'argocd/{app}-staging.yaml'}}\n"
    gitops = make_gitops({"argocd/app-staging.yaml": manifest, "bumper.yaml": config})

    done = bumper.bump("staging", f"{APP}:1.10")

    assert [(change["app"], change["path"]) for change in done["changes"]] == [
        ("app", "spec.source.helm.parameters[1].value")
    ]
    assert gitops.read("argocd/app-staging.yaml", done["branch"]) == manifest.replace("1.0.0", '"1.10"')


@pytest.mark.parametrize(
    ("config", "web"), [("", f"repository: {OTHER}, "), (f"images: [{{image: {OTHER}, path: web.tag}}]\n", "")]
)
def test_a_tag_shared_with_another_image_moves_only_when_both_are_asked_for(
    make_gitops: GitopsMaker, bumper: CommandLine, config: str, web: str
) -> None:
    shared = f"web: {{{web}tag: &release 1.0.0}}\napi: {{repository: {APP}, tag: *release}}\n"
    make_gitops({"bumper.yaml": config, STAGING_FILE: shared})

    message = bumper.refused("staging", f"{APP}:1.0.1")
    result = bumper.bump("staging", f"{APP}:1.0.1", f"{OTHER}:1.0.1")

    assert "api.tag" in message
    assert f"web.tag in line 1, a pin of {OTHER}" in message
    assert {path for _, _, path in changed(result)} == {"web.tag", "api.tag"}


def test_every_place_whose_value_changes_is_listed(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    text = f"release: &release 1.0.0\nlabels: {{version: *release}}\napi: {{repository: {APP}, tag: *release}}\n"
    gitops = make_gitops({STAGING_FILE: text})

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert [path for _, _, path in changed(result)] == ["api.tag", "release", "labels.version"]
    assert any("labels.version changes too" in warning for warning in result["warnings"])
    (merge_request,) = gitops.merge_requests("opened")
    assert "labels.version" in merge_request["description"]


def test_a_pin_that_holds_a_digest_only_is_bumped_by_its_digest(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    old, new = f"sha256:{'1a' * 32}", f"sha256:{'2b' * 32}"
    gitops = make_gitops({STAGING_FILE: f"image:\n  repository: {APP}\n  digest: {old}\n"})

    result = bumper.bump("staging", f"{APP}@{new}")

    assert gitops.read(STAGING_FILE, result["branch"]) == f"image:\n  repository: {APP}\n  digest: {new}\n"
    assert result["changes"][0]["to"] == {"tag": None, "digest": new}
