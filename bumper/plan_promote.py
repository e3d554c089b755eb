"""What a promotion carries from one environment to another. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bumper.change import Version
from bumper.config_models import Config
from bumper.errors import Refused
from bumper.explain import explain_refusal, lines_to_add
from bumper.gather import FoundPin, Gathered
from bumper.image import ImageReference, Repository
from bumper.pin_path import PinPath, format_path
from bumper.plan import Plan, make_plan
from bumper.same_images import canonical
from bumper.tag_edit import TagEdit
from bumper.values_file import describe


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
    """A pin of the target and the version that the source runs."""

    target: FoundPin
    version: Version
    shared: bool  # the pin stands in a base file, which is never written


def choose(source: Gathered, target: Gathered, apps: Sequence[str], images: Sequence[str]) -> Choice:
    """What ``--app`` and ``--image`` name, in either environment.

    Raises:
        Refused: a glob matches nothing.

    """
    known = dict.fromkeys((*source.apps, *target.apps))
    for glob in apps:
        if not any(fnmatchcase(app, glob) for app in known):
            raise Refused(f"No application is called {glob!r}; there are {', '.join(list(known)[:20])}.")
    chosen = frozenset(app for app in known if not apps or any(fnmatchcase(app, glob) for glob in apps))
    repositories = {str(found.pin.repository) for found in (*source.pins, *source.shared, *target.pins)}
    for glob in images:
        if not any(fnmatchcase(name, glob) for name in repositories):
            raise Refused(f"No image matches {glob!r}; `bumper status --all` shows the images.")
    return Choice(chosen, tuple(images))


def plan_promote(
    source: Gathered, target: Gathered, choice: Choice, config: Config, names: tuple[str, str], *, write_digests: bool
) -> Plan:
    """The edits that give the target the versions that the source runs; ``names`` are the environments' names.

    Raises:
        Refused: something differs and none of it can be set.

    """
    carried, warnings = match(source, target, choice, config, names)
    settable = [one for one in carried if one.target.pin.refusal is None and not one.shared]
    refusals = [
        _explain(target, one, names[1])
        for one in carried
        if (one.shared or one.target.pin.refusal is not None) and one.version.tag != one.target.pin.tag
    ]
    plan = make_plan(
        target.values,
        [
            (one.target, TagEdit(one.target.pin, one.version.tag or "", one.version.digest, write_digests))
            for one in settable
        ],
        [*source.unreadable, *target.unreadable, *warnings, *refusals],
    )
    if refusals and not plan.changes and not plan.held:
        raise Refused("\n".join(refusals))
    return plan


def match(
    source: Gathered, target: Gathered, choice: Choice, config: Config, names: tuple[str, str]
) -> tuple[list[Carried], list[str]]:
    """The target's pins with the source's versions: by application, then image, then path; and what is not guessed."""
    running = _running(source, choice, config)
    carried, warnings = [], list(_one_sided(source, target, choice, names))
    own = ((found, False) for found in target.pins)
    for found, shared in (*own, *((found, True) for found in target.shared)):
        if not choice.takes(found) or found.pin.repository is None:
            continue
        versions = running.get((found.app, canonical(config, found.pin.repository)), {})
        chosen = versions.get(found.pin.path)
        if chosen is None and len(set(versions.values())) > 1:
            warnings.append(_disagree(found, found.pin.repository, versions, names[0]))
        elif versions:
            carried.append(Carried(found, chosen or next(iter(versions.values())), shared))
    return carried, list(dict.fromkeys(warnings))


def _running(source: Gathered, choice: Choice, config: Config) -> Mapping[tuple[str, str], dict[PinPath, Version]]:
    """What the source runs, by application and image, then by path; a later file wins over an earlier one."""
    running: defaultdict[tuple[str, str], dict[PinPath, Version]] = defaultdict(dict)
    for found in (*source.shared, *source.pins):
        pin = found.pin
        if pin.repository is not None and found.app in choice.apps and pin.tag is not None:
            running[found.app, canonical(config, pin.repository)][pin.path] = Version(pin.tag, pin.digest)
    return running


def _one_sided(source: Gathered, target: Gathered, choice: Choice, names: tuple[str, str]) -> Iterator[str]:
    for here, there, name, other in ((source, target, *names), (target, source, *names[::-1])):
        for app in here.apps:
            if app in choice.apps and app not in there.apps:
                yield f"{app} is in {name} only, not in {other}; it was left alone."


def _disagree(found: FoundPin, repository: Repository, versions: Mapping[PinPath, Version], source: str) -> str:
    said = ", ".join(f"{format_path(path)} at {version}" for path, version in versions.items())
    return (
        f"{found.app}: {source} runs {repository} in several versions ({said}), so {found.file}: "
        f"{format_path(found.pin.path)} was left alone; set it with bumper bump, or bring them together."
    )


def _explain(target: Gathered, one: Carried, environment: str) -> str:
    found, pin = one.target, one.target.pin
    if pin.repository is None:
        raise ValueError(f"{found.file} was matched without a repository")
    image = ImageReference(pin.repository, one.version.tag, one.version.digest)
    if one.shared:
        place = describe(target.values[found.file], pin)
        return f"{place} is shared by environments; add to {environment}'s own file\n{lines_to_add(pin, image)}"
    return explain_refusal(target.values[found.file], pin, image)
