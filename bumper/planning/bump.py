"""What a bump would change: pins found by their repository, never by guessing a path. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from bumper.environments.gather import FoundPin, Gathered
from bumper.errors import Refused, WrongUsage
from bumper.image import ImageReference, Repository
from bumper.values.aliases import moved_unasked
from bumper.values.change import Change, Held, make_change, unified_diff
from bumper.values.left_alone import explain_left_alone, explain_other_names, nearest_names
from bumper.values.pin import Pin, PinPath, Version, format_path
from bumper.values.requested import explain_edits, explain_other, explain_refusal, lines_to_add, places_along, why_not
from bumper.values.tag_edit import TagEdit, changes_file, set_tags, written_scalars
from bumper.values.values_file import ValuesFile, describe

_MAX_OTHER_NAMES = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """The edits of a request and what they change.

    ``covers`` are all pins (file, path) that the request speaks for, those included that hold the tag already.
    ``along`` are the places beside the pins whose value changes, because they share an anchor with one.
    """

    edits: tuple[tuple[FoundPin, TagEdit], ...]
    changes: tuple[Change, ...]
    covers: frozenset[tuple[str, str]]
    held: tuple[Held, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    along: tuple[Change, ...] = ()


def check_images(images: Sequence[ImageReference]) -> tuple[ImageReference, ...]:
    """``images`` without repetitions, in one order: a proposal is the same however its images were listed.

    Raises:
        WrongUsage: one repository stands there with two tags or digests.

    """
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
        found = [one for one in _of(gathered.pins, image.repository) if one.app in apps]
        pins = [one.pin for one in found if one.pin.refusal is None]
        changes = any((pin.tag, image.digest or pin.digest) != (image.tag, pin.digest) for pin in pins)
        holds_digest = any(write_digests or pin.digest is not None for pin in pins)
        if changes or (holds_digest and image.digest is None):
            wanted.append(image)
            wanted += [
                ImageReference(one.pin.repository, image.tag)
                for one in _sharing_a_tag(gathered, found)
                if one.pin.repository
            ]
    return list(dict.fromkeys(wanted))


def _sharing_a_tag(gathered: Gathered, found: Iterable[FoundPin]) -> Iterator[FoundPin]:
    """The pins of other images that bumper.yaml gives to the places of ``found``."""
    places = {(one.app, one.file, one.pin.path): one.pin.repository for one in found}
    for one in gathered.pins:
        place = (one.app, one.file, one.pin.path)
        if place in places and places[place] != one.pin.repository:
            yield one


def _with_shared_tags(
    gathered: Gathered, edits: Sequence[tuple[FoundPin, TagEdit]]
) -> tuple[tuple[FoundPin, TagEdit], ...]:
    """The edits, and those of the images that get the same tag by them.

    Raises:
        Refused: one tag of several images would have to be two.

    """
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
    along = [
        (one, TagEdit(one.pin, chosen[one.file, one.pin.path].tag))
        for one in _sharing_a_tag(gathered, (found for found, _ in edits))
        if (one.file, one.pin.path, one.pin.repository) not in asked
    ]
    return (*edits, *along)


def plan_bump(
    gathered: Gathered, environment: str, images: Sequence[ImageReference], apps: frozenset[str],
    *, write_digests: bool, allow_missing: bool,
) -> Plan:  # fmt: skip
    """The edits that give every pin of ``images`` its tag.

    Raises:
        Refused: nothing uses an image, or none of its pins can be set.

    """
    edits: list[tuple[FoundPin, TagEdit]] = []
    warnings = list(gathered.warnings)
    for image in images:
        found = [pin for pin in _of(gathered.pins, image.repository) if pin.app in apps]
        shared = [pin for pin in _of(gathered.shared, image.repository) if pin.app in apps]
        settable = [pin for pin in found if why_not(pin.pin, image) is None]
        refused = [each for each in found if why_not(each.pin, image) is not None]
        refusals = [explain_refusal(gathered.values[each.file], each.pin, image) for each in refused]
        refusals += [*_refusals_of_shared(shared, gathered, environment, image)]
        if not settable and refusals:
            raise Refused("\n".join(refusals))
        if not settable:
            missing = _explain_missing(gathered, environment, image, apps)
            if not allow_missing:
                others = islice(_other_names(gathered, image, apps), _MAX_OTHER_NAMES)
                raise Refused("\n".join([missing, *_left_alone(gathered, image, apps), *others]))
            warnings.append(missing)
        warnings += [*refusals, *_left_alone(gathered, image, apps)]
        edits += [(pin, TagEdit(pin.pin, image.tag, image.digest, write_digests)) for pin in settable]
    return make_plan(gathered, edits, warnings)


def make_plan(
    gathered: Gathered,
    edits: Iterable[tuple[FoundPin, TagEdit]],
    warnings: Sequence[str],
    *,
    obey_holds: bool = True,
) -> Plan:
    """The plan of ``edits``: those that change nothing are left out, those on a held pin are listed as held.

    Places that change along, because they are aliases, are warned of.
    """
    values, asked = gathered.values, _with_shared_tags(gathered, tuple(edits))
    needed, held = [], []
    sharing = _sharing(values, asked)
    for found, edit in asked:
        if found not in sharing and changes_file(values[found.file], edit):
            reason = found.held if obey_holds else None
            tag = None if edit.pin.is_digest_only else edit.tag or None
            change = make_change(found.app, found.file, found.pin, Version(tag, edit.digest))
            if reason is None:
                needed.append((found, edit, change))
            else:
                held.append(Held(change, reason))
    _refuse_all_sharing(sharing, asked)
    changed = [(found, edit) for found, edit, _ in needed]
    kept = {one.change.place for one in held}
    followers = (line for file, own in _by_file(changed).items() for line in explain_edits(values[file], own))
    return Plan(
        edits=tuple(changed),
        changes=tuple(change for _, _, change in needed),
        covers=frozenset(found.place for found, _ in asked) - kept,
        held=tuple(held),
        warnings=(*warnings, *sharing.values(), *followers),
        along=tuple(_along(values, needed)),
    )


def _along(
    values: Mapping[str, ValuesFile], needed: Sequence[tuple[FoundPin, TagEdit, Change]]
) -> Iterator[Change]:  # fmt: skip
    """The changes of places beside the pins, each as that of the pin with which it shares an anchor."""
    by_edit = {id(edit): change for _, edit, change in needed}
    for file, edits in _by_file((found, edit) for found, edit, _ in needed).items():
        for edit, path, line in places_along(values[file], edits):
            yield replace(by_edit[id(edit)], path=format_path(path), line=line)


def _sharing(values: Mapping[str, ValuesFile], edits: Sequence[tuple[FoundPin, TagEdit]]) -> dict[FoundPin, str]:
    """The pins that cannot be set without a pin of another image, which no edit is about, and why."""
    sharing: dict[FoundPin, str] = {}
    by_file = _by_file(edits)
    for found, edit in edits:
        if edit.pin.others:
            file, asked = values[found.file], [other.pin for other in by_file[found.file]]
            other = moved_unasked(edit.pin, written_scalars(file, edit), asked)
            if other is not None:
                sharing[found] = explain_other(file, edit.pin, other)
    return sharing


def _refuse_all_sharing(sharing: Mapping[FoundPin, str], edits: Iterable[tuple[FoundPin, TagEdit]]) -> None:
    """Refuse where an image has no other pin than those that share their value with another image's."""
    left = {found.pin.repository for found, _ in edits if found not in sharing}
    refused = [reason for found, reason in sharing.items() if found.pin.repository not in left]
    if refused:
        raise Refused("\n".join(refused))


