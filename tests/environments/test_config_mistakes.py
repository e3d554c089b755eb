"""Mistakes in bumper.yaml are told with their line and what would be right."""

import json

import pytest

from bumper.environments.config import parse_config
from bumper.errors import Refused


def refusal(text: str) -> str:
    with pytest.raises(Refused) as caught:
        parse_config(text.encode())
    return str(caught.value)


def environment(lines: str) -> str:
    """A bumper.yaml whose line 4 is the first of ``lines``, in the environment prod."""
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    return f"environments:\n  prod:\n    values: prod/values.yaml\n{body}  staging: {{values: staging/values.yaml}}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("environmets: {}", "bumper.yaml:1: environmets: is not a key here; did you mean environments? Known: "),
        ("\nlabels: [deploy]", "bumper.yaml:2: labels: is a key of an environment; move it below environments"),
        ("x: 1", "bumper.yaml:1: x: is not a key here; known: values, base, exclude, registry, environments, "),
        ("[1]", "bumper.yaml:1: is a list, but keys with values are expected."),
        ("environments", "bumper.yaml:1: is the text 'environments', but keys with values are expected."),
        ("environments:\n\tdev:", "bumper.yaml:2: a tab, but YAML is indented with spaces; correct the YAML there."),
        ("environments: {}", "bumper.yaml:1: environments: is empty; give it an entry or remove the key."),
        ("\nenvironments:", "bumper.yaml:2: environments: is empty; give it a value or remove the line."),
        ("environments:\n  dev:", "bumper.yaml:2: environments.dev: is empty, but keys with values are expected."),
        ("environments:\n  prod: {values: a}\n  dev: {}", "bumper.yaml:3: environments.dev: needs the key values."),
        (
            "environments:\n  dev: {valuse: a}",
            "environments.dev.valuse: is not a key here; did you mean values? Known: ",
        ),
        (
            "environments:\n  a/b: {values: x}",
            "bumper.yaml:2: environments[\"a/b\"]: 'a/b' is not an environment name; ",
        ),
        ("environments:\n  ..: {values: x}", "bumper.yaml:2: environments[\"..\"]: '..' is not an environment name; "),
        (
            environment("labels: deploy"),
            "environments.prod.labels: is the text 'deploy', but a list is expected; write [deploy].",
        ),
        (environment("labels: ['a,b']"), "environments.prod.labels[0]: 'a,b' contains a comma; write labels as a list"),
        (environment("reviewers: ['@alice']"), "prod.reviewers[0]: '@alice' is not a user name; write it without @"),
        (
            environment("auto_merge: yes"),
            "bumper.yaml:4: environments.prod.auto_merge: is the text 'yes', but true or false",
        ),
        (environment("auto_merge: 1"), "environments.prod.auto_merge: is the number 1, but true or false is expected."),
        (environment("steady: soon"), "prod.steady: 'soon' is not a duration; write seconds, or 90s, 10m, 2h, 1d."),
        (environment("steady: true"), "prod.steady: 'True' is not a duration; write seconds, or 90s, 10m, 2h, 1d."),
        (environment("steady: -5"), "prod.steady: '-5' is not a duration; write seconds, or 90s, 10m, 2h, 1d."),
        (environment("steady: [1]"), "prod.steady: '[1]' is not a duration; write seconds, or 90s, 10m, 2h, 1d."),
        (environment("soak: two hours"), "prod.soak: 'two hours' is not a duration; write seconds, or 90s, 10m"),
        (
            environment("freeze: Friday"),
            "prod.freeze: is the text 'Friday'; write gitlab, or a list of periods: [{from",
        ),
        (environment("freeze: []"), "prod.freeze: is an empty list; write gitlab, or a list of periods: "),
        (environment("freeze: [gitlab]"), "freeze[0]: is the text 'gitlab', but keys with values are expected."),
        (
            environment("freeze:\n- from: Fri 17:00\n  to: Mon 09:00"),
            "bumper.yaml:5: environments.prod.freeze[0]: needs the key timezone.",
        ),
        (
            environment("freeze:\n- {from: Fri 17:00, until: Mon 09:00, to: Mon 09:00, timezone: UTC}"),
            "freeze[0].until: is not a key here; known: from, to, timezone.",
        ),
        (
            environment("freeze:\n- from: Fri 25:00\n  to: Mon 09:00\n  timezone: UTC"),
            "bumper.yaml:5: environments.prod.freeze[0].from: 'Fri 25:00' is not a time: 25:00 is not between",
        ),
        (
            environment("freeze: [{from: 17:00, to: Mon 09:00, timezone: UTC}]"),
            "'17:00' is not a time of a freeze; write Fri",
        ),
        (
            environment("freeze: [{from: 2026-12-28, to: 2027-01-10 09:00, timezone: UTC}]"),
            "freeze; write Fri 17:00, or 2026-",
        ),
        (
            environment("freeze: [{from: 2026-02-30 10:00, to: Mon 1:00, timezone: UTC}]"),
            "10:00' is not a time: day is out",
        ),
        (
            environment("freeze: [{from: Fry 17:00, to: Mon 09:00, timezone: UTC}]"),
            "Fry is not a day of the week; write",
        ),
        (
            environment("freeze: [{from: Fri 17:00, to: 2026-12-28 09:00, timezone: UTC}]"),
            "freeze[0]: goes from 'Fri 17:00' to '2026-12-28 09:00'; write a day of the week for both, or",
        ),
        (
            environment("freeze: [{from: 2026-12-28 09:00, to: 2026-12-27 09:00, timezone: UTC}]"),
            "freeze[0]: ends at 2026-12-27 09:00, which is not after its beginning, 2026-12-28 09:00.",
        ),
        (
            environment("freeze: [{from: Fri 17:00, to: Mon 09:00, timezone: Moscow}]"),
            "timezone: 'Moscow' is not an IANA time zone; write one like Europe/Moscow (did you mean Europe/Moscow?).",
        ),
        (
            environment("tags:"),
            "bumper.yaml:4: environments.prod.tags: is empty; give it a value or remove the line.",
        ),
        (
            environment("tags: 1.0"),
            "environments.prod.tags: is the number 1.0, but text is expected; put it in quotes.",
        ),
        (environment("tags: [a]"), "bumper.yaml:4: environments.prod.tags: is a list, but text is expected."),
        (
            environment("tags: 'v(\\d+'"),
            "bumper.yaml:4: environments.prod.tags: 'v(\\\\d+' is not a regular expression (missing )",
        ),
        (
            environment("tags: 'a{99999999999}'"),
            "environments.prod.tags: 'a{99999999999}' is not a regular expression (",
        ),
        (
            environment("delivery: push"),
            "environments.prod.delivery: is the text 'push', but 'merge-request' or 'commit' is expected.",
        ),
        (
            environment("promote_from: staging"),
            "prod.promote_from: is the text 'staging', but a list is expected; write [staging].",
        ),
        (environment("promote_from: []"), "prod.promote_from: is empty; give it an entry or remove the key."),
        (
            environment("promote_from: [prod]"),
            "promote_from[0]: prod cannot be promoted from itself; name another environment.",
        ),
        (
            environment("promote_from:\n  - staging\n  - stagin"),
            "bumper.yaml:6: environments.prod.promote_from[1]: there is no environment 'stagin'; did you mean staging?",
        ),
        (
            environment("base: []"),
            "bumper.yaml:4: environments.prod.base: is empty; give it an entry or remove the key.",
        ),
        (environment("base: /a.yaml"), "bumper.yaml:4: environments.prod.base: '/a.yaml' starts with a slash; "),
        (environment("base: a//b"), "environments.prod.base: 'a//b' has an empty part; "),
        (environment("base: a/"), "environments.prod.base: 'a/' has an empty part; "),
        (environment("base: a/../b"), "environments.prod.base: 'a/../b' has the part '.' or '..'; "),
        (environment("base: ./b"), "environments.prod.base: './b' has the part '.' or '..'; "),
        (environment("base: a**/b"), "environments.prod.base: 'a**/b' has '**' inside a part; "),
        (
            environment('base: "{envs}/b"'),
            "environments.prod.base: '{envs}/b' has the unknown placeholder {envs}; known are {app} and {env}",
        ),
        (environment('base: "{app}/{app}"'), "environments.prod.base: '{app}/{app}' has {app} twice; "),
        (
            environment("base:\n  - a.yaml\n  - 7"),
            "bumper.yaml:6: environments.prod.base[1]: is the number 7, but text is",
        ),
        (
            environment("argocd: https://a.b"),
            "environments.prod.argocd: is the text 'https://a.b', but keys with values are",
        ),
        (
            environment("argocd: {server: a.b, application: x}"),
            "argocd.server: 'a.b' is not an address; write one like https://",
        ),
        (
            environment("argocd: {server: 'https://a:x/', application: x}"),
            "argocd.server: 'https://a:x/' is not an address; ",
        ),
        (
            environment("argocd: {server: 'https://a', applicaton: x}"),
            "argocd.applicaton: is not a key here; did you mean application?",
        ),
        (
            environment("argocd: {server: 'https://a', application: '{env}'}"),
            "application: has the unknown placeholder {env}; ",
        ),
        ("images: [{image: a/b}]", "bumper.yaml:1: images[0]: needs the key path."),
        (
            "images:\n- {image: 'a/b:1', path: tag}",
            "bumper.yaml:2: images[0].image: 'a/b:1' has a tag or a digest; write 'a/b'.",
        ),
        (
            "images: [{image: A/b c, path: tag}]",
            "images[0].image: 'A/b c' is not an image; write registry/repository in lower",
        ),
        (
            "images: [{image: a, path: 'b..c'}]",
            "images[0].path: 'b..c' is not a path at '..c'; write one like worker.image.tag",
        ),
        (
            environment("") + "images:\n- {image: a, path: b, environments: [prd]}",
            "environments[0]: there is no environment 'prd'; ",
        ),
        ("values: apps/{app}.yaml", "bumper.yaml:1: values: names no environment; put {env} in the place of its name."),
        (
            "values: ['{app}/{env}.yaml', '{app}/all.yaml']",
            "values[1]: '{app}/all.yaml' would be every environment's; put {env} in it, or name it as base.",
        ),
        ("values: 'a*b*c*d*e/{env}.yaml'", "'a*b*c*d*e/{env}.yaml' has more than 3 of '*' in one part or of '**'; "),
        ("base: '{app}/base.yaml'", "bumper.yaml:1: base: has no values beside it; "),
        ("exclude: '{app}/x'", "bumper.yaml:1: exclude: '{app}/x' has the placeholder {app}; write * for any name."),
        (environment("at: a..b"), "environments.prod.at: 'a..b' is not a path at '..b'; write a path like prod or "),
        (environment("at: '{app}.{app}'"), "prod.at: '{app}.{app}' has {app} twice; write it once."),
        ("registry: https://a.b", "bumper.yaml:1: registry: 'https://a.b' is not a registry; write its host"),
        ("bots: ['@bot']", "bots[0]: '@bot' is not a user name; write it without @ and blanks, like alice."),
        ("images: [{image: 'a/{env}', path: t}]", "images[0].image: has the unknown placeholder {env}; known: {app}."),
        ("images: [{image: [], path: t}]", "images[0].image: is empty; give it an entry or remove the key."),
        (
            "images:\n- {image: a, path: t}\n- {image: b, path: u}\n- {image: c, path: t, apps: [x]}",
            "bumper.yaml:4: images[2]: images[0] has the path 't' too; make `image` of the first a list, or say by ",
        ),
        ("same_as: [[a.b/c]]", "bumper.yaml:1: same_as[0]: has one entry only; write at least 2."),
        ("same_as: [[a.b/c, a.b/c]]", "same_as[0][1]: a.b/c is listed twice; name it once."),
        ("same_as: [[a.b/c/, a.b]]", "same_as[0][0]: 'a.b/c/' ends in a slash; write 'a.b/c'."),
        ("same_as: [[library, a.b]]", "same_as[0][0]: 'library' is not a registry; write its host"),
        ("same_as: [[index.docker.io, a.b]]", "same_as[0][0]: 'index.docker.io' is known as 'docker.io'; write that."),
        ("ignore: redis", "bumper.yaml:1: ignore: is the text 'redis', but a list is expected; write [redis]."),
        (
            "ignore: ['redis:7']",
            "ignore[0]: 'redis:7' has a tag or a digest, but all of a repository is left alone; write 'redis'.",
        ),
        (
            "registries:\n  https://a.b: {insecure: true}",
            "'https://a.b' is not a registry host; write host or host:port, ",
        ),
        ("registries: {A.b: {insecure: true}}", "'A.b' is known as 'a.b'; write that."),
        ("registries: {a.b: {insecur: true}}", '["a.b"].insecur: is not a key here; did you mean insecure? '),
        ("branch_prefix: ''", "bumper.yaml:1: branch_prefix: '' cannot start a branch's name; write one like bumper/"),
        (
            "commit_message: '{defualt}'",
            "commit_message: has the unknown placeholder {defualt}; known: {default}.",
        ),
        ('commit_message: "a\\nb"', "commit_message: is 'a\\nb'; write one line without blanks around it."),
        ("author: bumper", "bumper.yaml:1: author: 'bumper' is not an author; write 'Name <name@example.com>'."),
        ("ignore: [a]\nignore: [b]", "bumper.yaml:2: "),
        ("ignore: [a", "bumper.yaml:"),
        ("ignore: [a]\n---\nignore: [b]", "bumper.yaml:3: a second document starts here, but one is allowed"),
        ("ignore: *a", "bumper.yaml:1: "),
        ("&a ignore: *a", "bumper.yaml:1: "),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_right(text: str, message: str) -> None:
    said = refusal(text)

    assert said.startswith("bumper.yaml:")
    assert message in said
    assert said.endswith(".")
    assert "\n" not in said


