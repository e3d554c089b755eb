"""Repositories as they are in real life: which application, which environment, which file; through the command line."""

import pytest

from tests.support.command_line import CommandLine, Ran
from tests.support.gitops import APP, GitopsMaker, values

OTHER = "registry.example.com/blue/fork"
ONE_LINE = 'values: "apps/{app}/envs/{env}/values.yaml"\n'


def tags(bumper: CommandLine, *environments: str) -> dict[str, dict[str, str]]:
    """What status shows: by environment the tag of every application."""
    shown = bumper("status", *environments, "--output", "json", code=0).json["environments"]
    return {name: {row["app"]: row["tag"] for row in rows} for name, rows in shown.items()}


def promote(bumper: CommandLine, *arguments: str, code: int = 0) -> Ran:
    return bumper("promote", *arguments, "--no-verify", "--dry-run", "--output", "json", code=code)


def moves(ran: Ran) -> list[tuple[str, str, str]]:
    return [(change["app"], change["file"], change["to"]["tag"]) for change in ran.json["changes"]]


def message(ran: Ran) -> str:
    text: str = ran.json["error"]["message"]
    return text


TEAMS = {
    "bumper.yaml": "environments:\n  dev: {values: 'teams/*/{app}/dev/values.yaml'}\n"
    "  prod: {values: 'teams/*/{app}/prod/values.yaml'}\n",
    "teams/red/api/dev/values.yaml": values("1.1.0"),
    "teams/red/api/prod/values.yaml": values("1.0.0"),
    "teams/blue/api/dev/values.yaml": values("7.0.0", OTHER),
    "teams/blue/api/prod/values.yaml": values("0.9.0"),
    "teams/blue/web/dev/values.yaml": values("3.0.0", OTHER),
    "teams/blue/web/prod/values.yaml": values("2.0.0", OTHER),
}


