"""What a bump would change: pins found by their repository, never by guessing a path. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

from bumper.environments.gather import FoundPin, Gathered
from bumper.errors import Refused, WrongUsage
from bumper.image import ImageReference, Repository
from bumper.values.change import Change, Held, make_change, unified_diff
from bumper.values.pin import Pin, PinPath, Version, format_path
from bumper.values.requested import (
    explain_edits,
    explain_left_alone,
    explain_other,
    explain_other_names,
    explain_refusal,
    lines_to_add,
    nearest_names,
    places_along,
    why_not,
)
from bumper.values.tag_edit import TagEdit, changes_file, moved_unasked, set_tags, written_scalars
from bumper.values.values_file import ValuesFile, describe

_MAX_OTHER_NAMES = 5
_Edit: TypeAlias = tuple[FoundPin, TagEdit]


@dataclass(frozen=True, slots=True)
class Plan:
    """The edits of a request and what they change.

    ``covers`` are all pins (file, path) that the request speaks for, those included that hold the tag already.
    ``along`` are the places beside the pins whose value changes, because they share an anchor with one.
    """

    edits: tuple[_Edit, ...]
    changes: tuple[Change, ...]
    covers: frozenset[tuple[str, str]]
    held: tuple[Held, ...] = ()
    warnings: tuple[str, ...] = ()
    along: tuple[Change, ...] = ()


def check_images(images: Sequence[ImageReference]) -> tuple[ImageReference, ...]:
    """``images`` once each, in one order, however they were listed; one repository with two tags is refused."""
    chosen: dict[Repository, ImageReference] = {}
    for image in images:
        other = chosen.setdefault(image.repository, image)
        if other != image:
            raise WrongUsage(f"{other} and {image} are the same repository; give it one tag.")
    return tuple(chosen[repository] for repository in sorted(chosen, key=str))


def images_to_resolve(
    gathered: Gathered, images: Sequence[ImageReference], apps: frozenset[str], *, write_digests: bool
) -> list[ImageReference]:
    """The images that a bump would change, and those that it may once the digest is known: a tag may have moved."""
    wanted: list[ImageReference] = []
    for image in images:
        found = _of(gathered.pins, image, apps)
        pins = [one.pin for one in found if one.pin.refusal is None]
        changes = any((pin.tag, image.digest or pin.digest) != (image.tag, pin.digest) for pin in pins)
        holds_digest = any(write_digests or pin.digest is not None for pin in pins)
        if changes or (holds_digest and image.digest is None):
            others = (one.pin.repository for one in _sharing_a_tag(gathered, found))
            wanted += [image, *(ImageReference(other, image.tag) for other in others if other is not None)]
    return list(dict.fromkeys(wanted))


def _of(pins: Iterable[FoundPin], image: ImageReference, apps: frozenset[str]) -> list[FoundPin]:
    return [found for found in pins if found.pin.repository == image.repository and found.app in apps]


def _sharing_a_tag(gathered: Gathered, found: Iterable[FoundPin]) -> Iterator[FoundPin]:
    """The pins of other images that bumper.yaml gives to the places of ``found``."""
    places = {(one.app, one.file, one.pin.path): one.pin.repository for one in found}
    for one in gathered.pins:
        place = (one.app, one.file, one.pin.path)
        if place in places and places[place] != one.pin.repository:
            yield one


def plan_bump(
    gathered: Gathered, environment: str, images: Sequence[ImageReference], apps: frozenset[str],
    *, write_digests: bool, allow_missing: bool,
) -> Plan:  # fmt: skip
    """The edits that give every pin of ``images`` its tag; refused where one has no pin, or none that can be set."""
    edits: list[_Edit] = []
    warnings = list(gathered.warnings)
    for image in images:
        found = _of(gathered.pins, image, apps)
        settable = [one for one in found if why_not(one.pin, image) is None]
        refused = [one for one in found if why_not(one.pin, image) is not None]
        refusals = [explain_refusal(gathered.values[one.file], one.pin, image) for one in refused]
        for one in _of(gathered.shared, image, apps):
            unreadable = gathered.unreadable_files.get(one.own_file)  # who knows whether it overrides the tag
            refusals.append(str(unreadable or explain_shared(gathered, one, environment, image)))
        if not settable and refusals:
            raise Refused("\n".join(refusals))
        left_alone = _in_files(explain_left_alone, gathered, image, apps)
        if not settable:
            missing = _explain_missing(gathered, environment, image, apps)
            if not allow_missing:
                others = islice(_in_files(explain_other_names, gathered, image, apps), _MAX_OTHER_NAMES)
                raise Refused("\n".join([missing, *left_alone, *others]))
            warnings.append(missing)
        warnings += [*refusals, *left_alone]
        edits += [(pin, TagEdit(pin.pin, image.tag, image.digest, write_digests)) for pin in settable]
    return make_plan(gathered, edits, warnings)


def make_plan(gathered: Gathered, edits: Iterable[_Edit], warnings: Sequence[str], *, obey_holds: bool = True) -> Plan:
    """The plan of ``edits``: those that change nothing are left out, those on a held pin are listed as held.

    Places that change along, because they are aliases, are warned of.
    """
    values, asked = gathered.values, _with_shared_tags(gathered, tuple(edits))
    sharing = _sharing(values, asked)
    needed: list[_Edit] = []
    changes: list[Change] = []
    held: list[Held] = []
    for found, edit in asked:
        if found not in sharing and changes_file(values[found.file], edit):
            tag = None if edit.pin.is_digest_only else edit.tag or None
            change = make_change(found.app, found.file, found.pin, Version(tag, edit.digest))
            if found.held is not None and obey_holds:
                held.append(Held(change, found.held))
            else:
                needed.append((found, edit))
                changes.append(change)
    by_edit = {id(edit): change for (_, edit), change in zip(needed, changes, strict=True)}
    by_file = _by_file(needed).items()
    followers = (line for file, own in by_file for line in explain_edits(values[file], own))
    along = (place for file, own in by_file for place in places_along(values[file], own))
    return Plan(
        edits=tuple(needed),
        changes=tuple(changes),
        covers=frozenset(found.place for found, _ in asked) - {one.change.place for one in held},
        held=tuple(held),
        warnings=(*warnings, *sharing.values(), *followers),
        along=tuple(replace(by_edit[id(edit)], path=format_path(path), line=line) for edit, path, line in along),
    )


def _with_shared_tags(gathered: Gathered, edits: tuple[_Edit, ...]) -> tuple[_Edit, ...]:
    """The edits, and those of the images that get the same tag by them; refused where it would have to be two."""
    chosen: dict[tuple[str, PinPath], TagEdit] = {}
    asked = {(found.file, found.pin.path, found.pin.repository) for found, _ in edits}
    for found, edit in edits:
        other = chosen.setdefault((found.file, found.pin.path), edit)
        if other.tag != edit.tag and found.pin.repository != other.pin.repository:
            raise Refused(
                f"{describe(gathered.values[found.file], found.pin)} is one tag for {other.pin.repository} and "
                f"{found.pin.repository}, which cannot be {other.tag} and {edit.tag} too",
                "give both the same tag, or each its own place in the values",
            )
    along = (
        (one, TagEdit(one.pin, chosen[one.file, one.pin.path].tag))
        for one in _sharing_a_tag(gathered, (found for found, _ in edits))
        if (one.file, one.pin.path, one.pin.repository) not in asked
    )
    return (*edits, *along)


def _sharing(values: Mapping[str, ValuesFile], edits: Sequence[_Edit]) -> dict[FoundPin, str]:
    """The pins that cannot be set without a pin of another image, which no edit is about, and why.

    Refused where an image has no other pins.
    """
    sharing: dict[FoundPin, str] = {}
    by_file = _by_file(edits)
    for found, edit in edits:
        if edit.pin.others:
            file, asked = values[found.file], [other.pin for other in by_file[found.file]]
            other = moved_unasked(edit.pin, written_scalars(file, edit), asked)
            if other is not None:
                sharing[found] = explain_other(file, edit.pin, other)
    left = {found.pin.repository for found, _ in edits if found not in sharing}
    if refused := [reason for found, reason in sharing.items() if found.pin.repository not in left]:
        raise Refused("\n".join(refused))
    return sharing


def apply_plan(plan: Plan, values: Mapping[str, ValuesFile]) -> dict[str, bytes]:
    """The new bytes of every file that the plan changes, each edit proven."""
    return {file: set_tags(values[file], edits) for file, edits in _by_file(plan.edits).items()}


def _by_file(edits: Iterable[_Edit]) -> Mapping[str, list[TagEdit]]:
    by_file: defaultdict[str, list[TagEdit]] = defaultdict(list)
    for found, edit in edits:
        by_file[found.file].append(edit)
    return by_file


def diff_of(files: Mapping[str, bytes], values: Mapping[str, ValuesFile]) -> str:
    """The unified diff of the plan's files."""
    return "".join(
        unified_diff(file, values[file].encode(values[file].text), content) for file, content in files.items()
    )


