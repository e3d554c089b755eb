"""What a promotion carries from one environment to another. Pure."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from bumper.environments.applications import AppFiles, Named, match_source
from bumper.environments.config_models import Config
from bumper.environments.effective import running
from bumper.environments.gather import FoundPin, Gathered
from bumper.environments.images import canonical
from bumper.environments.selection import choose_applications, is_named
from bumper.errors import Refused
from bumper.image import ImageReference, Repository
from bumper.planning.bump import Plan, explain_shared, make_plan
from bumper.values.change import Change, make_change
from bumper.values.pin import Version, format_path
from bumper.values.requested import explain_refusal, why_not
from bumper.values.tag_edit import TagEdit

_MAX_NAMED = 3  # images in a warning


@dataclass(frozen=True, slots=True)
class Choice:
    """Which applications and images a promotion is about."""

    apps: frozenset[str]
    images: tuple[str, ...] = ()  # globs; none means all

    def takes(self, found: FoundPin) -> bool:
        """Whether the pin is of a chosen application and image."""
        if found.app not in self.apps or found.pin.repository is None:
            return False
        name = str(found.pin.repository)
        return not self.images or any(fnmatchcase(name, glob) for glob in self.images)


@dataclass(frozen=True, slots=True)
class Carried:
    """A pin of the target and the image that it gets: its own, in the version that the source runs."""

    target: FoundPin
    image: ImageReference
    shared: bool  # the pin stands in a base file, which is never written
    with_its_digest: bool = False  # the source's values pin a digest, and the target's have a place for it
    alike: bool = False  # the target says what the source says

    def with_digest(self, digests: Mapping[ImageReference, str]) -> "Carried":
        """The pin and its image with the digest that was found for it, if one was."""
        return replace(self, image=self.image.with_digest(digests.get(self.image.with_digest(None), self.image.digest)))


def choose(
    source: Gathered, target: Gathered, apps: Sequence[str], images: Sequence[str], names: tuple[str, str]
) -> Choice:
    """What ``--app`` and ``--image`` name, in either environment; ``names`` are the environments'.

    Raises:
        Refused: a glob matches nothing, or a name several applications.

    """
    known = (*source.applications, *target.applications)
    for glob in apps:
        if not any(is_named(app, glob) for app in known):
            listed = ", ".join(dict.fromkeys(app.app for app in known[:20]))
            raise Refused(f"No application is called {glob!r}", f"there are {listed}")
    chosen = choose_applications(target.applications, names[1], apps, may_be_missing=True)
    chosen |= choose_applications(source.applications, names[0], apps, may_be_missing=True)
    repositories = {str(found.pin.repository) for found in (*source.pins, *source.shared, *target.pins)}
    for glob in images:
        if not any(fnmatchcase(name, glob) for name in repositories):
            raise Refused(f"No image matches {glob!r}; `bumper status --all` shows the images.")
    return Choice(chosen, tuple(images))


@dataclass(frozen=True, slots=True)
class Matched:
    """The target's pins with the source's versions, and warnings about the rest."""

    carried: tuple[Carried, ...]
    warnings: tuple[str, ...]

    def without(self, apps: Container[str]) -> "Matched":
        """What was matched, without these applications of the target."""
        return replace(self, carried=tuple(one for one in self.carried if one.target.app not in apps))

    def with_digests(self, digests: Mapping[ImageReference, str]) -> "Matched":
        """What was matched, with the digests that were found for the images (by their reference with the tag alone)."""
        return replace(self, carried=tuple(one.with_digest(digests) for one in self.carried))


def plan_promote(target: Gathered, matched: Matched, environment: str, *, write_digests: bool) -> Plan:
    """The edits that give the target ``environment`` the versions that the source runs.

    Raises:
        Refused: something differs and none of it can be set.

    """
    settable = [one for one in matched.carried if why_not(one.target.pin, one.image) is None and not one.shared]
    refusals = [
        _explain(target, one, environment)
        for one in matched.carried
        if (one.shared or why_not(one.target.pin, one.image) is not None) and _is_other_version(one)
    ]
    edits = [
        (one.target, TagEdit(one.target.pin, one.image.tag, one.image.digest, write_digests or one.with_its_digest))
        for one in settable
        if not one.alike
    ]
    plan = make_plan(target, edits, [*matched.warnings, *refusals])
    alike = {one.target.place for one in settable if one.alike}
    plan = replace(plan, covers=plan.covers | alike)
    if refusals and not plan.changes and not plan.held:
        raise Refused("\n".join(refusals))
    return plan


@dataclass(frozen=True, slots=True)
class Differing:
    """The changes that a promotion would make, digests aside, and those of them that a hold stops."""

    changes: tuple[Change, ...]
    held: tuple[Change, ...]


def differing(matched: Matched) -> Differing:
    """Where the target's own pins say something else than the source runs, before any digest is looked up."""
    changes: list[Change] = []
    held: list[Change] = []
    for one in matched.carried:
        found = one.target
        if one.alike or one.shared or found.pin.refusal is not None:
            continue
        change = make_change(found.app, found.file, found.pin, Version(one.image.tag, one.image.digest))
        (changes if found.held is None else held).append(change)
    return Differing(tuple(changes), tuple(held))


