"""Which file a new one was before, among those that went away in the same commit."""

import pytest

from bumper.git.past_commits import Touched
from bumper.records.past import GoneFiles, are_of_two_environments


def gone(path: str, blob: str = "a") -> Touched:
    return Touched(path, blob, None)


@pytest.mark.parametrize(
    ("files", "new", "expected"),
    [
        ([gone("apps/a/prod/values.yaml")], Touched("apps/b/prod/values.yaml", None, "a"), "apps/a/prod/values.yaml"),
        (
            [gone("apps/a/staging/values.yaml"), gone("apps/a/prod/values.yaml")],
            Touched("apps/b/prod/values.yaml", None, "a"),
            "apps/a/prod/values.yaml",
        ),
        (
            [gone("apps/a/prod/values.yaml", "x"), gone("apps/c/prod/values.yaml", "a")],
            Touched("apps/b/prod/values.yaml", None, "a"),
            "apps/c/prod/values.yaml",
        ),
        ([gone("apps/a/prod/values.yaml")], Touched("prod/a.yaml", None, "b"), "apps/a/prod/values.yaml"),
    ],
)
def test_the_likeliest_has_the_nearest_name_and_then_the_same_content(
    files: list[Touched], new: Touched, expected: str
) -> None:
    likely = GoneFiles([*files, Touched("apps/a/prod/values.yaml", "a", "b")]).likely_sources(new)

    assert likely[0].path == expected


def test_a_reorganisation_of_thousands_of_files_pairs_each_with_its_own() -> None:
    apps = [f"app{number}" for number in range(5000)]
    files = GoneFiles(gone(f"apps/{app}/envs/prod/values.yaml", app) for app in apps)

    for app in apps:
        assert (
            files.likely_sources(Touched(f"prod/{app}.yaml", None, "new"))[0].path
            == f"apps/{app}/envs/prod/values.yaml"
        )


def test_nothing_went_away() -> None:
    assert GoneFiles([]).likely_sources(Touched("a.yaml", None, "a")) == []


@pytest.mark.parametrize(
    ("old", "new", "apart"),
    [
        ("envs/dev/a.yaml", "envs/prod/a.yaml", True),
        ("charts/a/values-stg.yaml", "charts/a/values-prd.yaml", True),
        ("clusters/eqiad/a.yaml", "clusters/codfw/a.yaml", True),
        ("clusters/ulsfo/a.yaml", "clusters/codfw/a.yaml", False),
        ("envs/prod-eu/a.yaml", "envs/prod-us/a.yaml", True),
        ("envs/prod/a.yaml", "envs/prod-eu/a.yaml", False),
        ("envs/stg/a.yaml", "envs/staging/a.yaml", False),
        ("envs/prod/a.yaml", "clusters/prod/a/values.yaml", False),
        ("apps/test-runner/envs/prod.yaml", "apps/runner/envs/prod.yaml", False),
        ("envs/devices/a.yaml", "envs/prod/a.yaml", False),
    ],
)
def test_a_file_of_another_environment_is_no_past(old: str, new: str, *, apart: bool) -> None:
    names = ("eqiad", "codfw", "prod-eu", "prod-us", "prod")

    assert are_of_two_environments(old, new, names) is apart
