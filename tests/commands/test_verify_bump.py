"""A bump asks the registry before anything is pushed, and remembers the digest that it saw."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from bumper.records.record import read_comment
from tests.registry.asking import docker_auth, login
from tests.registry.fake_registry import DIGEST, PASSWORD, Behaviour, Reply
from tests.support.gitops import values
from tests.support.verified import MOVED, OLD, OPEN, REPOSITORY, STAGING, Serve, Verified, VerifiedMaker

DEMANDED = "environments:\n  staging:\n    values: apps/{app}/envs/staging/values.yaml\n    digests: true\n"
BY_COMMIT = "environments:\n  staging:\n    values: apps/{app}/envs/staging/values.yaml\n    delivery: commit\n"


def pinned(tag: str, image: str = "{image}") -> str:
    return values(tag, image)


def with_key(tag: str, digest: str) -> str:
    return pinned(tag) + f'  digest: "{digest}"\n'


def string(tag: str) -> str:
    return f"web:\n  image: {{image}}:{tag}\n"


def app(make: VerifiedMaker, before: str = "0.9.0", behaviour: Behaviour = OPEN) -> Verified:
    return make({STAGING: pinned(before)}, behaviour)


def bump(made: Verified, tag: str = "1.0.0") -> tuple[str, ...]:
    return ("bump", "staging", f"{made.image}:{tag}")


def test_the_digest_is_recorded_though_the_values_hold_none(make_verified: VerifiedMaker) -> None:
    made = app(make_verified)

    result = made.run(*bump(made))

    assert made.gitops.read(STAGING, result["branch"]) == values("1.0.0", made.image)
    assert result["changes"][0]["to"] == {"tag": "1.0.0", "digest": DIGEST}
    message = made.gitops.git("log", "-1", "--format=%B", result["branch"])
    assert f"Bumper-Image: {made.image}:1.0.0@{DIGEST}\n" in message
    [request] = made.gitops.merge_requests()
    record = read_comment(request["description"])
    assert record is not None
    assert [str(image) for image in record.images] == [f"{made.image}:1.0.0@{DIGEST}"]


def test_a_missing_image_is_refused(make_verified: VerifiedMaker) -> None:
    made = app(make_verified)

    message = made.refused(*bump(made, "1.0.1"))

    assert message == f"the registry has no {made.image}:1.0.1; check the tag, or push the image first."


def test_a_missing_image_is_not_pushed_to_the_branch_either(make_verified: VerifiedMaker) -> None:
    made = make_verified({"bumper.yaml": BY_COMMIT, STAGING: pinned("0.9.0")})

    assert "the registry has no" in made.refused(*bump(made, "1.0.1"))
    assert made.run(*bump(made))["status"] == "committed"


def test_one_missing_image_refuses_all_of_them(make_verified: VerifiedMaker, serve: Serve) -> None:
    other = serve(OPEN)
    sidecar = f"sidecar:\n  image: {other.host}/{REPOSITORY}:0.9.0\n"
    made = make_verified({STAGING: pinned("0.9.0") + sidecar})

    message = made.refused(*bump(made), f"{other.host}/{REPOSITORY}:1.0.1")

    assert f"{other.host}/{REPOSITORY}:1.0.1" in message
    assert made.was_asked


def test_a_registry_that_is_down_is_unavailable(make_verified: VerifiedMaker) -> None:
    made = app(make_verified)
    made.go_away()

    message = made.refused(*bump(made), code=4)

    assert made.registry.host in message
    assert "--no-verify" in message
    unverified = made.run(*bump(made), "--no-verify")
    assert unverified["changes"][0]["to"] == {"tag": "1.0.0", "digest": None}


def test_a_registry_that_answers_with_an_error_is_unavailable(make_verified: VerifiedMaker) -> None:
    made = app(make_verified)
    made.registry.replies = [Reply(503)] * 100

    message = made.refused(*bump(made), code=4)

    assert "503 Service Unavailable" in message
    assert "--no-verify" in message


def each_app(texts: Sequence[str]) -> dict[str, str]:
    """Every text as the values of an application of its own: one bump sets them all."""
    return {f"apps/app{number}/envs/staging/values.yaml": text for number, text in enumerate(texts)}


def read_each(made: Verified, files: Mapping[str, str]) -> dict[str, str]:
    return {path: made.gitops.read(path).replace(made.image, "{image}") for path in files}


def test_demanded_digests_are_written(make_verified: VerifiedMaker) -> None:
    table = {
        pinned("0.9.0"): pinned(f"1.0.0@{DIGEST}"),
        pinned("1.0.0"): pinned(f"1.0.0@{DIGEST}"),
        pinned(f"0.9.0@{OLD}"): pinned(f"1.0.0@{DIGEST}"),
        with_key("0.9.0", ""): with_key("1.0.0", DIGEST),
        with_key("1.0.0", OLD): with_key("1.0.0", DIGEST),
        string("0.9.0"): string(f"1.0.0@{DIGEST}"),
    }
    files = each_app(list(table))
    made = make_verified({"bumper.yaml": DEMANDED, **files})

    made.merged(*bump(made))

    assert read_each(made, files) == each_app(list(table.values()))
    assert made.run(*bump(made))["status"] == "unchanged"


def test_a_digest_that_stands_there_is_set(make_verified: VerifiedMaker) -> None:
    table = {
        pinned("0.9.0"): pinned("1.0.0"),
        with_key("0.9.0", ""): with_key("1.0.0", ""),
        pinned(f"0.9.0@{OLD}"): pinned(f"1.0.0@{DIGEST}"),
        with_key("0.9.0", OLD): with_key("1.0.0", DIGEST),
        string(f"0.9.0@{OLD}"): string(f"1.0.0@{DIGEST}"),
    }
    files = each_app(list(table))
    made = make_verified(files)

    made.merged(*bump(made))

    assert read_each(made, files) == each_app(list(table.values()))
    assert made.run(*bump(made))["status"] == "unchanged"


@pytest.mark.parametrize("write", [lambda digest: pinned(f"1.0.0@{digest}"), lambda digest: with_key("1.0.0", digest)])
def test_the_digest_of_a_tag_that_moved_is_set(make_verified: VerifiedMaker, write: Callable[[str], str]) -> None:
    made = make_verified({STAGING: write(OLD)})

    made.merged(*bump(made))

    assert made.gitops.read(STAGING) == write(DIGEST).replace("{image}", made.image)


def test_a_digest_that_nobody_was_asked_for_is_cleared(make_verified: VerifiedMaker) -> None:
    table = {pinned(f"0.9.0@{OLD}"): pinned("1.0.0"), with_key("0.9.0", OLD): with_key("1.0.0", "")}
    files = each_app(list(table))
    made = make_verified(files)

    made.merged(*bump(made), "--no-verify")

    assert read_each(made, files) == each_app(list(table.values()))
    assert not made.was_asked


def test_a_demanded_digest_that_nobody_was_asked_for_is_refused(make_verified: VerifiedMaker) -> None:
    made = make_verified({"bumper.yaml": DEMANDED, STAGING: pinned("0.9.0")})

    message = made.refused(*bump(made), "--no-verify")

    assert f"{made.image}:1.0.0" in message
    assert "leave --no-verify out" in message


def test_an_image_that_is_there_already_is_not_asked_for(make_verified: VerifiedMaker) -> None:
    made = app(make_verified, "1.0.0")

    assert made.run(*bump(made))["status"] == "unchanged"
    assert not made.was_asked


@pytest.mark.parametrize("files", [{}, {"bumper.yaml": DEMANDED}])
def test_an_image_that_nothing_uses_is_not_asked_for(make_verified: VerifiedMaker, files: dict[str, str]) -> None:
    made = make_verified({**files, STAGING: pinned("0.9.0", "registry.example.com/other")})

    assert made.run(*bump(made), "--allow-missing")["status"] == "unchanged"
    assert not made.was_asked


def test_a_digest_that_was_given_must_be_the_tags(make_verified: VerifiedMaker) -> None:
    made = app(make_verified)

    message = made.refused("bump", "staging", f"{made.image}:1.0.0@{MOVED}")

    assert f"{made.image}:1.0.0 is {DIGEST} in the registry, not {MOVED}" in message


def test_a_tag_that_moves_updates_the_open_merge_request(make_verified: VerifiedMaker) -> None:
    made = app(make_verified)
    made.run(*bump(made))
    made.registry.digest_header = MOVED

    result = made.run(*bump(made))

    assert result["merge_request"]["action"] == "updated"
    assert result["changes"][0]["to"] == {"tag": "1.0.0", "digest": MOVED}


def test_a_dry_run_asks_too(make_verified: VerifiedMaker) -> None:
    made = app(make_verified)

    assert made.run(*bump(made), "--dry-run")["changes"][0]["to"]["digest"] == DIGEST
    assert "the registry has no" in made.refused(*bump(made, "1.0.1"), "--dry-run")


def test_a_login_is_found_where_docker_keeps_it(make_verified: VerifiedMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    gitlab = Behaviour("GitLab", REPOSITORY, realm="/jwt/auth", service="container_registry", user="ci")
    made = app(make_verified, behaviour=gitlab)
    for name, value in login(made.registry.host, "ci").items():
        monkeypatch.setenv(name, value)

    ran = made.bumper(*bump(made), code=0)

    assert "proposed" in ran.out
    assert PASSWORD not in ran.out + ran.err


def test_a_refused_login_is_unavailable(make_verified: VerifiedMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    made = app(make_verified, behaviour=Behaviour("Distribution", REPOSITORY, scheme="Basic", realm="Registry"))
    for name, value in login(made.registry.host, "ci", "wr0ng-guess").items():
        monkeypatch.setenv(name, value)

    message = made.refused(*bump(made), code=4)

    assert "401 Unauthorized" in message
    assert "--no-verify" in message
    assert "wr0ng-guess" not in message


def test_a_broken_docker_configuration_is_named(make_verified: VerifiedMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    made = app(make_verified)
    for name, value in docker_auth({"auths": []}).items():
        monkeypatch.setenv(name, value)

    assert "DOCKER_AUTH_CONFIG" in made.refused(*bump(made))