def match(source: Gathered, target: Gathered, choice: Choice, config: Config, names: tuple[str, str]) -> Matched:
    """The target's pins with the source's versions: by application, then image, then path; and what is not guessed.

    ``names`` are the names of the two environments.
    """
    known = running(source, names[0], config)
    by_image = _by_image(known.pins, config)
    sources = _sources_by_name(source)
    targets = {app.app: app for app in target.applications}
    carried: list[Carried] = []
    warnings = [*source.warnings, *target.warnings, *_one_sided(source, target, choice, names)]
    own = ((found, False) for found in target.pins)
    for found, shared in (*own, *((found, True) for found in target.shared)):
        if not choice.takes(found) or found.pin.repository is None:
            continue
        app = _source_of(targets[found.app], sources, names)
        if app is not None and app in known.unknown:
            raise Refused(
                f"what {names[0]} runs of {app} is not known, because a file cannot be read: {known.unknown[app]}",
                "correct it, or leave the application out with --app",
            )
        of_image = by_image.get((app, canonical(config, found.pin.repository)), ()) if app is not None else ()
        chosen = [one for one in of_image if one.pin.path == found.pin.path] or of_image
        if len({one.pin.version for one in chosen}) > 1:
            warnings.append(_disagree(found, found.pin.repository, chosen, names[0]))
        elif chosen:
            carried.append(_carry(chosen[0], found, found.pin.repository, shared=shared))
    chosen_pins = [found for found in (*target.pins, *target.shared) if choice.takes(found)]
    strangers = _strangers(chosen_pins, lambda app: _source_of(targets[app], sources, names), by_image, config)
    warnings += [_nothing_in_common(found, others, names) for found, others in strangers]
    return Matched(tuple(carried), tuple(dict.fromkeys(warnings)))


def _strangers(
    pins: Sequence[FoundPin], source_of: Callable[[str], str | None],
    by_image: Mapping[tuple[str, str], Sequence[FoundPin]], config: Config,
) -> Iterator[tuple[FoundPin, list[str]]]:  # fmt: skip
    """A pin of each application that runs no image of the source's, and what that one runs instead."""
    by_app: defaultdict[str, list[FoundPin]] = defaultdict(list)
    for found in pins:
        if found.pin.repository is not None:
            by_app[found.app].append(found)
    there: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for (app, image), running_there in by_image.items():
        there[app][image] = str(running_there[0].pin.repository)
    for app, own in by_app.items():
        others = there.get(source_of(app) or "", {})
        images = {canonical(config, found.pin.repository) for found in own if found.pin.repository is not None}
        if others and images.isdisjoint(others):
            yield own[0], sorted(others.values())


