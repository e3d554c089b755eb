"""The same request again, and what others did in between."""

import json
from threading import Thread
from urllib.parse import quote

import pytest

from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values

OTHER_FILE = "apps/other/envs/staging/values.yaml"
SPACED = "replicas: 1\n\n\n\n\n\n\n\n" + values("1.0.0")


@pytest.fixture
def gitops(make_gitops: GitopsMaker) -> Gitops:
    return make_gitops({STAGING_FILE: SPACED, OTHER_FILE: values("2.0.0", "registry.example.com/team/other")})


def test_the_same_again_touches_nothing(gitops: Gitops, bumper: CommandLine) -> None:
    first = bumper.bump("staging", f"{APP}:1.0.1")
    updated_at = gitops.merge_requests()[0]["updated_at"]
    requests = len(gitops.sandbox.requests)

    again = bumper.bump("staging", f"{APP}:1.0.1")

    assert again == first | {"merge_request": first["merge_request"] | {"action": "unchanged"}}
    assert gitops.merge_requests()[0]["updated_at"] == updated_at
    asked = {method for method, path in gitops.sandbox.requests[requests:] if "/api/" in path}
    assert asked == {"GET"}


def test_a_newer_tag_moves_the_same_merge_request_on(gitops: Gitops, bumper: CommandLine) -> None:
    first = bumper.bump("staging", f"{APP}:1.0.1")
    by_hand = gitops.push("replicas: 3\n", "docs/unrelated.yaml")

    newer = bumper.bump("staging", f"{APP}:1.0.2")

    assert newer["branch"] == first["branch"]
    assert newer["merge_request"] == first["merge_request"] | {"action": "updated"}
    [one] = gitops.merge_requests("all")
    assert one["title"] == "app 1.0.0 -> 1.0.2 in staging"
    assert "`1.0.0` | `1.0.2`" in one["description"]
    assert one["sha"] == newer["commit"]
    assert gitops.git("rev-parse", f"{newer['commit']}^").strip() == by_hand
    assert "tag: 1.0.2\n" in gitops.read(STAGING_FILE, newer["branch"])


