"""A promotion carries the digest that the source was given, and refuses a tag that means another by now."""

import pytest

from tests.support.gitops import values
from tests.support.people import person
from tests.support.verified import DIGEST, MOVED, OLD, OPEN, PROD, REPOSITORY, STAGING, Serve, Verified, VerifiedMaker

PROMOTE = ("promote", "staging", "prod")
DEMANDED = """\
environments:
  staging:
    values: apps/{app}/envs/staging/values.yaml
    delivery: merge-request
  prod:
    values: apps/{app}/envs/prod/values.yaml
    digests: true
"""


def of(tag: str) -> str:
    return values(tag, "{image}")


def deployed(make: VerifiedMaker, prod: str = of("0.9.0"), config: str | None = None) -> Verified:
    """The registry's image was bumped to staging; the tag alone stands in its values."""
    files = {STAGING: of("0.9.0"), PROD: prod} | ({"bumper.yaml": config} if config is not None else {})
    made = make(files)
    made.merged("bump", "staging", f"{made.image}:1.0.0")
    made.registry.seen.clear()
    return made


def by_hand(make: VerifiedMaker, staging: str, prod: str = of("0.9.0"), config: str | None = None) -> Verified:
    """No bump has been here, so nothing is recorded."""
    files = {STAGING: staging, PROD: prod} | ({"bumper.yaml": config} if config is not None else {})
    return make(files)


def proposed(made: Verified, *arguments: str) -> str:
    """The file as the promotion proposes it."""
    text = made.gitops.read(PROD, made.run(*PROMOTE, *arguments)["branch"])
    return text.replace(made.image, "{image}")


def test_the_recorded_digest_is_carried(make_verified: VerifiedMaker) -> None:
    made = deployed(make_verified, config=DEMANDED)

    result = made.run(*PROMOTE)

    assert result["warnings"] == []
    assert result["changes"][0]["to"] == {"tag": "1.0.0", "digest": DIGEST}
    assert made.gitops.read(PROD, result["branch"]) == values(f"1.0.0@{DIGEST}", made.image)


@pytest.mark.parametrize("delivery", ["commit", "merge-request"])
def test_the_record_is_found_however_it_was_delivered(make_verified: VerifiedMaker, delivery: str) -> None:
    config = DEMANDED.replace("delivery: merge-request", f"delivery: {delivery}")
    made = by_hand(make_verified, of("0.9.0"), config=config)
    done = made.run("bump", "staging", f"{made.image}:1.0.0")
    if done["merge_request"] is not None:
        made.gitops.merge(done["merge_request"]["iid"])
    made.registry.digest_header = MOVED

    assert DIGEST in made.refused(*PROMOTE)


def test_a_tag_that_moved_is_refused_with_both_digests(make_verified: VerifiedMaker) -> None:
    made = deployed(make_verified)
    made.registry.digest_header = MOVED

    message = made.refused(*PROMOTE)

    assert message == (
        f"{made.image}:1.0.0 means {MOVED} now, but {DIGEST} when it was deployed to the source; deploy it there "
        "again, or add --allow-moved."
    )


@pytest.mark.parametrize(
    ("prod", "config", "expected"),
    [
        (of("0.9.0"), None, of("1.0.0")),
        (of("0.9.0"), DEMANDED, of(f"1.0.0@{DIGEST}")),
        (of(f"0.9.0@{OLD}"), None, of(f"1.0.0@{DIGEST}")),
    ],
)
def test_a_tag_that_moved_is_allowed(
    make_verified: VerifiedMaker, prod: str, config: str | None, expected: str
) -> None:  # fmt: skip
    made = deployed(make_verified, prod, config)
    made.registry.digest_header = MOVED

    assert proposed(made, "--allow-moved") == expected


def test_a_digest_that_was_deployed_again_is_the_record(make_verified: VerifiedMaker) -> None:
    made = deployed(make_verified)
    made.merged("bump", "staging", f"{made.image}:0.9.0", "--no-verify")
    made.registry.digest_header = MOVED
    made.merged("bump", "staging", f"{made.image}:1.0.0")

    assert made.run(*PROMOTE)["changes"][0]["to"]["digest"] == MOVED


def test_the_digest_in_the_sources_values_counts(make_verified: VerifiedMaker) -> None:
    made = by_hand(make_verified, of(f"1.0.0@{DIGEST}"))
    assert proposed(made) == of(f"1.0.0@{DIGEST}")

    made.registry.digest_header = MOVED
    message = made.run(*PROMOTE, code=1)["error"]["message"]
    assert DIGEST in message
    assert MOVED in message


@pytest.mark.parametrize(
    ("prod", "config", "expected"),
    [
        (of("0.9.0"), None, of("1.0.0")),
        (of("0.9.0"), DEMANDED, of(f"1.0.0@{DIGEST}")),
        (of(f"0.9.0@{OLD}"), None, of(f"1.0.0@{DIGEST}")),
    ],
)
def test_without_a_record_it_is_resolved_now_with_a_warning(
    make_verified: VerifiedMaker, prod: str, config: str | None, expected: str
) -> None:
    made = by_hand(make_verified, of("1.0.0"), prod, config)

    result = made.run(*PROMOTE)

    assert result["warnings"] == [
        f"no record says which digest {made.image}:1.0.0 had in staging; it is {DIGEST} now."
    ]  # fmt: skip
    assert result["changes"][0]["to"]["digest"] == DIGEST
    assert made.gitops.read(PROD, result["branch"]).replace(made.image, "{image}") == expected