def test_an_empty_values_list_is_refused() -> None:
    assert "environments.dev.values: is empty" in refusal("environments: {dev: {values: []}}")


@pytest.mark.parametrize(
    "prefix",
    ["-x/", "/x", "a b", "a..b", "a~", "a:", "a?", "a*", "a[", "a\\", "x.lock", ".x", "a//", "a/.b", "é\x85"],
)
def test_a_prefix_that_git_would_refuse_is_refused(prefix: str) -> None:
    assert "cannot start a branch's name" in refusal(f"branch_prefix: {json.dumps(prefix)}")


def test_every_mistake_is_reported_in_the_order_of_the_lines() -> None:
    lines = refusal(
        "environments:\n  prod:\n    valuse: a\n    promote_from: [stagin]\n    tags: '('\n  staging: {values: b}\n"
        "author: x\n"
    ).splitlines()

    assert [line.split("; ")[0] for line in lines] == [
        "bumper.yaml:3: environments.prod.valuse: is not a key here",
        "bumper.yaml:4: environments.prod.promote_from[0]: there is no environment 'stagin'",
        "bumper.yaml:5: environments.prod.tags: '(' is not a regular expression (missing ) at position 1)",
        "bumper.yaml:7: author: 'x' is not an author",
    ]
    assert all("; " in line for line in lines)


def test_a_password_in_the_address_of_argo_cd_is_not_shown() -> None:
    said = refusal(environment("argocd: {server: 'https://me:s3cret@a.b', application: x}"))

    assert "set ARGOCD_AUTH_TOKEN" in said
    assert "s3cret" not in said


def test_a_value_behind_an_alias_is_read_and_its_mistake_found() -> None:
    written = "environments:\n  a: &a\n    values: a/values.yaml\n    digests: {}\n  b: *a\n"

    config = parse_config(written.replace("{}", "true").encode())
    assert config.environments["b"].digests
    assert refusal(written).startswith("bumper.yaml:4: environments.a.digests: is a mapping, but true or false")


def test_bytes_that_are_not_utf_8_are_told_with_their_line() -> None:
    with pytest.raises(Refused, match=r"^bumper\.yaml:2: the file is not UTF-8; save it as UTF-8\.$"):
        parse_config("ignore:\n- ä".encode("latin-1"))


def test_deep_nesting_is_refused() -> None:
    assert refusal("[" * 5_000 + "]" * 5_000).startswith("bumper.yaml:1: ")


def test_aliases_that_would_fill_the_memory_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 12)]

    assert refusal("\n".join(lines)).startswith("bumper.yaml:")
