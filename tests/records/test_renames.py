"""Which file a new one was before, among those that went away in the same commit."""

import pytest

from bumper.git.past_commits import Touched
from bumper.records.renames import GoneFiles


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
