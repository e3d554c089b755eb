"""What a rollback takes back: deployments of the past, each with only those of its changes that it is about. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from bumper.environments.config_models import Config, EnvironmentConfig
from bumper.environments.gather import FoundPin, Gathered
from bumper.environments.selection import canonical, is_chosen
from bumper.errors import LookedFarEnough, Refused
from bumper.image import ImageReference, Repository
from bumper.planning.bump import Plan, make_plan
from bumper.records.history import Deployment, what_counts
from bumper.values.change import Change
from bumper.values.pin import Version
from bumper.values.tag_edit import TagEdit, restoring

Image: TypeAlias = tuple[str, Repository | None]  # an application's


def with_images(gathered: Gathered, environment: str, globs: Sequence[str]) -> Gathered:
    """The pins of the images that ``--image`` names, each of them at least one; all pins without it."""
    repositories = {found.pin.repository for found in gathered.pins}
    for glob in globs:
        if not any(is_chosen(repository, [glob]) for repository in repositories):
            raise Refused(f"no image of {environment} matches {glob!r}", "`bumper status --all` shows the images")
    return replace(gathered, pins=tuple(found for found in gathered.pins if is_chosen(found.pin.repository, globs)))


def of_images(past: Iterable[Deployment], globs: Sequence[str]) -> Iterator[Deployment]:
    """The deployments, as far as they changed images that the globs name."""
    return _with_changes(past, lambda change: is_chosen(change.image, globs))


def _with_changes(past: Iterable[Deployment], keep: Callable[[Change], bool]) -> Iterator[Deployment]:
    """The deployments that changed something that is to be kept, with those changes alone."""
    for deployment in past:
        changes = tuple(filter(keep, deployment.changes))
        if changes:
            yield replace(deployment, changes=changes)


def walk_back(past: Iterable[Deployment], groups: Mapping[str, str], steps: int) -> list[Deployment]:
    """The last ``steps`` deployments of each group of applications, the newest first.

    ``groups`` names the group of every application that matters: its own, or one for all of them.
    """
    found: list[Deployment] = []
    counted: Counter[str] = Counter()
    for deployment, changes in what_counts(past, groups):
        left = tuple(change for change in changes if counted[groups[change.app]] < steps)
        if left:
            found.append(replace(deployment, changes=left))
            counted.update({groups[change.app] for change in left})
        if all(counted[group] >= steps for group in groups.values()):
            break
    return found


def too_few(undone: Sequence[Deployment], groups: Mapping[str, str], steps: int) -> list[str]:
    """The groups that have not been deployed ``steps`` times."""
    counted = Counter(group for one in undone for group in {groups[change.app] for change in one.changes})
    return sorted(group for group in set(groups.values()) if counted[group] < steps)


def explain_undone(past: Iterable[Deployment]) -> str | None:
    """The newest rollback or revert and what it took back: ``!6 already undid !5``; None where there is none."""
    known = list(past)
    for deployment in known:
        if deployment.undoes:
            undone = [one for one in known if not one.names.isdisjoint(deployment.undoes)]
            names = dict.fromkeys([_name(one) for one in undone] or [name[:12] for name in sorted(deployment.undoes)])
            return f"{_name(deployment)} already undid {', '.join(names)}"
    return None


def _name(deployment: Deployment) -> str:
    return f"!{deployment.merge_request}" if deployment.merge_request is not None else deployment.commit[:12]


def walk_back_to(
    past: Iterable[Deployment], apps: frozenset[str], tag: str, running: Mapping[Image, str | None]
) -> list[Deployment]:
    """The deployments of each application since ``tag`` was what it ran; none of those that never did.

    ``running`` are the tags of its images now: those that have one in common go together, and each is looked for as far
    back as can be read.
    """
    found: list[Deployment] = []
    ran: set[Image] = set()
    missing: set[str] = set(apps)
    together: set[Image] = set()
    for deployment in _until_too_far(past, missing):
        changes = tuple(
            change for change in deployment.changes
            if change.app in missing or (change.app, change.image) in together
        )  # fmt: skip
        found.append(replace(deployment, changes=changes))
        ran |= {(change.app, change.image) for change in changes if change.before.tag == tag}
        missing.difference_update(app for app, _ in ran)
        tags = {(app, running.get((app, image))) for app, image in ran}
        together = {image for image, now in running.items() if (image[0], now) in tags} - ran
        if not missing and not together:
            break
    return list(_with_changes(found, lambda change: change.app not in missing))


def _until_too_far(past: Iterable[Deployment], missing: Collection[str]) -> Iterator[Deployment]:
    """``past``, which ends where it is too long to be read, unless something is ``missing`` by then."""
    try:
        yield from past
    except LookedFarEnough:
        if missing:
            raise


def without_vanished(past: Iterable[Deployment], gathered: Gathered) -> Iterator[Deployment]:
    """``past`` without the changes of pins that are gone together with their image: nothing can be set there."""
    places = {found.place for found in gathered.pins}
    images = {(found.app, found.pin.repository) for found in gathered.pins}
    return _with_changes(past, lambda change: change.place in places or (change.app, change.image) in images)


def refuse_another_image(undone: Iterable[Deployment], gathered: Gathered, config: Config) -> None:
    """Refuse where a pin held another image before: a rollback sets tags, the image's name would stay that of today."""
    today = {found.place: found.pin.repository for found in gathered.pins}
    for one, change in ((deployment, change) for deployment in undone for change in deployment.changes):
        before, now = change.image_before or change.image, today.get(change.place, change.image)
        if now is not None and canonical(config, before) != canonical(config, now):
            until = f"until {one.commit[:12]}" if change.image_before is not None else "then"
            raise Refused(
                f"{change.file}: {change.path} belonged to {before} {until} and belongs to {now} now; a rollback sets "
                "tags alone",
                f"set image and tag by hand (it was {before}:{change.before})",
            )


