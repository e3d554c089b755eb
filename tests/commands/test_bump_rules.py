"""What bumper.yaml demands, and that nothing on a command line loosens it."""

import pytest

from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, GitopsMaker, values

PATTERN = "apps/{app}/envs/staging/values.yaml"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"


def staging(*lines: str) -> str:
    """A bumper.yaml whose staging has these further keys."""
    return "\n".join(["environments:", "  staging:", f"    values: {PATTERN}", *(f"    {line}" for line in lines), ""])


def test_promote_from_refuses_a_bump(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    dev = "  dev:\n    values: apps/{app}/envs/dev/values.yaml\n"
    gitops = make_gitops({"bumper.yaml": staging("promote_from: [dev]") + dev, STAGING_FILE: values("1.0.0")})

    message = bumper.refused("staging", f"{APP}:1.0.1")

    assert "`bumper promote dev staging`" in message
    assert gitops.branches() == []


@pytest.mark.parametrize(("tag", "code"), [("1.0.1", 0), ("1.0.1-rc1", 1), ("x1.0.1", 1)])
def test_tags_must_match_as_a_whole(make_gitops: GitopsMaker, bumper: CommandLine, tag: str, code: int) -> None:
    make_gitops({"bumper.yaml": staging(r"tags: '\d+\.\d+\.\d+'"), STAGING_FILE: values("1.0.0")})

    bumper.bump("staging", f"{APP}:{tag}", code=code)


def test_one_tag_that_may_not_enter_refuses_the_whole_request(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    other = "registry.example.com/team/other"
    both = values("1.0.0") + f"sidecar: {other}:1.0.0\n"
    gitops = make_gitops({"bumper.yaml": staging(r"tags: '\d+\.\d+\.\d+'"), STAGING_FILE: both})

    message = bumper.refused("staging", f"{APP}:1.0.1", f"{other}:latest")

    assert f"{other}:latest" in message
    assert gitops.branches() == []


def test_digests_are_written_beside_the_tag(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({"bumper.yaml": staging("digests: true"), STAGING_FILE: values("1.0.0")})

    result = bumper.bump("staging", f"{APP}:1.0.1@{DIGEST}")

    assert gitops.read(STAGING_FILE, result["branch"]) == values(f"1.0.1@{DIGEST}")
    assert result["changes"][0]["to"] == {"tag": "1.0.1", "digest": DIGEST}


def test_the_digests_own_key_is_taken_where_there_is_one(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    before = values("1.0.0") + '  digest: ""\n'
    gitops = make_gitops({"bumper.yaml": staging("digests: true"), STAGING_FILE: before})

    result = bumper.bump("staging", f"{APP}:1.0.1@{DIGEST}")

    assert gitops.read(STAGING_FILE, result["branch"]) == values("1.0.1") + f'  digest: "{DIGEST}"\n'


def test_an_unknown_digest_is_refused_where_digests_are_demanded(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({"bumper.yaml": staging("digests: true"), STAGING_FILE: values("1.0.0")})

    assert "digest" in bumper.refused("staging", f"{APP}:1.0.1")


def test_a_digest_is_in_the_result_though_not_in_the_values(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.0.0")})

    result = bumper.bump("staging", f"{APP}:1.0.1@{DIGEST}")

    assert gitops.read(STAGING_FILE, result["branch"]) == values("1.0.1")
    assert result["changes"][0]["to"] == {"tag": "1.0.1", "digest": DIGEST}


def test_without_bumper_yaml_nothing_is_pushed_to_the_branch(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.0.0")})
    before = gitops.tip()

    message = bumper.refused("staging", f"{APP}:1.0.1", "--delivery", "commit")

    assert "bumper.yaml" in message
    assert gitops.tip() == before


def test_the_option_does_not_loosen_delivery(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({"bumper.yaml": staging("delivery: merge-request"), STAGING_FILE: values("1.0.0")})
    before = gitops.tip()

    message = bumper.refused("staging", f"{APP}:1.0.1", "--delivery", "commit")

    assert "delivery" in message
    assert gitops.tip() == before


def test_the_option_tightens_delivery(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({"bumper.yaml": staging("delivery: commit"), STAGING_FILE: values("1.0.0")})

    assert bumper.bump("staging", f"{APP}:1.0.1", "--delivery", "merge-request")["status"] == "proposed"


def test_labels_and_reviewers_of_bumper_yaml_are_added_to(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    config = staging("labels: [deploy, staging]", "reviewers: [alice]")
    gitops = make_gitops({"bumper.yaml": config, STAGING_FILE: values("1.0.0")})
    gitops.sandbox.choose(tier="premium")

    bumper.bump("staging", f"{APP}:1.0.1", "--label", "urgent", "--reviewer", "bob")

    [one] = gitops.merge_requests()
    assert sorted(one["labels"]) == ["deploy", "staging", "urgent"]
    assert sorted(person["username"] for person in one["reviewers"]) == ["alice", "bob"]


def test_bumper_yaml_counts_as_it_stands_on_the_target_branch(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({"bumper.yaml": staging("tags: '[0-9.]+'"), STAGING_FILE: values("1.0.0")})
    gitops.person().push_branch("loose", staging(), path="bumper.yaml")

    on_main = bumper.bump("staging", f"{APP}:latest", code=1)
    on_loose = bumper.bump("staging", f"{APP}:latest", "--branch", "loose")

    assert "may not enter" in on_main["error"]["message"]
    assert on_loose["status"] == "proposed"


def test_a_mistake_in_bumper_yaml_names_the_line(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({"bumper.yaml": staging("delivry: commit"), STAGING_FILE: values("1.0.0")})

    message = bumper.refused("staging", f"{APP}:1.0.1")

    assert message.startswith("bumper.yaml:4:")
    assert "delivry" in message


def test_the_branch_prefix_of_bumper_yaml(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({"bumper.yaml": "branch_prefix: feature/deploy-\n", STAGING_FILE: values("1.0.0")})

    assert bumper.bump("staging", f"{APP}:1.0.1")["branch"].startswith("feature/deploy-bump-staging-app-")