def test_a_missing_image_is_refused(make_verified: VerifiedMaker) -> None:
    made = by_hand(make_verified, of("1.0.1"))

    assert made.refused(*PROMOTE) == (
        f"the registry has no {made.image}:1.0.1; check the tag, or push the image first."
    )  # fmt: skip


def test_a_registry_that_is_down_is_unavailable(make_verified: VerifiedMaker) -> None:
    made = by_hand(make_verified, of("1.0.0"))
    made.go_away()

    message = made.refused(*PROMOTE, code=4)

    assert made.registry.host in message
    assert "--no-verify" in message
    assert proposed(made, "--no-verify") == of("1.0.0")


def test_no_verify_still_writes_the_recorded_digest(make_verified: VerifiedMaker) -> None:
    made = deployed(make_verified, config=DEMANDED)

    assert proposed(made, "--no-verify") == of(f"1.0.0@{DIGEST}")
    assert not made.was_asked


def land_by_hand(made: Verified, tag: str, digest: str) -> None:
    """A person's commit to staging, with a record as bumper writes one."""
    clone = made.gitops.person()
    record = f"Bumper-Command: bump\nBumper-Environment: staging\nBumper-Image: {made.image}:1.0.0@{digest}\n"
    clone.commit(values(tag, made.image) + "replicas: 2\n", STAGING, f"More replicas\n\n{record}")
    clone.git("push", "--quiet", "origin", "HEAD:main")


@pytest.mark.parametrize(
    ("prod", "expected"), [(of("0.9.0"), of("1.0.0")), (of(f"0.9.0@{OLD}"), of("1.0.0"))], ids=["tag", "digest"]
)
def test_a_digest_that_a_person_recorded_is_never_written_unasked(
    make_verified: VerifiedMaker, prod: str, expected: str
) -> None:
    made = by_hand(make_verified, of("0.9.0"), prod)
    land_by_hand(made, "1.0.0", MOVED)

    result = made.run(*PROMOTE, "--no-verify")

    assert made.gitops.read(PROD, result["branch"]).replace(made.image, "{image}") == expected
    assert MOVED not in str(result["changes"])
    if prod != of("0.9.0"):
        assert "was not written with this token" in result["warnings"][0]
    assert MOVED in made.refused(*PROMOTE)  # and with the registry it is compared


def test_a_digest_that_a_person_recorded_is_none_where_digests_are_demanded(make_verified: VerifiedMaker) -> None:
    made = by_hand(make_verified, of("0.9.0"), config=DEMANDED)
    land_by_hand(made, "1.0.0", MOVED)

    assert "leave --no-verify out" in made.refused(*PROMOTE, "--no-verify")


def test_a_record_in_a_commit_that_sets_no_such_tag_is_none(make_verified: VerifiedMaker) -> None:
    made = deployed(make_verified, config=DEMANDED)
    land_by_hand(made, "1.0.0", MOVED)  # which changes other lines only

    assert proposed(made) == of(f"1.0.0@{DIGEST}")


def test_an_edited_record_that_a_person_merged_is_none(make_verified: VerifiedMaker) -> None:
    made = by_hand(make_verified, of("0.9.0"), config=DEMANDED)
    branch = made.run("bump", "staging", f"{made.image}:1.0.0")["branch"]
    message = made.gitops.git("log", "-1", "--format=%B", branch).replace(DIGEST, MOVED)
    person(made.gitops, "mallory").amend(values("1.0.0", made.image), STAGING, branch, message)
    made.gitops.merge(1)

    assert "leave --no-verify out" in made.refused(*PROMOTE, "--no-verify")
    assert proposed(made) == of(f"1.0.0@{DIGEST}")


def test_a_demanded_digest_that_nobody_knows_is_refused(make_verified: VerifiedMaker) -> None:
    made = by_hand(make_verified, of("1.0.0"), config=DEMANDED)

    assert "leave --no-verify out" in made.refused(*PROMOTE, "--no-verify")


def test_what_differs_not_is_not_asked_for(make_verified: VerifiedMaker) -> None:
    made = by_hand(make_verified, of("1.0.0"), of("1.0.0"))

    assert made.run(*PROMOTE)["status"] == "unchanged"
    assert not made.was_asked


def test_the_targets_own_registry_is_asked(make_verified: VerifiedMaker, serve: Serve) -> None:
    production = serve(OPEN)
    files = {STAGING: of("0.9.0"), PROD: values("0.9.0", f"{production.host}/{REPOSITORY}")}
    made = make_verified(files | {"bumper.yaml": f"same_as:\n  - ['{{image}}', '{production.host}/{REPOSITORY}']\n"})
    made.merged("bump", "staging", f"{made.image}:1.0.0")
    made.registry.seen.clear()

    assert made.run(*PROMOTE, "--dry-run")["changes"][0]["to"]["digest"] == DIGEST
    assert not made.was_asked
    production.digest_header = MOVED
    assert f"{production.host}/{REPOSITORY}:1.0.0 means {MOVED} now, but {DIGEST}" in made.refused(*PROMOTE)