class MovedOn(Refused):
    """Pins are at another version by now than the one that is to be undone."""


def plan_rollback(gathered: Gathered, environment: str, undone: Sequence[Deployment], *, force: bool) -> Plan:
    """The edits that take ``undone`` (newest first) back; a hold does not stop them.

    Pins that are gone, cannot be set or have moved on since (``MovedOn``) are refused, unless with ``force``.
    """
    changes = [change for deployment in undone for change in deployment.changes]
    newest = {change.place: change for change in reversed(changes)}
    oldest = {change.place: change for change in changes}
    pins = {found.place: found for found in gathered.pins}
    edits, problems, moved = [], [], []
    for place, change in oldest.items():
        found, where, after = pins.get(place), ": ".join(place), newest[place].after
        if found is None:
            problems.append(f"{where} is no longer a pin in {environment}; set it by hand.")
        elif found.pin.refusal is not None:
            problems.append(f"{where} cannot be set: {found.pin.refusal}.")
        elif change.before == Version(None, None) and found.pin.prefix:
            problems.append(f"{where} had no tag before, so there is nothing to set; change it by hand.")
        else:
            edits.append((found, restoring(found.pin, change.before.tag, change.before.digest)))
            if found.pin.version != after:
                moved.append(f"{where} has moved on: it is at {found.pin.version}, not at {after}")
    if problems and not force:
        raise Refused("\n".join(problems))
    if moved and not force:
        raise MovedOn("\n".join(moved), "add --force to set it anyway")
    return make_plan(gathered, edits, [*problems, *gathered.warnings], obey_holds=False)


def with_digests(plan: Plan, gathered: Gathered, digests: Mapping[ImageReference, str]) -> Plan:
    """The plan, with the digests of images that ran without one, as far as they are known."""
    edits = [
        (found, replace(edit, digest=digests.get(change.reference, edit.digest), write_digest=True))
        for (found, edit), change in zip(plan.edits, plan.changes, strict=True)
    ]
    written = make_plan(gathered, edits, (), obey_holds=False)
    return replace(plan, edits=written.edits, changes=written.changes, along=written.along)


def undoing(past: Iterable[Deployment], changes: Iterable[Change]) -> Iterator[Deployment]:
    """The deployments, as far as ``changes`` take them back: an application's other images stay as they are."""
    places = {change.place for change in changes}
    return _with_changes(past, lambda change: change.place in places)


def _ran(past: Iterable[Deployment], tag: str) -> list[Change]:
    """The changes away from ``tag``, the newest first."""
    return [change for deployment in past for change in deployment.changes if change.before.tag == tag]


def never_ran(pins: Iterable[FoundPin], past: Sequence[Deployment], tag: str) -> list[ImageReference]:
    """The images of those ``pins`` that never were at ``tag`` in the deployments of the ``past``."""
    ran = {(change.app, change.image) for change in _ran(past, tag)}
    new = (found for found in pins if found.pin.tag != tag and (found.app, found.pin.repository) not in ran)
    return list(dict.fromkeys(ImageReference(one.pin.repository, tag) for one in new if one.pin.repository is not None))


def plan_to_tag(
    gathered: Gathered, past: Sequence[Deployment], pins: Sequence[FoundPin], tag: str,
    resolved: Mapping[ImageReference, str], rules: EnvironmentConfig, *, obey_holds: bool,
) -> Plan:  # fmt: skip
    """The edits that set ``pins`` to ``tag``, with the digest that it had when it ran, or else the ``resolved`` one."""
    digests, edits = {change.place: change.before.digest for change in _ran(past, tag)}, []
    for found in pins:
        digest = digests.get(found.place)
        write = digest is not None or rules.digests
        if digest is None and found.pin.repository is not None:
            digest = resolved.get(ImageReference(found.pin.repository, tag))
        edits.append((found, TagEdit(found.pin, tag, digest, write)))
    return make_plan(gathered, edits, gathered.warnings, obey_holds=obey_holds)


def pins_to_tag(
    gathered: Gathered, environment: str, apps: frozenset[str], past: Sequence[Deployment], tag: str
) -> list[FoundPin]:
    """The pins that ``--to tag`` means: of those images that run ``tag`` or ran it before, else of the only image."""
    pins = [
        found for found in gathered.pins
        if found.app in apps and found.pin.repository is not None and found.pin.refusal is None
    ]  # fmt: skip
    images = {(found.app, found.pin.repository): found.pin.tag for found in pins}
    ran = {(change.app, change.image) for change in _ran(past, tag)}
    chosen = [image for image, current in images.items() if current == tag or image in ran]
    if not chosen and len(images) == 1:
        chosen = list(images)
    named, where = ", ".join(sorted({str(repository) for _, repository in images})), ", ".join(sorted(apps))
    if not images:
        raise Refused(f"{where} in {environment} has no pin of its own that can be set.")
    if not chosen:
        raise Refused(
            f"none of the images of {where} in {environment} ran {tag} before, and there is more "
            f"than one ({named}); use `bumper bump {environment} IMAGE:{tag}`."
        )
    return [found for found in pins if (found.app, found.pin.repository) in chosen]
