"""Which pins a promotion changes, and to which tags; its digests are found in records/digests.py. Pure."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bumper.environments.applications import Sources
from bumper.environments.config_models import Config
from bumper.environments.effective import running
from bumper.environments.gather import FoundPin, Gathered
from bumper.environments.selection import canonical, choose_applications, is_chosen, is_named
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
        repository = found.pin.repository
        return found.app in self.apps and repository is not None and is_chosen(repository, self.images)


@dataclass(frozen=True, slots=True)
class Carried:
    """A pin of the target and the image that it gets: its own, in the version that the source runs."""

    target: FoundPin
    image: ImageReference
    shared: bool  # the pin stands in a base file, which is never written
    with_its_digest: bool  # the source's values pin a digest, and the target's have a place for it
    alike: bool  # the target says what the source says


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
        images = [(one, one.image, digests.get(one.image.with_digest(None))) for one in self.carried]
        found = (replace(one, image=image.with_digest(digest or image.digest)) for one, image, digest in images)
        return replace(self, carried=tuple(found))


def choose(
    source: Gathered, target: Gathered, apps: Sequence[str], images: Sequence[str], names: tuple[str, str]
) -> Choice:
    """What ``--app`` and ``--image`` name, in either environment; ``names`` are the environments'."""
    known = (*source.applications, *target.applications)
    for glob in apps:
        if not any(is_named(app, glob) for app in known):
            listed = ", ".join(dict.fromkeys(app.app for app in known[:20]))
            raise Refused(f"no application is called {glob!r}", f"there are {listed}")
    chosen = choose_applications(target.applications, names[1], apps, may_be_missing=True)
    chosen |= choose_applications(source.applications, names[0], apps, may_be_missing=True)
    repositories = {found.pin.repository for found in (*source.pins, *source.shared, *target.pins)}
    for glob in images:
        if not any(is_chosen(repository, [glob]) for repository in repositories):
            raise Refused(f"no image matches {glob!r}; `bumper status --all` shows the images.")
    return Choice(chosen, tuple(images))


def match(source: Gathered, target: Gathered, choice: Choice, config: Config, names: tuple[str, str]) -> Matched:
    """The target's pins with the source's versions: by application, then image, then path; and what is not guessed.

    ``names`` are the names of the two environments.
    """
    known = running(source, names[0], config)
    runs = _by_image(known.pins, config)
    sources, apps = Sources(source.applications, names), {app.app: app for app in target.applications}
    carried: list[Carried] = []
    alone = _one_sided(source, target, sources, names)
    warnings = [*source.warnings, *target.warnings, *(warning for app, warning in alone if app in choice.apps)]
    images: defaultdict[str, dict[str, Repository]] = defaultdict(dict)  # of the target's applications
    own, of_bases = ((found, False) for found in target.pins), ((found, True) for found in target.shared)
    for found, shared in (*own, *of_bases):
        if not choice.takes(found) or found.pin.repository is None:
            continue
        app, image = sources.of(apps[found.app]), canonical(config, found.pin.repository)
        if app is not None and app in known.unknown:
            raise Refused(
                f"what {names[0]} runs of {app} is not known, because a file cannot be read: {known.unknown[app]}",
                "correct it, or leave the application out with --app",
            )
        images[found.app].setdefault(image, found.pin.repository)
        of_image = runs.get(app or "", {}).get(image, [])
        chosen = [one for one in of_image if one.pin.path == found.pin.path] or of_image
        if len({one.pin.version for one in chosen}) > 1:
            warnings.append(_disagree(found, found.pin.repository, chosen, names[0]))
        elif chosen:
            carried.append(_carry(chosen[0], found, found.pin.repository, shared=shared))
    for name, repositories in images.items():
        there = runs.get(sources.of(apps[name]) or "", {})
        if there and repositories.keys().isdisjoint(there):
            others = sorted(str(pins[0].pin.repository) for pins in there.values())
            warnings.append(_nothing_in_common(name, next(iter(repositories.values())), others, names))
    return Matched(tuple(carried), tuple(dict.fromkeys(warnings)))