def _nothing_in_common(found: FoundPin, others: Sequence[str], names: tuple[str, str]) -> str:
    return (
        f"{found.app}: {names[1]} runs {found.pin.repository} and {names[0]} runs {', '.join(others[:_MAX_NAMED])}, so "
        "nothing of it was promoted; if these are the same image, name both in same_as of bumper.yaml."
    )


def _sources_by_name(source: Gathered) -> Mapping[str, Sequence[Named]]:
    """The source's applications by what ``{app}`` matched."""
    by_name: defaultdict[str, list[Named]] = defaultdict(list)
    for app in source.applications:
        by_name[app.identity.app].append(Named(app.app, app.identity))
    return by_name


def _source_of(target: AppFiles, sources: Mapping[str, Sequence[Named]], names: tuple[str, str]) -> str | None:
    """The name of the source's application that ``target`` is promoted from."""
    known = sources.get(target.identity.app, ())
    source = match_source(Named(target.app, target.identity), known, names)
    return source.name if source is not None else None


def _by_image(pins: Iterable[FoundPin], config: Config) -> Mapping[tuple[str, str], Sequence[FoundPin]]:
    """What the source runs, by application and image."""
    by_image: defaultdict[tuple[str, str], list[FoundPin]] = defaultdict(list)
    for found in {(found.own_file, found.app, found.pin.path, found.pin.repository): found for found in pins}.values():
        if found.pin.repository is not None and (found.pin.tag or found.pin.digest) is not None:
            by_image[found.app, canonical(config, found.pin.repository)].append(found)
    return by_image


def _carry(source: FoundPin, target: FoundPin, repository: Repository, *, shared: bool) -> Carried:
    in_tag = not source.pin.digest_scalars
    has_place = in_tag or bool(target.pin.digest_scalars)
    # An unquoted 1.10 is another tag than "1.10" to Helm, though the same text stands there.
    alike = source.pin.version == target.pin.version and (target.pin.reads_as_text or not source.pin.reads_as_text)
    image = ImageReference(repository, source.pin.tag, source.pin.digest)
    return Carried(target, image, shared, source.pin.digest is not None and has_place, alike)


def _one_sided(source: Gathered, target: Gathered, choice: Choice, names: tuple[str, str]) -> Iterator[str]:
    """What is in one of the environments only; an application that may be several is refused when it is needed."""
    sources = _sources_by_name(source)
    matched: set[str] = set()
    unmatched: list[str] = []
    for app in target.applications:
        known = sources.get(app.identity.app, ())
        several = len(known) > 1 and all(one.identity != app.identity for one in known)
        names_there = [one.name for one in known] if several else [_source_of(app, sources, names)]
        matched.update(name for name in names_there if name is not None)
        if names_there == [None]:
            unmatched.append(app.app)
    for app in source.applications:
        if app.app in choice.apps and app.app not in matched:
            yield f"{app.app} is in {names[0]} only, not in {names[1]}; it was left alone."
    for name in unmatched:
        if name in choice.apps:
            yield f"{name} is in {names[1]} only, not in {names[0]}; it was left alone."


def _disagree(found: FoundPin, repository: Repository, running: Sequence[FoundPin], source: str) -> str:
    versions = ", ".join(f"{one.file}: {format_path(one.pin.path)} at {one.pin.version}" for one in running)
    return (
        f"{found.app}: {source} runs {repository} in several versions ({versions}), so {found.file}: "
        f"{format_path(found.pin.path)} was left alone; set it with bumper bump, or bring them together."
    )


def _is_other_version(one: Carried) -> bool:
    pin = one.target.pin
    return (one.image.tag or one.image.digest) != (pin.tag or pin.digest)


def _explain(target: Gathered, one: Carried, environment: str) -> str:
    if one.shared:
        return explain_shared(target, one.target, environment, one.image)
    return explain_refusal(target.values[one.target.file], one.target.pin, one.image)
