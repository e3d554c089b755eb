"""`bumper check` in a checkout: what a person's change breaks, by rule, file and line."""

import json
from pathlib import Path

import pytest

from tests.support.checkouts import CONFIG, IMAGE, PROD, STAGING, LocalCheckout, Made, pinned

BASE = "apps/backend/values.yaml"
HOLD = "  # bumper: hold payments"


def test_a_tag_that_staging_did_not_run_is_a_finding(checkout: LocalCheckout, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    checkout.commit({PROD: pinned("1.2.0")})

    ran = checkout.check("--codequality", str(report), code=1)

    why = f"prod takes backend from staging, which has not run {IMAGE}:1.2.0 on main"
    assert f"{PROD}:3: promote_from: {why}" in ran.out
    assert "bumper promote staging prod --app backend" in ran.out
    assert "1.0.0 -> 1.2.0" in ran.out
    assert "error: bumper.yaml does not allow this change (1 finding); " in ran.err
    [shown] = json.loads(report.read_text())
    assert shown["description"].startswith(why)
    assert (shown["location"], shown["severity"]) == ({"path": PROD, "lines": {"begin": 3}}, "blocker")
    checkout.commit({PROD: "# a line more\n" + pinned("1.2.0")})
    checkout.check("--codequality", str(report), "--warn-only", code=0)
    [moved] = json.loads(report.read_text())
    assert (moved["fingerprint"], moved["location"]["lines"]) == (shown["fingerprint"], {"begin": 4})


def test_what_staging_ran_may_enter(checkout: LocalCheckout) -> None:
    checkout.commit({PROD: pinned("1.1.0")})

    data = checkout.check("--output", "json", code=0).json

    assert (data["findings"], data["ok"]) == ([], True)
    [change] = data["changes"]
    assert (change["environment"], change["app"], change["file"], change["line"]) == ("prod", "backend", PROD, 3)
    assert (change["from"]["tag"], change["to"]["tag"]) == ("1.0.0", "1.1.0")


def test_other_values_and_files_pass(checkout: LocalCheckout) -> None:
    checkout.commit({PROD: pinned("1.0.0", more="replicas: 7\n"), "README.md": "Hello\n"})

    assert checkout.check(code=0).out == "no pin changes\n"


def test_a_rollback_passes_all_but_its_image(checkout: LocalCheckout) -> None:
    """The tag ran in prod before, is not one that may enter today, and the pin is held."""
    checkout.land({PROD: pinned("hotfix-7")})
    checkout.land({PROD: pinned("1.0.0" + HOLD)})
    checkout.commit({PROD: pinned("hotfix-7" + HOLD)})

    assert checkout.rules() == []
    checkout.commit({PROD: pinned("hotfix-8" + HOLD)})
    assert {rule for rule, _, _ in checkout.rules()} == {"promote_from", "tags", "hold"}


def test_a_hold_has_to_go_with_the_change(checkout: LocalCheckout) -> None:
    checkout.land({PROD: pinned("1.0.0" + HOLD)})
    checkout.commit({PROD: pinned("1.1.0" + HOLD)})

    assert checkout.rules() == [("hold", PROD, 3)]
    assert "bumper unhold prod --app backend" in checkout.check(code=1).out
    checkout.commit({PROD: pinned("1.1.0")})
    assert checkout.rules() == []


def test_a_hold_that_came_to_the_target_branch_since_counts(checkout: LocalCheckout) -> None:
    """In a shared file, where git sees no conflict."""
    checkout.commit({PROD: pinned("1.1.0")})
    checkout.git("checkout", "--quiet", "main")
    checkout.commit({PROD: pinned("1.0.0" + HOLD)})
    checkout.git("checkout", "--quiet", "change")

    assert checkout.rules() == [("hold", PROD, 3)]


def test_what_was_taken_back_in_staging_since_does_not_go_on(checkout: LocalCheckout) -> None:
    checkout.commit({PROD: pinned("1.1.0")})
    checkout.git("checkout", "--quiet", "main")
    checkout.commit({STAGING: pinned("1.0.0")}, "Roll back")
    checkout.git("checkout", "--quiet", "change")

    assert checkout.rules() == [("promote_from", PROD, 3)]
    assert "was rolled back in staging" in checkout.check(code=1).out


@pytest.mark.parametrize("text", ["image: [\n", "image: {a: 1}\nimage: {a: 2}\n\t\n"])
def test_a_values_file_that_cannot_be_read_is_a_finding(checkout: LocalCheckout, text: str) -> None:
    checkout.commit({PROD: text})

    [(rule, file, _)] = checkout.rules()
    assert (rule, file) == ("values", PROD)


def test_what_was_broken_before_is_not_this_changes_doing(checkout: LocalCheckout) -> None:
    checkout.land({PROD: "image: [\n"})
    checkout.commit({STAGING: pinned("1.1.0", more="replicas: 3\n")})

    assert checkout.rules() == []


def test_a_broken_bumper_yaml_is_a_finding(checkout: LocalCheckout) -> None:
    checkout.commit({"bumper.yaml": CONFIG.replace("promote_from", "promote_form")})

    assert checkout.rules() == [("bumper.yaml", "bumper.yaml", 8)]


def test_without_rules_that_can_be_read_no_pin_changes(checkout: LocalCheckout) -> None:
    """Whoever corrects bumper.yaml is not kept from it."""
    checkout.land({"bumper.yaml": "environments: 7\n"})
    checkout.commit({"bumper.yaml": CONFIG})
    assert checkout.rules() == []

    checkout.commit({PROD: pinned("1.1.0")})
    assert checkout.rules() == [("bumper.yaml", PROD, 3)]


def test_rules_that_the_change_loosens_count_from_the_next_one_on(checkout: LocalCheckout) -> None:
    loose = CONFIG.replace("    promote_from: [staging]\n", "").replace("    tags: '\\d+\\.\\d+\\.\\d+'\n", "")
    checkout.commit({"bumper.yaml": loose + "ignore: ['**']\n", PROD: pinned("evil")})

    assert {rule for rule, _, _ in checkout.rules()} == {"promote_from", "tags"}


def test_an_empty_tag_and_an_image_without_a_name_are_unknown(checkout: LocalCheckout) -> None:
    checkout.commit({PROD: f"image:\n  repository: {IMAGE}\n"})
    assert [rule for rule, _, _ in checkout.rules()] == ["image"]

    checkout.commit({PROD: "image:\n  tag: 1.0.0\n"})
    assert [rule for rule, _, _ in checkout.rules()] == ["image"]


def test_a_component_goes_with_all_of_its_values(checkout: LocalCheckout) -> None:
    worker = "worker:\n  image:\n    repository: registry.example.com/team/worker\n    tag: 1.0.0\n"
    checkout.land({PROD: pinned("1.0.0", more=worker)})
    checkout.commit({PROD: pinned("1.0.0", more="worker:\n  replicas: 1\n")})
    assert [rule for rule, _, _ in checkout.rules()] == ["image"]

    checkout.commit({PROD: pinned("1.0.0")})
    assert checkout.rules() == []


def test_urgent_is_no_way_past_promote_from(checkout: LocalCheckout) -> None:
    checkout.commit({PROD: pinned("1.2.0")}, "Quick\n\nBumper-Urgent: the shop is down")

    assert checkout.rules() == [("promote_from", PROD, 3)]


def test_odd_patterns_are_shown(checkout: LocalCheckout) -> None:
    checkout.commit({"README.md": "Hello\n"})

    assert "warning: prod: no file matches apps/{app}/values.yaml; " in checkout.check(code=0).err


def test_what_is_not_committed_is_not_checked(checkout: LocalCheckout) -> None:
    assert "not committed" not in checkout.check(code=0).err
    (checkout.folder / PROD).write_text(pinned("9.9.9"))

    assert "this checkout has changes that are not committed" in checkout.check(code=0).err


def test_sections_of_a_file_are_environments(make_checkout: Made) -> None:
    config = "environments:\n  staging: {values: 'apps/{app}.yaml', at: staging}\n"
    config += "  prod: {values: 'apps/{app}.yaml', at: prod, promote_from: [staging]}\n"
    image = "  image: {{repository: registry.example.com/team/web, tag: {}}}\n"
    text = "staging:\n" + image + "prod:\n" + image
    checkout = make_checkout({"bumper.yaml": config, "apps/web.yaml": text.format("1.0.0", "1.0.0")})
    checkout.commit({"apps/web.yaml": text.format("1.1.0", "1.0.0")})
    assert checkout.rules() == []
    checkout.commit({"apps/web.yaml": text.format("1.1.0", "1.1.0")})
    assert checkout.rules() == [("promote_from", "apps/web.yaml", 4)]


def test_keys_of_a_file_are_applications(make_checkout: Made) -> None:
    config = "environments:\n  staging: {values: staging.yaml, at: '{app}'}\n"
    config += "  prod: {values: prod.yaml, at: '{app}', promote_from: [staging]}\n"
    app = "{}:\n  image: {{repository: registry.example.com/team/web, tag: {}}}\n"
    staging = app.format("a", "1.1.0") + app.format("b", "1.0.0")
    prod = app.format("a", "1.0.0") + app.format("b", "1.0.0")
    checkout = make_checkout({"bumper.yaml": config, "staging.yaml": staging, "prod.yaml": prod})
    checkout.commit({"prod.yaml": prod.replace("1.0.0", "1.1.0")})

    assert checkout.rules() == [("promote_from", "prod.yaml", 4)]


def test_a_base_may_be_any_revision(checkout: LocalCheckout) -> None:
    checkout.commit({PROD: pinned("1.2.0")})
    for base in "main", "main~0", checkout.git("rev-parse", "main"):
        assert f"which has not run {IMAGE}:1.2.0 on {base}: " in checkout.check("--base", base, code=1).out


def test_usage(checkout: LocalCheckout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "neither the checkout nor its remote has v9; check --base" in checkout.check("--base", "v9", code=1).err
    assert "no commit v9" in checkout.check("--head", "v9", code=1).err
    assert "--note needs a merge request" in checkout.check("--note", code=2).err
    monkeypatch.chdir(tmp_path)
    assert "is not in a git checkout" in checkout.check(code=1).err


def test_the_usual_layouts_have_no_rules(make_checkout: Made) -> None:
    checkout = make_checkout({STAGING: pinned("1.0.0"), PROD: pinned("1.0.0")})
    checkout.commit({PROD: pinned("latest")})

    assert "1.0.0 -> latest" in checkout.check(code=0).out
