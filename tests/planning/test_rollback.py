"""Which deployments a rollback takes back, from a past written down as data."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import Config, EnvironmentConfig
from bumper.environments.gather import gather
from bumper.environments.layout import Environment
from bumper.environments.path_pattern import Identity
from bumper.errors import Refused
from bumper.image import Repository
from bumper.planning.rollback import Image, explain_undone, plan_rollback, too_few, walk_back, walk_back_to
from bumper.records.history import Deployment
from bumper.records.record import Command, Record
from bumper.values.change import Change
from bumper.values.pin import Version

IMAGE = Repository("registry.example.com", "team/app")


def change(app: str, before: str, after: str, path: str = "image.tag") -> Change:
    return Change(app, f"{app}.yaml", path, 1, IMAGE, Version(before, None), Version(after, None))


def deployed(
    commit: str, *changes: Change, undoes: tuple[str, ...] = (), command: Command = Command.BUMP
) -> Deployment:
    record = Record(Command.ROLLBACK if undoes else command, "prod", (), changes, undoes=undoes)
    return Deployment(commit, datetime(2026, 1, 1, tzinfo=UTC), "dora", "Subject", None, changes, record)


def told(undone: list[Deployment]) -> list[tuple[str, list[str]]]:
    """The commit and the applications of each."""
    return [(one.commit, [change.app for change in one.changes]) for one in undone]


def each(*apps: str) -> dict[str, str]:
    return {app: app for app in apps}


def together(*apps: str) -> dict[str, str]:
    return dict.fromkeys(apps, "prod")


C1 = deployed("c1", change("a", "1", "2"), change("b", "1", "2"))
C2 = deployed("c2", change("a", "2", "3"))
C3 = deployed("c3", change("b", "2", "3"))


@pytest.mark.parametrize(
    ("past", "groups", "steps", "expected"),
    [
        ([C2, C1], each("a"), 1, [("c2", ["a"])]),
        ([C2, C1], each("a"), 2, [("c2", ["a"]), ("c1", ["a"])]),
        ([C2, C1], each("b"), 1, [("c1", ["b"])]),
        ([C3, C2, C1], each("a", "b"), 1, [("c3", ["b"]), ("c2", ["a"])]),
        ([C3, C2, C1], together("a", "b"), 1, [("c3", ["b"])]),
        ([C3, C2, C1], together("a", "b"), 2, [("c3", ["b"]), ("c2", ["a"])]),
        ([C2, C1], together("a", "b"), 2, [("c2", ["a"]), ("c1", ["a", "b"])]),
        ([], each("a"), 1, []),
    ],
)
def test_each_application_or_all_together(
    past: list[Deployment], groups: dict[str, str], steps: int, expected: list[tuple[str, list[str]]]
) -> None:
    assert told(walk_back(past, groups, steps)) == expected


def test_a_rollback_and_what_it_undid_are_passed_over() -> None:
    rollback = deployed("r", change("a", "3", "2"), undoes=("c2",))

    assert told(walk_back([rollback, C2, C1], each("a"), 1)) == [("c1", ["a"])]


def test_a_persons_revert_and_what_it_reverted_are_passed_over() -> None:
    """However it names it, or the next rollback would bring the version back that somebody has just reverted."""
    reverting = replace(deployed("r", change("a", "3", "2")), record=None)
    merged = replace(C2, merged="c2-head", merge_request=7)

    for name in ("c2", "c2-head", "!7"):
        reverted = replace(reverting, reverts=frozenset({name}))
        assert told(walk_back([reverted, merged, C1], each("a"), 1)) == [("c1", ["a"])]
        assert explain_undone([reverted, merged]) == "r already undid !7"
    back = replace(deployed("rr", change("a", "2", "3")), record=None, reverts=frozenset({"r"}))
    assert told(walk_back([back, reverted, merged, C1], each("a"), 1)) == [("c2", ["a"])]


def test_a_rollback_of_one_application_leaves_the_others_deployment() -> None:
    rollback = deployed("r", change("a", "2", "1"), undoes=("c1",))

    assert told(walk_back([rollback, C1], together("a", "b"), 1)) == [("c1", ["b"])]
    assert told(walk_back([rollback, C1], each("a"), 1)) == []


def test_a_rollback_of_one_image_leaves_the_other_images_deployment() -> None:
    both = deployed("c", change("a", "1", "2"), change("a", "1", "2", "job.tag"))
    rollback = deployed("r", change("a", "2", "1", "job.tag"), undoes=("c",))

    [left] = walk_back([rollback, both], each("a"), 1)

    assert [one.path for one in left.changes] == ["image.tag"]


def test_a_rollback_that_was_undone_undoes_nothing() -> None:
    rollback = deployed("r", change("a", "3", "2"), undoes=("c2",))
    back = deployed("s", change("a", "2", "3"), undoes=("r",))

    assert told(walk_back([back, rollback, C2, C1], each("a"), 1)) == [("c2", ["a"])]


def test_the_past_is_read_no_further_than_needed() -> None:
    read: list[str] = []

    def past() -> Iterator[Deployment]:
        for one in (C3, C2, C1):
            read.append(one.commit)
            yield one

    walk_back(past(), together("a", "b"), 1)

    assert read == ["c3"]


def test_who_has_too_few() -> None:
    undone = walk_back([C2, C1], each("a", "b"), 2)

    assert too_few(undone, each("a", "b"), 2) == ["b"]
    assert too_few(undone, each("a", "b"), 1) == []


def test_to_a_tag_stops_where_it_ran_last() -> None:
    assert told(walk_back_to([C2, C1], frozenset({"a"}), "2", {})) == [("c2", ["a"])]
    assert told(walk_back_to([C2, C1], frozenset({"a"}), "1", {})) == [("c2", ["a"]), ("c1", ["a"])]


def test_to_a_tag_that_images_had_in_common() -> None:
    """Two images that move together, each by its own pipeline, go back together."""
    other = Repository("registry.example.com", "team/job")
    job, web = (
        deployed(name, replace(change("a", "1", "2", f"{name}.tag"), image=image))
        for name, image in (("job", other), ("web", IMAGE))
    )

    def undone(*, job_now: str) -> list[tuple[str, list[str]]]:
        running: dict[Image, str | None] = {("a", IMAGE): "2", ("a", other): job_now}
        return told(walk_back_to([web, job, C1], frozenset({"a"}), "1", running))

    assert undone(job_now="2") == [("web", ["a"]), ("job", ["a"])]
    assert undone(job_now="3") == [("web", ["a"])]


def test_to_a_tag_leaves_out_applications_that_never_ran_it() -> None:
    assert told(walk_back_to([C3, C2, C1], frozenset({"a", "b"}), "9", {})) == []
    only_a = deployed("c4", change("a", "9", "4"), change("b", "3", "4"))
    assert told(walk_back_to([only_a, C3, C2, C1], frozenset({"a", "b"}), "9", {})) == [("c4", ["a"])]


def test_back_to_before_an_image_had_a_tag_is_refused_over_several_steps_too() -> None:
    """What is set is what the oldest deployment replaced; that the newest replaced a tag does not matter."""
    files = AppFiles("a", ("a.yaml",), (), Identity("a"))
    environment = Environment("prod", (files,), EnvironmentConfig(values=("a.yaml",)))
    gathered = gather(environment, Config(), {"a.yaml": f"image: {IMAGE}:2\n".encode()})
    first, second = (
        replace(change("a", "1", to, "image"), before=Version(before, None)) for before, to in ((None, "1"), ("1", "2"))
    )

    with pytest.raises(Refused, match="had no tag before, so there is nothing to set"):
        plan_rollback(gathered, "prod", [deployed("c2", second), deployed("c1", first)], force=False)