def test_a_team_s_version_goes_to_no_other_team(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops(TEAMS)

    assert moves(promote(bumper, "dev", "prod")) == [
        ("red/api", "teams/red/api/prod/values.yaml", "1.1.0"), ("web", "teams/blue/web/prod/values.yaml", "3.0.0"),
    ]  # fmt: skip
    assert tags(bumper)["dev"] == {"red/api": "1.1.0", "blue/api": "7.0.0", "web": "3.0.0"}


def test_app_finds_a_name_by_its_end_and_refuses_two(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops(TEAMS)

    for name in ("red/api", "red/*", "teams/red/api"[6:]):
        assert moves(promote(bumper, "dev", "prod", "--app", name))[0][0] == "red/api"
    assert moves(promote(bumper, "dev", "prod", "--app", "blue/web"))[0][0] == "web"
    assert moves(promote(bumper, "dev", "prod", "--app", "a*"))[0][0] == "red/api"
    assert "several applications 'api': blue/api, red/api; name one" in message(
        promote(bumper, "dev", "prod", "--app", "api", code=1)
    )
    for command in (["history", "prod"], ["hold", "prod"], ["rollback", "prod"]):
        assert "blue/api, red/api" in message(bumper(*command, "--app", "api", "--output", "json", code=1))
    assert "blue/api, red/api" in bumper.refused("prod", f"{APP}:2", "--app", "api")


def test_patterns_with_unequal_wildcards_match_by_the_name_where_one_bears_it(
    make_gitops: GitopsMaker, bumper: CommandLine
) -> None:
    files = {**TEAMS, "live/api.yaml": values("1"), "live/web.yaml": values("1", OTHER)}
    make_gitops({**files, "bumper.yaml": TEAMS["bumper.yaml"] + "  live: {values: 'live/{app}.yaml'}\n"})

    assert "api of live may be blue/api and red/api of dev; " in message(promote(bumper, "dev", "live", code=1))
    assert moves(promote(bumper, "dev", "live", "--app", "web")) == [("web", "live/web.yaml", "3.0.0")]
    assert [move[0] for move in moves(promote(bumper, "live", "dev", "--app", "web"))] == ["web"]


@pytest.mark.parametrize(
    ("pattern", "paths", "said"),
    [
        ("apps/{app}/*/prod.yaml", ["apps/api/eu/prod.yaml", "apps/api/us/prod.yaml"], "would both be called api"),
        ("prod/*.yaml", ["prod/api.yaml", "prod/web.yaml"], "cannot be told apart: both match prod/*.yaml"),
        ("prod/*-{app}.yaml", ["prod/red-api.yaml", "prod/blue-api.yaml"], "cannot be told apart"),
        ("[{app}/prod.yaml, '*/*/{app}.yaml']", ["api/prod.yaml", "a/b/api.yaml", "c/d/api.yaml"], "may belong to "),
    ],
)
def test_a_pattern_that_cannot_tell_files_apart_is_refused(
    make_gitops: GitopsMaker, bumper: CommandLine, pattern: str, paths: list[str], said: str
) -> None:
    quoted = pattern if pattern.startswith("[") else f"'{pattern}'"
    config = f"environments: {{prod: {{values: {quoted}}}}}\n"
    make_gitops({"bumper.yaml": config, **{path: values("1.0.0") for path in paths}})

    refused = bumper.refused("prod", f"{APP}:2")

    assert said in refused


def test_the_usual_repository_needs_one_line(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    paths = {f"apps/{app}/envs/{env}/values.yaml": values("1.0.0") for app in ("a", "b") for env in ("prd", "int")}
    make_gitops({"bumper.yaml": ONE_LINE, **paths, "apps/c/envs/_base/values.yaml": values("1.0.0")})

    assert tags(bumper) == {"int": {"a": "1.0.0", "b": "1.0.0"}, "prd": {"a": "1.0.0", "b": "1.0.0"}}
    assert len(bumper.bump("prd", f"{APP}:2")["changes"]) == 2


def test_entries_are_rules_of_the_environments_that_are_found(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    rules = ONE_LINE + (
        "base: [common.yaml, 'apps/{app}/{env}-base.yaml']\nexclude: apps/_template/**\n"
        "environments:\n  prod: {promote_from: [staging], tags: '\\d+'}\n"
    )
    files = {f"apps/{app}/envs/{env}/values.yaml": values("1") for app in ("a", "_template")
             for env in ("staging", "prod")}  # fmt: skip
    made = make_gitops({"bumper.yaml": rules, **files, "apps/a/prod-base.yaml": "x: 1\n", "common.yaml": "y: 1\n"})

    assert tags(bumper) == {"staging": {"a": "1"}, "prod": {"a": "1"}}
    assert "prod takes promotions only" in bumper.refused("prod", f"{APP}:2")
    made.push(rules.replace("  prod:", "  prd:"), "bumper.yaml")
    assert bumper.refused("staging", f"{APP}:2").startswith(
        "bumper.yaml:5: environments.prd: no file is found for it by apps/{app}/envs/{env}/values.yaml; "
    )
    made.push(rules.replace("[staging]", "[stagin]"), "bumper.yaml")
    assert "promote_from[0]: there is no environment 'stagin'; did you mean staging?" in bumper.refused("prod", "a:2")


def test_rules_apply_to_the_usual_layouts_too(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    made = make_gitops(
        {"bumper.yaml": "environments: {prod: {tags: 'v.*'}}\n", "apps/a/envs/prod/values.yaml": values("v1")}
    )

    assert "may not enter prod" in bumper.refused("prod", f"{APP}:2")
    made.push("environments: {prd: {tags: 'v.*'}}\n", "bumper.yaml")
    assert "environments.prd: no file is found for it by the usual layouts; did you mean prod?" in bumper.refused(
        "prod", f"{APP}:v2"
    )


def test_an_entry_s_own_values_take_files_out_of_the_pattern(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    config = "values: '{app}/{env}.yaml'\nenvironments: {prod: {values: '{app}/live.yaml'}}\n"
    make_gitops({"bumper.yaml": config, **{f"a/{name}.yaml": values(name) for name in ("live", "dev", "prod")}})

    assert tags(bumper) == {"dev": {"a": "dev"}, "prod": {"a": "live"}}


def test_a_base_is_no_environment(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    config = "values: 'charts/{app}/{env}.yaml'\nbase: 'charts/{app}/values.yaml'\n"
    make_gitops({"bumper.yaml": config, "charts/a/values.yaml": values("1"), "charts/a/dev.yaml": "image: {tag: v2}\n"})

    assert tags(bumper) == {"dev": {"a": "v2"}}


@pytest.mark.parametrize(
    ("pattern", "entries", "files", "found"),
    [
        ("{app}-{env}.yaml", "", ["api-dev.yaml", "api-prod-eu.yaml"], {"dev": ["api"], "prod-eu": ["api"]}),
        ("{env}-{app}.yaml", "", ["dev-my-api.yaml"], {"dev": ["my-api"]}),
        ("{app}-{env}.yaml", "  live-x: {}\n", ["my-api-live-x.yaml"], {"live-x": ["my-api"]}),
        ("**/{env}/**/v.yaml", "", ["a/prod/b/v.yaml"], {"prod": ["gitops"]}),
        ("envs/{env}/{app}.{env}.yaml", "", ["envs/x/a.x.yaml", "envs/x/a.y.yaml"], {"x": ["a"]}),
    ],
)
def test_an_environment_s_name_can_be_a_part_of_a_segment(
    make_gitops: GitopsMaker, bumper: CommandLine, pattern: str, entries: str, files: list[str],
    found: dict[str, list[str]],
) -> None:  # fmt: skip
    config = f"values: '{pattern}'\n" + (f"environments:\n{entries}" if entries else "")
    make_gitops({"bumper.yaml": config, **dict.fromkeys(files, values("1.0.0"))})

    assert {name: list(apps) for name, apps in tags(bumper).items()} == found


def test_a_path_that_can_be_read_in_two_ways_is_refused(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({"bumper.yaml": "values: '{app}-{env}.yaml'\n", "a-b-c.yaml": values("1.0.0")})

    said = message(bumper("status", "--output", "json", code=1))

    assert said.startswith("a-b-c.yaml can be read as environment b-c or c by {app}-{env}.yaml; name the right one")


SECTIONS = f"dev:\n  image: {{repository: {APP}, tag: '1.1'}}\nprod:\n  image:\n    repository: {APP}\n    tag: '1.0'\n"


def test_environments_can_be_sections_of_one_file(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    config = "values: 'apps/{app}/values.yaml'\nenvironments:\n  dev: {at: dev}\n  prod: {at: prod}\n"
    made = make_gitops({"bumper.yaml": config, "apps/api/values.yaml": SECTIONS})

    assert tags(bumper) == {"dev": {"api": "1.1"}, "prod": {"api": "1.0"}}
    done = bumper.bump("prod", f"{APP}:1.2")
    assert [(change["path"], change["app"]) for change in done["changes"]] == [("prod.image.tag", "api")]
    assert made.read("apps/api/values.yaml", done["branch"]) == SECTIONS.replace("1.0", "1.2")
    made.merge(done["merge_request"]["iid"])
    assert [one["changes"][0]["path"] for one in bumper("history", "prod", "--output", "json").json["deployments"]] == [
        "prod.image.tag"
    ]
    assert bumper("history", "dev", "--output", "json", code=0).json["deployments"] == []
    made.push(config.replace("at: prod", "at: live"), "bumper.yaml")
    assert "its files hold no image below live (at in bumper.yaml); correct that" in bumper.refused(
        "prod", f"{APP}:1.3"
    )
    made.push(config.replace("at: prod", "at: dev.prod"), "bumper.yaml")
    assert "belongs to two environments, dev and prod" in bumper.refused("prod", f"{APP}:1.3")
    assert bumper("status", code=1).err.count("belongs to two environments") == 1


def test_applications_can_be_keys_of_a_file(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    def shop(api: str, web: str) -> str:
        return f"global: {{x: 1}}\napi:\n{indented(values(api))}web:\n{indented(values(web, OTHER))}"

    config = "environments:\n" + "".join(
        f"  {name}: {{values: environments/{name}.yaml, at: '{{app}}'}}\n" for name in ("dev", "prod")
    )
    made = make_gitops({"bumper.yaml": config, "environments/dev.yaml": shop("1.1", "2.1"),
                        "environments/prod.yaml": shop("1.0", "2.0")})  # fmt: skip

    assert tags(bumper) == {"dev": {"api": "1.1", "web": "2.1"}, "prod": {"api": "1.0", "web": "2.0"}}
    assert moves(promote(bumper, "dev", "prod", "--app", "api")) == [("api", "environments/prod.yaml", "1.1")]
    for app in ("api", "web"):
        done = bumper("promote", "dev", "prod", "--app", app, "--no-verify", "--output", "json", code=0).json
        made.merge(done["merge_request"]["iid"])
    history = bumper("history", "prod", "--output", "json", code=0).json["deployments"]
    assert [one["changes"][0]["app"] for one in history] == ["web", "api"]
    undone = bumper("rollback", "prod", "--app", "api", "--no-verify", "--output", "json", code=0).json
    assert [(change["app"], change["to"]["tag"]) for change in undone["changes"]] == [("api", "1.0")]
    assert "has no application" not in bumper("hold", "prod", "--app", "web", code=0).err


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def test_one_tag_can_be_that_of_several_images(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    config = (
        "environments: {prod: {values: '{app}/prod.yaml'}}\nimages:\n"
        "- {image: [registry.example.com/shop/api, registry.example.com/shop/web], path: global.imageTag}\n"
        "- {image: 'registry.example.com/shop/{app}', path: worker_tag}\n"
    )
    make_gitops({"bumper.yaml": config, "a/prod.yaml": "global:\n  imageTag: '1.0'\nworker_tag: v1\n"})

    done = bumper.bump("prod", "registry.example.com/shop/web:1.2")
    assert [(change["image"], change["to"]["tag"]) for change in done["changes"]] == [
        ("registry.example.com/shop/web", "1.2"), ("registry.example.com/shop/api", "1.2"),
    ]  # fmt: skip
    assert "is one tag for registry.example.com/shop/api and registry.example.com/shop/web" in bumper.refused(
        "prod", "registry.example.com/shop/api:1.3", "registry.example.com/shop/web:1.2"
    )
    assert bumper.bump("prod", "registry.example.com/shop/a:v2")["changes"][0]["path"] == "worker_tag"


def test_an_entry_corrects_what_was_read_at_its_path(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    config = (
        "registry: registry.example.com\nenvironments: {prod: {values: '{app}/prod.yaml'}}\n"
        "images: [{image: team/app, path: image.tag}]\n"
    )
    make_gitops({"bumper.yaml": config, "a/prod.yaml": values("1", "other/thing") + "side: {image: 'team/side:1'}\n"})

    shown = bumper("status", "--output", "json", code=0).json["environments"]["prod"]
    assert [row["image"] for row in shown] == [APP, "registry.example.com/team/side"]
    assert len(bumper.bump("prod", f"{APP}:2")["changes"]) == 1


def test_a_hold_counts_in_all_files_and_an_idle_one_is_warned_of(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    config = "environments: {prod: {values: ['{app}/all.yaml', '{app}/prod.yaml'], base: '{app}/base.yaml'}}\n"
    held = values("1.0.0").replace("tag: 1.0.0", "tag: 1.0.0 # bumper: hold until Monday")
    idle = "# bumper: hold everything\nimage: # bumper: hold here\n  tag: 1.0.0\n  note: '# bumper: hold'\n"
    make_gitops({"bumper.yaml": config, "a/all.yaml": idle, "a/prod.yaml": values("1.0.0"), "a/base.yaml": held})

    done = bumper.bump("prod", f"{APP}:2")

    assert done["status"] == "held"
    assert {one["reason"] for one in done["held"]} == {"until Monday (held in a/base.yaml:3)"}
    warned = [warning for warning in done["warnings"] if "looks like a hold but holds nothing" in warning]
    assert [warning.split(": ")[0] for warning in warned] == ["a/all.yaml:1", "a/all.yaml:2"]
    assert "a/all.yaml:1" in bumper("status", "--output", "json", code=0).out
    unheld = bumper("unhold", "prod", "--app", "a", "--output", "json", code=0).json
    assert "a/prod.yaml: image.tag stays held: until Monday (held in a/base.yaml:3)." in unheld["warnings"]


INHERITED = """\
environments:
  dev: {values: 'apps/{app}/values.yaml'}
  prod:
    values: 'apps/{app}/values-prod.yaml'
    base: 'apps/{app}/values.yaml'
"""


def inheriting(make_gitops: GitopsMaker, rules: str, prod: str = "replicas: 3\n") -> None:
    make_gitops(
        {
            "bumper.yaml": f"{INHERITED}{rules}", "apps/api/values.yaml": values("v1.0.0"),
            "apps/api/values-prod.yaml": prod,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "prod", "why"),
    [
        ("    promote_from: [dev]\n", "replicas: 3\n", "prod takes promotions from dev only (promote_from)"),
        ("    tags: 'v\\d+'\n", "replicas: 3\n", "prod does not admit snapshot (tags)"),
        ("", "image:\n  repository: registry.example.com/team/app\n", None),
        ("    tags: 'v\\d+'\n", "image:\n  tag: v1.0.0\n", ""),
    ],
)
def test_a_bump_does_not_reach_another_environment_past_its_rules(
    make_gitops: GitopsMaker, bumper: CommandLine, rules: str, prod: str, why: str | None
) -> None:
    inheriting(make_gitops, rules, prod)

    if why:
        refused = bumper.refused("dev", f"{APP}:snapshot")
        assert refused.startswith(
            "apps/api/values.yaml:3: image.tag is what prod of api runs too, because the file is "
        )
        assert refused.endswith(
            f'but {why}; to keep prod as it is add to apps/api/values-prod.yaml\n  image:\n    tag: "v1.0.0"'
        )
        back = bumper("rollback", "dev", "--to", "snapshot", "--no-verify", "--output", "json", code=1)
        assert message(back) == refused
    else:
        done = bumper.bump("dev", f"{APP}:snapshot")
        assert len(done["changes"]) == 1
        assert any("prod gets snapshot as well" in warning for warning in done["warnings"]) == (why is None)


GUARDED_SECTIONS = """\
environments:
  dev: {values: 'apps/{app}/values.yaml', at: dev}
  prod: {values: 'apps/{app}/values.yaml', at: prod, promote_from: [dev]}
"""


@pytest.mark.parametrize("shared", [False, True])
def test_a_bump_does_not_reach_another_section_of_its_file_through_an_anchor(
    make_gitops: GitopsMaker, bumper: CommandLine, *, shared: bool
) -> None:
    image = f"image: {{repository: {APP}, tag:"
    prod = "*tag" if shared else "v1.0.0"
    make_gitops(
        {
            "bumper.yaml": GUARDED_SECTIONS,
            "apps/api/values.yaml": f"dev: {{{image} &tag v1.0.0}}}}\nprod: {{{image} {prod}}}}}\n",
        }
    )

    if shared:
        assert bumper.refused("dev", f"{APP}:v1.0.1") == (
            "apps/api/values.yaml:1: dev.image.tag shares an anchor with prod.image.tag of prod, but prod takes "
            "promotions from dev only (promote_from); give each its own value."
        )
    else:
        assert len(bumper.bump("dev", f"{APP}:v1.0.1")["changes"]) == 1


def test_doctor_names_inherited_files_and_patterns_without_files(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    config = INHERITED.replace("'apps/{app}/values.yaml'\n", "['apps/{app}/values.yaml', 'common/*.yaml']\n")
    config += "  qa: {values: 'apps/{app}/values-qa.yaml', base: 'apps/{app}/values.yaml'}\n"
    files = {"apps/a/values.yaml": values("1"), "apps/a/values-prod.yaml": "x: 1\n", "apps/a/values-qa.yaml": "x: 1\n"}
    make_gitops({"bumper.yaml": config, **files})

    checks = bumper("doctor", "--no-verify", "--output", "json").json["checks"]

    found = {(check["name"], check["found"]) for check in checks}
    assert ("environment prod", "no file matches common/*.yaml") in found
    for heir in ("prod", "qa"):
        assert any(name == "environment dev" and f"is also a base of {heir}:" in text for name, text in found)


@pytest.mark.parametrize("config", ["", "environments: {prod: {values: 'apps/{app}/prod/values.yaml'}}\n"])
def test_what_argo_cd_sets_in_a_file_of_its_own_is_told(
    make_gitops: GitopsMaker, bumper: CommandLine, config: str
) -> None:
    source = "helm:\n  parameters:\n  - name: image.tag\n    value: '1.0'\n"
    files = {"apps/api/prod/values.yaml": values("0.9"), "apps/api/prod/.argocd-source-api-prod.yaml": source}
    made = make_gitops({**files, **({"bumper.yaml": config} if config else {})})
    told = (
        "apps/api/prod/.argocd-source-api-prod.yaml:3: Argo CD sets image.tag of api by helm.parameters here, above "
        "apps/api/prod/values.yaml"
    )

    assert any(warning.startswith(told) for warning in bumper.bump("prod", f"{APP}:1.1")["warnings"])
    checks = bumper("doctor", "--no-verify", "--output", "json").json["checks"]
    assert ("Argo CD overrides", told) in {(check["name"], check["found"]) for check in checks}
    made.push("environments: {prod: {values: ['apps/{app}/prod/values.yaml', 'apps/{app}/prod/.argocd-source*.yaml']}}",
              "bumper.yaml")  # fmt: skip
    assert [change["from"]["tag"] for change in bumper.bump("prod", f"{APP}:1.1", "--reopen")["changes"]] == [
        "0.9",
        "1.0",
    ]


def test_an_environment_that_is_broken_stops_no_other(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    patterns = {"dev": "dev/*.yaml", "qa": "qa/{app}/*/v.yaml", "prod": "prod/{app}.yaml"}
    config = "environments:\n" + "".join(f"  {name}: {{values: '{text}'}}\n" for name, text in patterns.items())
    broken = dict.fromkeys(["dev/a.yaml", "dev/b.yaml", "qa/a/x/v.yaml", "qa/a/y/v.yaml"], values("1"))
    make_gitops({"bumper.yaml": config, **broken, "prod/a.yaml": values("1")})

    assert len(bumper.bump("prod", f"{APP}:2")["changes"]) == 1
    assert tags(bumper) == {"prod": {"a": "1"}}
    assert "cannot be told apart" in bumper.refused("dev", f"{APP}:2")
    assert "would both be called a (a/x and a/y)" in bumper.refused("qa", f"{APP}:2")
