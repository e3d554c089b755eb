"""Ways to bring an image to prod past the rules, and changes that only look like one."""

from collections.abc import Mapping

from tests.support.checkouts import CONFIG, IMAGE, PROD, STAGING, LocalCheckout, Made, pinned

BASE = "apps/backend/values.yaml"
NO_FILE = f"image:\n  repository: {IMAGE}\n"


def link(checkout: LocalCheckout, path: str, target: str) -> None:
    """Put a symbolic link in the place of whatever is there, and commit it."""
    place = checkout.folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    checkout.git("rm", "-r", "--quiet", "--ignore-unmatch", path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
    checkout.git("add", "--all")
    checkout.git("commit", "--quiet", "-m", "Link")


BAD: dict[str, Mapping[str, str | None]] = {
    "a new application": {"apps/web/envs/prod/values.yaml": pinned("9.9.9")},
    "a tag in the shared values, and the own one taken away": {BASE: pinned("9.9.9"), PROD: "replicas: 2\n"},
    "the file taken away, with the pattern moved": {
        "bumper.yaml": CONFIG.replace("envs/prod/values", "envs/prod/image"),
        PROD: None,
        "apps/backend/envs/prod/image.yaml": pinned("9.9.9"),
    },
    "a file more above it": {
        "bumper.yaml": CONFIG.replace(
            "apps/{app}/envs/prod/values.yaml", "[apps/{app}/envs/prod/values.yaml, apps/{app}/envs/prod/late.yaml]"
        ),
        "apps/backend/envs/prod/late.yaml": "image:\n  tag: 9.9.9\n",
    },
    "another image in the old one's place": {PROD: pinned("1.0.0", "registry.example.com/evil/backend")},
    "an alias": {PROD: f"v: &v 9.9.9\nimage:\n  repository: {IMAGE}\n  tag: *v\n"},
    "the environment taken out of bumper.yaml": {
        "bumper.yaml": CONFIG[: CONFIG.index("  prod:")], PROD: pinned("9.9.9"),
    },
    "a second claim, so that the environment is refused": {
        "bumper.yaml": CONFIG.replace("envs/staging/", "envs/{staging,prod}/"), PROD: pinned("9.9.9"),
    },
    "staging and prod at once": {STAGING: pinned("9.9.9"), PROD: pinned("9.9.9")},
    "a digest beside the tag": {PROD: pinned(f"9.9.9@sha256:{'1' * 64}")},
    "excluded by the change": {"bumper.yaml": f"exclude: ['apps/*/envs/prod/*']\n{CONFIG}", PROD: pinned("9.9.9")},
    "the whole image taken away, so that the chart's own runs": {PROD: "replicas: 2\n"},
    "twice the same key": {PROD: pinned("1.0.0", more=f"image:\n  repository: {IMAGE}\n  tag: 9.9.9\n")},
}  # fmt: skip


def test_what_may_not_enter_is_found(checkout: LocalCheckout) -> None:
    for name, files in BAD.items():
        checkout.git("checkout", "--quiet", "-B", "change", "main")
        checkout.commit(files)
        assert {rule for rule, _, _ in checkout.rules()} & {"promote_from", "image", "values", "bumper.yaml"}, name


GOOD: dict[str, Mapping[str, str | None]] = {
    "a renamed application": {
        PROD: None, STAGING: None,
        "apps/shop/envs/prod/values.yaml": pinned("1.0.0"), "apps/shop/envs/staging/values.yaml": pinned("1.1.0"),
    },
    "a renamed file with its pattern": {
        "bumper.yaml": CONFIG.replace("envs/prod/values", "envs/prod/image"),
        PROD: None,
        "apps/backend/envs/prod/image.yaml": pinned("1.0.0"),
    },
    "the tag moved to the shared values": {
        BASE: pinned("1.0.0"), PROD: "replicas: 2\n", STAGING: pinned("1.1.0"),
    },
    "an application taken away": {PROD: None},
    "an environment more for files that are there": {
        "bumper.yaml": CONFIG + "  both:\n    values: apps/{app}/envs/*/other.yaml\n",
    },
    "the pin at another path": {PROD: f"backend:\n  image:\n    repository: {IMAGE}\n    tag: 1.0.0\n"},
}  # fmt: skip


def test_what_changes_no_version_passes(checkout: LocalCheckout) -> None:
    for name, files in GOOD.items():
        checkout.git("checkout", "--quiet", "-B", "change", "main")
        checkout.commit(files)
        assert checkout.rules() == [], name


def test_two_applications_do_not_swap_their_versions(checkout: LocalCheckout) -> None:
    """Both run the same image: a beta that one of them was given is none of the other's."""
    other = "apps/web/envs/prod/values.yaml"
    checkout.land({other: pinned("2.0.0")})
    checkout.commit({PROD: pinned("2.0.0"), other: pinned("1.0.0")})

    assert [file for _, file, _ in checkout.rules()] == [PROD, other]


def test_what_cannot_be_told_apart_is_shown_and_stops_what_touches_it(checkout: LocalCheckout) -> None:
    config = (
        "environments:\n  prod: {values: '*/*.yaml', promote_from: [staging]}\n  staging: {values: 'staging/{app}'}\n"
    )
    checkout.land({"bumper.yaml": config, "x/a.yaml": pinned("1.0.0"), "x/b.yaml": pinned("1.0.0"), "staging/x": ""})
    checkout.commit({"README.md": "x\n"})
    assert "warning: prod cannot be read: x/a.yaml and x/b.yaml cannot be told apart" in checkout.check(code=0).err

    checkout.commit({"x/b.yaml": pinned("9.9.9")})
    assert checkout.rules() == [("bumper.yaml", "bumper.yaml", 1)]


def test_another_environments_values_below_ones_own(checkout: LocalCheckout) -> None:
    """Who bumps staging bumps prod, too, where prod's own values do not override the tag."""
    config = CONFIG.replace(
        "envs/prod/values.yaml\n    base: apps/{app}/values",
        "envs/prod/values.yaml\n    base: apps/{app}/envs/staging/values",
    )
    checkout.land({"bumper.yaml": config, PROD: "replicas: 2\n"})
    checkout.commit({STAGING: pinned("1.2.0")})

    assert checkout.rules() == [("promote_from", STAGING, 3)]
    assert "is also a base of prod" in checkout.check(code=1).err


def test_a_source_that_is_broken_hides_no_other(checkout: LocalCheckout) -> None:
    config = CONFIG.replace("[staging]", "[qa, staging]") + "  qa: {values: 'qa/*.yaml'}\n"
    checkout.land({"bumper.yaml": config, "qa/a.yaml": pinned("1.0.0"), "qa/b.yaml": pinned("1.0.0")})
    checkout.commit({PROD: pinned("1.1.0")})
    assert checkout.rules() == []

    checkout.commit({PROD: pinned("1.2.0")})
    assert [rule for rule, _, _ in checkout.rules()] == ["promote_from"]


def test_a_link_is_followed(checkout: LocalCheckout) -> None:
    checkout.commit({"shared/good.yaml": pinned("1.0.0"), "shared/bad.yaml": pinned("9.9.9")})
    link(checkout, PROD, "../../../../shared/good.yaml")
    assert checkout.rules() == []

    link(checkout, PROD, "../../../../shared/bad.yaml")
    assert [rule for rule, _, _ in checkout.rules()] == ["promote_from"]


def test_a_change_behind_a_link_is_seen(checkout: LocalCheckout) -> None:
    checkout.commit({"shared/prod.yaml": pinned("1.0.0")})
    link(checkout, PROD, "../../../../shared/prod.yaml")
    checkout.git("branch", "--force", "main")
    checkout.commit({"shared/prod.yaml": pinned("9.9.9")})

    assert [rule for rule, _, _ in checkout.rules()] == ["promote_from"]


def test_a_folder_behind_a_link_is_read(checkout: LocalCheckout) -> None:
    checkout.commit({"elsewhere/values.yaml": pinned("9.9.9")})
    link(checkout, "apps/backend/envs/prod", "../../../elsewhere")

    assert [rule for rule, _, _ in checkout.rules()] == ["promote_from"]


def test_values_in_a_submodule_are_unknown(checkout: LocalCheckout) -> None:
    """Moved there, newly there, or there all along in another version; those of a page's theme are nobody's values."""
    checkout.git("rm", "--quiet", "-r", "apps/backend/envs/prod")
    submodule(checkout, "apps/backend/envs/prod")
    assert checkout.rules() == [("values", "apps/backend/envs/prod", 1)]

    checkout.git("checkout", "--quiet", "--force", "-B", "change", "main")
    submodule(checkout, "apps/web")
    assert checkout.rules() == [("values", "apps/web", 1)]
    checkout.git("branch", "--force", "main")
    submodule(checkout, "apps/web")
    assert checkout.rules() == [("values", "apps/web", 1)]

    checkout.git("branch", "--force", "main")
    for unrelated in "docs/theme", "apps/backend/envs/staging", "apps/a/envs/x", "apps/a/b/envs/prod":
        submodule(checkout, unrelated)
    assert checkout.rules() == []


def submodule(checkout: LocalCheckout, path: str) -> None:
    """Put another repository there, at a commit that is another each time."""
    checkout.git("rm", "-r", "--cached", "--quiet", "--ignore-unmatch", path)
    checkout.git("update-index", "--add", "--cacheinfo", f"160000,{checkout.git('rev-parse', 'HEAD')},{path}")
    checkout.git("commit", "--quiet", "--message", "Submodule")


def test_a_link_that_leads_nowhere_is_unknown(checkout: LocalCheckout) -> None:
    for target in "/etc/passwd", "../../../../../outside.yaml", "values.yaml", "nowhere.yaml":
        link(checkout, PROD, target)
        assert [rule for rule, _, _ in checkout.rules()] == ["values"], target


def test_a_merge_of_the_target_branch_is_not_the_changes_own(checkout: LocalCheckout) -> None:
    checkout.commit({PROD: pinned("1.0.0", more="replicas: 3\n")})
    checkout.git("checkout", "--quiet", "main")
    checkout.commit({STAGING: pinned("rc-1")}, "Bump staging")
    checkout.git("checkout", "--quiet", "change")
    checkout.git("merge", "--quiet", "--no-edit", "main")

    assert checkout.check(code=0).out == "no pin changes\n"


def test_a_change_in_a_merge_commit_is_seen(checkout: LocalCheckout) -> None:
    checkout.git("checkout", "--quiet", "-B", "side", "main")
    checkout.commit({PROD: pinned("9.9.9")})
    checkout.git("checkout", "--quiet", "change")
    checkout.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    checkout.git("checkout", "--quiet", "--detach")

    assert [rule for rule, _, _ in checkout.rules("--base", "main")] == ["promote_from"]


def test_what_ran_on_a_merged_branch_alone_did_not_run(checkout: LocalCheckout) -> None:
    """The first-parent line of the target branch counts: nothing was deployed from a branch's own commits."""
    checkout.git("checkout", "--quiet", "-B", "side", "main")
    checkout.commit({STAGING: pinned("9.9.9")})
    checkout.commit({STAGING: pinned("1.1.0", more="replicas: 1\n")})
    checkout.git("checkout", "--quiet", "main")
    checkout.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    checkout.git("checkout", "--quiet", "-B", "change")
    checkout.commit({PROD: pinned("9.9.9")})

    assert [rule for rule, _, _ in checkout.rules()] == ["promote_from"]


def test_patterns_that_the_target_branch_changed_since_hide_nothing(checkout: LocalCheckout) -> None:
    """Git carries a change of a file over to where that was moved."""
    checkout.commit({PROD: pinned("9.9.9", more="replicas: 2\n")})
    checkout.git("checkout", "--quiet", "main")
    checkout.git("mv", "apps", "services")
    checkout.commit({"bumper.yaml": CONFIG.replace("apps/", "services/")})
    checkout.git("checkout", "--quiet", "change")

    moved = PROD.replace("apps/", "services/")
    assert checkout.rules() == [("promote_from", PROD, 3), ("promote_from", moved, 3)]


def test_what_the_merge_makes_of_the_target_branch_counts(checkout: LocalCheckout) -> None:
    """The change gives up prod's own tag for the shared one, which has moved on by the time of the merge."""
    checkout.land({BASE: pinned("1.0.0"), STAGING: pinned("1.1.0")})
    checkout.commit({PROD: "replicas: 2\n"})
    assert checkout.rules() == []

    checkout.git("checkout", "--quiet", "main")
    checkout.commit({BASE: pinned("9.9.9")})
    checkout.git("checkout", "--quiet", "change")
    assert checkout.rules() == [("promote_from", BASE, 3)]


def test_a_criss_cross_is_unclear(checkout: LocalCheckout) -> None:
    checkout.commit({"a": "a\n"})
    checkout.git("branch", "first")
    checkout.git("checkout", "--quiet", "main")
    checkout.commit({"b": "b\n"})
    checkout.git("branch", "second")
    checkout.git("merge", "--quiet", "--no-edit", "first")
    checkout.git("checkout", "--quiet", "change")
    checkout.git("merge", "--quiet", "--no-edit", "second")

    assert "several common ancestors" in checkout.check(code=1).err


def test_one_path_of_encrypted_values_hides_nothing(make_checkout: Made) -> None:
    config = CONFIG.replace(
        "apps/{app}/envs/prod/values.yaml", "[apps/{app}/envs/prod/values.yaml, apps/{app}/envs/prod/secrets.yaml]"
    )
    secrets = "apps/backend/envs/prod/secrets.yaml"
    sops = "sops:\n  mac: ENC[x]\n  version: 3.9.0\n  lastmodified: x\n"
    start = {"bumper.yaml": config, STAGING: pinned("1.0.0"), PROD: pinned("1.0.0"), secrets: f"key: ENC[a]\n{sops}"}
    checkout = make_checkout(start)
    checkout.commit({secrets: f"key: ENC[b]\n{sops}"})
    assert checkout.rules() == []

    checkout.commit({secrets: f"image:\n  tag: ENC[c]\n{sops}"})
    assert [rule for rule, _, _ in checkout.rules()] == ["values"]