def apply_plan(plan: Plan, values: Mapping[str, ValuesFile]) -> dict[str, bytes]:
    """The new bytes of every file that the plan changes, each edit proven."""
    return {file: set_tags(values[file], edits) for file, edits in _by_file(plan.edits).items()}


def _by_file(edits: Iterable[tuple[FoundPin, TagEdit]]) -> dict[str, list[TagEdit]]:
    by_file: dict[str, list[TagEdit]] = {}
    for found, edit in edits:
        by_file.setdefault(found.file, []).append(edit)
    return by_file


def diff_of(files: Mapping[str, bytes], values: Mapping[str, ValuesFile]) -> str:
    """The unified diff of the plan's files."""
    return "".join(
        unified_diff(file, values[file].encode(values[file].text), content) for file, content in files.items()
    )


def _of(pins: Iterable[FoundPin], repository: Repository) -> Iterator[FoundPin]:
    return (found for found in pins if found.pin.repository == repository)


def _refusals_of_shared(
    shared: Iterable[FoundPin], gathered: Gathered, environment: str, image: ImageReference
) -> Iterator[str]:
    for found in shared:
        if found.own_file in gathered.unreadable_files:  # who knows whether it overrides the tag
            yield str(gathered.unreadable_files[found.own_file])
        else:
            yield explain_shared(gathered, found, environment, image)


def explain_shared(gathered: Gathered, found: FoundPin, environment: str, image: ImageReference) -> str:
    """Why a pin of a base file is not set, and what to add to the environment's own file."""
    place = describe(gathered.values[found.file], found.pin)
    return (
        f"{place} is shared by environments, and {environment} of {found.app} does not override it; "
        f"add to {found.own_file}\n{lines_to_add(found.pin, image)}"
    )


def _left_alone(gathered: Gathered, image: ImageReference, apps: frozenset[str]) -> Iterator[str]:
    """Where the chosen applications' files name ``image`` in a form that is not edited."""
    for file, pins in _pins_by_file(gathered, apps).items():
        yield from explain_left_alone(gathered.values[file], pins, image)


def _other_names(gathered: Gathered, image: ImageReference, apps: frozenset[str]) -> Iterator[str]:
    """Which of the chosen applications' pins may be of ``image``, which none of them names."""
    for file, pins in _pins_by_file(gathered, apps).items():
        yield from explain_other_names(gathered.values[file], pins, image)


def _pins_by_file(gathered: Gathered, apps: frozenset[str]) -> Mapping[str, Sequence[Pin]]:
    by_file: defaultdict[str, list[Pin]] = defaultdict(list)
    for found in gathered.with_shared:
        if found.app in apps:
            by_file[found.file].append(found.pin)
    return by_file


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
    return f"Nothing in {environment} uses {repository}; {hint}{unreadable}"