def test_a_moved_digest_of_the_same_tag_moves_it_on_too(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    old, new = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
    gitops = make_gitops({STAGING_FILE: values(f"main@sha256:{'0' * 64}")}, "team/digests")
    bumper.bump("staging", f"{APP}:main@{old}")

    moved = bumper.bump("staging", f"{APP}:main@{new}")

    assert moved["merge_request"]["action"] == "updated"
    assert gitops.read(STAGING_FILE, moved["branch"]) == values(f"main@{new}")


def test_a_change_elsewhere_in_the_file_leaves_the_proposal_alone(gitops: Gitops, bumper: CommandLine) -> None:
    first = bumper.bump("staging", f"{APP}:1.0.1")
    gitops.push(SPACED.replace("replicas: 1", "replicas: 5"), STAGING_FILE)

    again = bumper.bump("staging", f"{APP}:1.0.1")

    assert again["merge_request"]["action"] == "unchanged"
    assert again["commit"] == first["commit"] == gitops.tip(first["branch"])


def test_a_proposal_that_conflicts_is_made_again_from_the_tip(gitops: Gitops, bumper: CommandLine) -> None:
    first = bumper.bump("staging", f"{APP}:1.0.2")
    by_hand = gitops.push(SPACED.replace("tag: 1.0.0", "tag: 1.0.1"), STAGING_FILE)

    again = bumper.bump("staging", f"{APP}:1.0.2")

    assert again["branch"] == first["branch"]
    assert again["merge_request"]["action"] == "updated"
    assert again["changes"][0]["from"]["tag"] == "1.0.1"
    assert gitops.git("rev-parse", f"{again['commit']}^").strip() == by_hand
    gitops.merge(1)
    assert "tag: 1.0.2\n" in gitops.read(STAGING_FILE)


def test_after_the_merge_nothing_is_left_to_do(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1")
    gitops.merge(1)

    again = bumper.bump("staging", f"{APP}:1.0.1")

    assert again["status"] == "unchanged"
    assert gitops.branches() == []
    assert len(gitops.merge_requests("all")) == 1


def test_the_next_tag_after_a_merge_gets_a_new_merge_request(gitops: Gitops, bumper: CommandLine) -> None:
    first = bumper.bump("staging", f"{APP}:1.0.1")
    gitops.merge(1)

    second = bumper.bump("staging", f"{APP}:1.0.2")

    assert second["branch"] == first["branch"]
    assert (second["merge_request"]["iid"], second["merge_request"]["action"]) == (2, "opened")


def test_going_back_to_what_the_branch_has_closes_the_proposal(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1")

    back = bumper.bump("staging", f"{APP}:1.0.0")

    assert back["status"] == "unchanged"
    assert back["merge_request"] is None
    assert [one["iid"] for one in gitops.merge_requests("closed")] == [1]
    assert gitops.comments(1) == ["Closed by bumper, because the target branch holds the requested tags."]
    assert any("!1" in warning for warning in back["warnings"])


def test_what_bumper_closed_itself_is_proposed_again(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1")
    bumper.bump("staging", f"{APP}:1.0.0")

    again = bumper.bump("staging", f"{APP}:1.0.1")

    assert again["status"] == "proposed"
    assert [one["state"] for one in gitops.merge_requests("all")] == ["opened", "closed"]


def test_a_dry_run_closes_nothing(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1")

    bumper.bump("staging", f"{APP}:1.0.0", "--dry-run")

    assert len(gitops.merge_requests("opened")) == 1


def test_a_wider_request_closes_the_one_that_it_covers(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1")

    wide = bumper.bump("staging", f"{APP}:1.0.2", "registry.example.com/team/other:2.0.1")

    assert wide["merge_request"]["iid"] == 2
    assert [one["iid"] for one in gitops.merge_requests("opened")] == [2]
    assert gitops.comments(1) == ["Closed by bumper, because !2 contains all of its changes."]


def test_a_narrower_request_leaves_the_wider_one_open(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1", "registry.example.com/team/other:2.0.1")

    bumper.bump("staging", f"{APP}:1.0.2")

    assert [one["iid"] for one in gitops.merge_requests("opened")] == [2, 1]


def test_a_covered_merge_request_with_a_persons_commit_stays_open(gitops: Gitops, bumper: CommandLine) -> None:
    narrow = bumper.bump("staging", f"{APP}:1.0.1")
    gitops.push("note: mine\n", "notes.yaml", narrow["branch"])

    bumper.bump("staging", f"{APP}:1.0.2", "registry.example.com/team/other:2.0.1")

    assert [one["iid"] for one in gitops.merge_requests("opened")] == [2, 1]


def test_a_merge_request_that_a_person_made_is_never_closed(gitops: Gitops, bumper: CommandLine) -> None:
    clone = gitops.person()
    clone.push_branch("bumper/mine", values("3.0.0"), path=STAGING_FILE)
    gitops.api.open("bumper/mine")

    bumper.bump("staging", f"{APP}:1.0.1")

    assert [one["source_branch"] for one in gitops.merge_requests("opened")][1] == "bumper/mine"


def test_a_persons_commit_on_the_branch_is_not_overwritten(gitops: Gitops, bumper: CommandLine) -> None:
    branch = bumper.bump("staging", f"{APP}:1.0.1")["branch"]
    theirs = gitops.push(values("1.0.1") + "more: true\n", STAGING_FILE, branch)

    message = bumper.refused("staging", f"{APP}:1.0.2")

    assert branch in message
    assert "Dora <dora@example.org>" in message
    assert gitops.tip(branch) == theirs


def test_a_persons_branch_of_that_name_is_not_overwritten(gitops: Gitops, bumper: CommandLine) -> None:
    branch = bumper.bump("staging", f"{APP}:1.0.1", "--dry-run")["branch"]
    theirs = gitops.person().push_branch(branch, values("3.0.0"), path=STAGING_FILE)

    message = bumper.refused("staging", f"{APP}:1.0.1")

    assert "Dora <dora@example.org>" in message
    assert gitops.tip(branch) == theirs


def test_a_persons_commit_below_bumpers_on_a_branch_left_behind(gitops: Gitops, bumper: CommandLine) -> None:
    branch = bumper.bump("staging", f"{APP}:1.0.1")["branch"]
    clone = gitops.person(branch)
    clone.git("reset", "--quiet", "--hard", "origin/main")
    clone.commit("note: mine\n", "notes.yaml")
    clone.git("cherry-pick", f"origin/{branch}")
    clone.git("push", "--quiet", "--force", "origin", f"HEAD:{branch}")
    gitops.close(1)

    message = bumper.refused("staging", f"{APP}:1.0.2")

    assert "Dora <dora@example.org>" in message
    assert gitops.read("notes.yaml", branch) == "note: mine\n"


def test_a_branch_without_a_commit_of_its_own_is_taken_over(gitops: Gitops, bumper: CommandLine) -> None:
    branch = bumper.bump("staging", f"{APP}:1.0.1", "--dry-run")["branch"]
    gitops.person().git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert result["merge_request"]["action"] == "opened"
    assert gitops.tip(branch) == result["commit"]


def test_a_branch_left_behind_without_a_merge_request_is_taken_over(gitops: Gitops, bumper: CommandLine) -> None:
    gitops.sandbox.fail_next("POST", r"/merge_requests$", 500, "gone")
    message = bumper.refused("staging", f"{APP}:1.0.1", code=4)
    [left] = gitops.branches()

    result = bumper.bump("staging", f"{APP}:1.0.2")

    assert "500" in message
    assert result["branch"] == left
    assert result["merge_request"]["action"] == "opened"
    assert gitops.tip(left) == result["commit"]


def test_a_branch_that_vanishes_meanwhile_is_pushed_anew(gitops: Gitops, bumper: CommandLine) -> None:
    branch = bumper.bump("staging", f"{APP}:1.0.1")["branch"]
    still_open = json.dumps(gitops.merge_requests())
    gitops.api("DELETE", f"/repository/branches/{quote(branch, safe='')}")
    gitops.sandbox.fail_next("GET", r"/merge_requests$", 200, still_open, {"Content-Type": "application/json"})

    result = bumper.bump("staging", f"{APP}:1.0.2")

    assert result["merge_request"]["action"] == "opened"
    assert gitops.tip(branch) == result["commit"]


def test_a_409_means_that_another_run_was_faster(gitops: Gitops, bumper: CommandLine) -> None:
    first = bumper.bump("staging", f"{APP}:1.0.1")
    # What a run sees that looked a moment before the other one's merge request was there: an empty list.
    gitops.sandbox.fail_next("GET", r"/merge_requests$", 200, "[]", {"Content-Type": "application/json"})

    second = bumper.bump("staging", f"{APP}:1.0.1")

    assert second["merge_request"]["iid"] == first["merge_request"]["iid"]
    assert len(gitops.merge_requests("all")) == 1


def test_what_a_person_closed_is_not_proposed_again(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1")
    gitops.close(1)

    message = bumper.refused("staging", f"{APP}:1.0.1")

    assert "/merge_requests/1 " in message
    assert "--reopen" in message
    assert gitops.merge_requests("opened") == []


def test_reopen_proposes_again_what_a_person_closed(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1")
    gitops.close(1)

    result = bumper.bump("staging", f"{APP}:1.0.1", "--reopen")

    assert result["merge_request"]["state"] == "opened"
    assert len(gitops.merge_requests("opened")) == 1


def test_another_tag_than_the_closed_one_is_proposed(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1")
    gitops.close(1)

    result = bumper.bump("staging", f"{APP}:1.0.2")

    assert result["merge_request"]["iid"] == 2


def test_a_merge_request_from_a_fork_is_not_taken_for_ours(gitops: Gitops, bumper: CommandLine) -> None:
    branch = bumper.bump("staging", f"{APP}:1.0.1", "--dry-run")["branch"]
    clone = gitops.person()
    clone.push_branch(branch, values("6.6.6"), path=STAGING_FILE)
    forged = gitops.api.open(branch) | {"source_project_id": 4711}
    clone.git("push", "--quiet", "--delete", "origin", branch)
    gitops.sandbox.fail_next(
        "GET", r"/merge_requests$", 200, json.dumps([forged]), {"Content-Type": "application/json"}
    )

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert result["merge_request"]["iid"] != forged["iid"]
    assert result["merge_request"]["action"] == "opened"


def test_somebody_pushes_to_the_target_meanwhile(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1")
    pushing = Thread(target=gitops.push, args=("note: 1\n", "notes.yaml"))
    pushing.start()

    result = bumper.bump("staging", f"{APP}:1.0.2")

    pushing.join()
    assert result["merge_request"]["action"] == "updated"
    gitops.merge(1)
    assert "tag: 1.0.2\n" in gitops.read(STAGING_FILE)
    assert gitops.read("notes.yaml") == "note: 1\n"