def _one_sided(
    source: Gathered, target: Gathered, sources: Sources, names: tuple[str, str]
) -> Iterator[tuple[str, str]]:
    """The applications that are in one of the environments only, each with a warning.

    One that may be several of the source's is refused when it is needed.
    """
    matched: set[str] = set()
    unmatched: list[str] = []
    for app in target.applications:
        known = sources.alike(app)
        several = len(known) > 1 and all(one.identity != app.identity for one in known)
        found = {one.app for one in known} if several else set(filter(None, [sources.of(app)]))
        matched |= found
        unmatched += [] if found else [app.app]
    alone = [app.app for app in source.applications if app.app not in matched]
    yield from ((app, f"{app} is in {names[0]} only, not in {names[1]}; it was left alone.") for app in alone)
    yield from ((app, f"{app} is in {names[1]} only, not in {names[0]}; it was left alone.") for app in unmatched)


def _by_image(pins: Iterable[FoundPin], config: Config) -> Mapping[str, Mapping[str, list[FoundPin]]]:
    """What the source runs, by application and image."""
    found: defaultdict[str, defaultdict[str, list[FoundPin]]] = defaultdict(lambda: defaultdict(list))
    for one in {(one.own_file, one.app, one.pin.path, one.pin.repository): one for one in pins}.values():
        if one.pin.repository is not None and (one.pin.tag or one.pin.digest) is not None:
            found[one.app][canonical(config, one.pin.repository)].append(one)
    return found


def _carry(source: FoundPin, target: FoundPin, repository: Repository, *, shared: bool) -> Carried:
    has_place = not source.pin.digest_scalars or bool(target.pin.digest_scalars)
    # An unquoted 1.10 is another tag than "1.10" to Helm, though the same text stands there.
    alike = source.pin.version == target.pin.version and (target.pin.reads_as_text or not source.pin.reads_as_text)
    image = ImageReference(repository, source.pin.tag, source.pin.digest)
    return Carried(target, image, shared, source.pin.digest is not None and has_place, alike)


def _disagree(found: FoundPin, repository: Repository, running: Sequence[FoundPin], source: str) -> str:
    versions = ", ".join(f"{one.file}: {format_path(one.pin.path)} at {one.pin.version}" for one in running)
    return (
        f"{found.app}: {source} runs {repository} in several versions ({versions}), so {found.file}: "
        f"{format_path(found.pin.path)} was left alone; set it with bumper bump, or bring them together."
    )


def _nothing_in_common(app: str, image: Repository, others: Sequence[str], names: tuple[str, str]) -> str:
    return (
        f"{app}: {names[1]} runs {image} and {names[0]} runs {', '.join(others[:_MAX_NAMED])}, so "
        "nothing of it was promoted; if these are the same image, name both in same_as of bumper.yaml."
    )


def differing(matched: Matched) -> tuple[list[Change], list[Change]]:
    """Where the target's own pins say something else than the source runs, and where they do and are held.

    That is known before any digest is looked up.
    """
    changes: list[Change] = []
    held: list[Change] = []
    for one in matched.carried:
        found = one.target
        if not (one.alike or one.shared or found.pin.refusal is not None):
            change = make_change(found.app, found.file, found.pin, Version(one.image.tag, one.image.digest))
            (changes if found.held is None else held).append(change)
    return changes, held


def plan_promote(target: Gathered, matched: Matched, environment: str, *, write_digests: bool) -> Plan:
    """The edits that give the target the versions that the source runs; refused where none of them can be set."""
    edits: list[tuple[FoundPin, TagEdit]] = []
    refusals: list[str] = []
    alike: set[tuple[str, str]] = set()
    for one in matched.carried:
        found, image = one.target, one.image
        if not one.shared and why_not(found.pin, image) is None:
            if one.alike:
                alike.add(found.place)
            else:
                edit = TagEdit(found.pin, image.tag, image.digest, write_digests or one.with_its_digest)
                edits.append((found, edit))
        elif (image.tag or image.digest) != (found.pin.tag or found.pin.digest):
            refusals.append(
                explain_shared(target, found, environment, image)
                if one.shared
                else explain_refusal(target.values[found.file], found.pin, image)
            )
    plan = make_plan(target, edits, [*matched.warnings, *refusals])
    if refusals and not plan.changes and not plan.held:
        raise Refused("\n".join(refusals))
    return replace(plan, covers=plan.covers | alike)