def explain_shared(gathered: Gathered, found: FoundPin, environment: str, image: ImageReference) -> str:
    """Why a pin of a base file is not set, and what to add to the environment's own file."""
    place = describe(gathered.values[found.file], found.pin)
    return (
        f"{place} is shared by environments, and {environment} of {found.app} does not override it; "
        f"add to {found.own_file}\n{lines_to_add(found.pin, image)}"
    )


def _in_files(
    explain: Callable[[ValuesFile, Sequence[Pin], ImageReference], Iterable[str]],
    gathered: Gathered, image: ImageReference, apps: frozenset[str],
) -> Iterator[str]:  # fmt: skip
    """What there is to explain of ``image`` in each of the chosen applications' files, beside its pins."""
    by_file: defaultdict[str, list[Pin]] = defaultdict(list)
    for found in gathered.with_shared:
        if found.app in apps:
            by_file[found.file].append(found.pin)
    for file, pins in by_file.items():
        yield from explain(gathered.values[file], pins, image)


def _explain_missing(gathered: Gathered, environment: str, image: ImageReference, apps: frozenset[str]) -> str:
    repository = image.repository
    nearest = nearest_names(repository, (found.pin.repository for found in gathered.pins if found.app in apps))
    sections = dict.fromkeys(format_path(app.section) for app in gathered.applications if app.section)
    if nearest:
        hint = f"did you mean {' or '.join(nearest)}?"
    elif sections and not gathered.pins:
        hint = f"its files hold no image below {' or '.join(sections)} (at in bumper.yaml); correct that."
    else:
        hint = "`bumper pins FILE` lists what a file uses; bumper.yaml's `images` names what values do not."
    broken = gathered.unreadable
    unreadable = f" ({len(broken)} of its files could not be read, the first: {broken[0]})" if broken else ""
    return f"nothing in {environment} uses {repository}; {hint}{unreadable}"
