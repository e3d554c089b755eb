"""The values files of lower precedence that an environment's applications share. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from bumper.environments.discovery.candidates import Candidate, put
from bumper.environments.discovery.manifests import Application
from bumper.environments.discovery.patterns import Templates, in_environment, literal, with_stars
from bumper.environments.discovery.placing import Place
from bumper.environments.path_pattern import APP, ENV, claim_paths
from bumper.environments.usual_names import CHART_VALUES, SHARED, chart_folders

Deployed: TypeAlias = tuple[str, str | None]  # an environment and an application in it


@dataclass(slots=True)
class Bases:
    """Which applications read each base, and what Argo CD reads that is neither a base nor placed."""

    readers: defaultdict[str, set[Deployed]] = field(default_factory=lambda: defaultdict(set))
    above: dict[str, Application] = field(default_factory=dict)  # read after the environment's own files


def find_bases(
    places: Mapping[str, Place], applications: Iterable[Application], paths: Collection[str]
) -> Bases:  # fmt: skip
    """What Argo CD's applications read before their own files; for files that none reads, what lies beside them."""
    bases = Bases()
    read: set[str] = set()
    for application in applications:
        own = [path for path in application.files if path in places]
        if not own:
            continue
        read.update(own)
        deployed = {(places[path].environment, places[path].app) for path in own}
        first = application.files.index(own[0])
        for number, path in enumerate(application.files):
            if path not in places and number < first:
                bases.readers[path] |= deployed
            elif path not in places:
                bases.above.setdefault(path, application)
    for place in places.values():
        if place.path not in read:
            for path in _beside(place, paths):
                if path not in places:
                    bases.readers[path].add((place.environment, place.app))
    return bases


def shared_places(
    places: Mapping[str, Place], applications: Iterable[Application], candidates: Mapping[str, Candidate]
) -> dict[str, set[Deployed]]:  # fmt: skip
    """Files of an environment that its applications share, with these.

    They are those that Argo CD reads beside an application's own, and those without a tag above applications' folders.
    """
    shared: defaultdict[str, set[Deployed]] = defaultdict(set)
    for place in places.values():
        folder = place.path.rpartition("/")[0]
        if place.app is None and folder and not candidates[place.path].pins:
            below = {(one.environment, one.app) for one in places.values() if one.path.startswith(f"{folder}/")}
            named = {deployed for deployed in below if deployed[1] is not None}
            shared[place.path] |= {deployed for deployed in named if deployed[0] == place.environment}
    for application in applications:
        own = [places[path] for path in application.files if path in places]
        named = {(place.environment, place.app) for place in own if place.app is not None}
        for place in own:
            if place.app is None and named:
                shared[place.path] |= named
    return {path: deployed for path, deployed in shared.items() if deployed}


def _beside(place: Place, paths: Collection[str]) -> Iterable[str]:
    """The values.yaml beside a file and above it up to the application's folder, and what all environments share."""
    spans = [span for span in place.slot.spans if place.slot.form == "folder" or span[0] > place.path.rfind("/")]
    for name in sorted(SHARED):
        path = put(place.path, tuple(spans), name)
        if path != place.path and path in paths:
            yield path
    top = place.home or ("" if place.app is None else None)
    if top is None:
        return
    folder = place.path.rpartition("/")[0]
    while True:
        yield from (path for name in CHART_VALUES if (path := f"{folder}/{name}".lstrip("/")) in paths)
        if len(folder) <= len(top):
            break
        folder = folder.rpartition("/")[0]
    prefix = f"{top}/" if top else ""
    names = (place.path.rpartition("/")[2], *CHART_VALUES)
    for shared in sorted(SHARED):  # the application's own chart or base beside its environments
        yield from (path for name in names if (path := f"{prefix}{shared}/{name}") in paths)


def charts_of_applications(places: Iterable[Place], paths: Collection[str]) -> str | None:
    """The template of the values.yaml of charts that are called like all the applications; None where it is not one."""
    apps = {place.app for place in places}
    found = {
        "/".join([*folder.split("/")[:-1], APP, "values.yaml"])
        for folder in chart_folders(paths)
        if folder.rpartition("/")[2] in apps and f"{folder}/values.yaml" in paths
    }
    if len(found) != 1 or None in apps:
        return None
    template = next(iter(found))
    return template if all(template.replace(APP, str(app)) in paths for app in apps) else None


def base_templates(
    bases: Mapping[str, Collection[Deployed]], places: Mapping[str, Place], paths: Sequence[str]
) -> tuple[Templates, list[str]]:
    """The templates of the bases, and the bases that no template finds for exactly the applications that read them."""
    everyone: defaultdict[str, set[str | None]] = defaultdict(set)
    for place in places.values():
        everyone[place.environment].add(place.app)

    def fits(template: str) -> bool:
        return all(_reads_right(template, name, everyone[name], bases, places, paths) for name in everyone)

    homes = {place.home for place in places.values() if place.home is not None}
    made: Templates = {}
    for path, readers in bases.items():
        made.setdefault(_template(path, readers, homes), set()).add(path)
    templates = {template: found for template, found in made.items() if fits(template)}
    left_out = sorted(path for template, found in made.items() if template not in templates for path in found)
    return with_stars(templates, fits, {path: next(iter(found))[1] for path, found in bases.items()}), left_out


def _template(path: str, readers: Collection[Deployed], homes: Collection[str]) -> str:
    """The path with ``{app}`` for its readers' only name, and ``{env}`` for their only environment's."""
    apps, names = {app for _, app in readers}, {name for name, _ in readers}
    text = literal(path)
    app = next(iter(apps)) if len(apps) == 1 else None
    if app is not None:
        parts = text.split("/")
        spots = [number for number, part in enumerate(parts[:-1]) if part == literal(app)]
        spots = [spot for spot in spots if "/".join(path.split("/")[: spot + 1]) in homes] or spots
        if spots:
            parts[spots[-1]] = APP
            text = "/".join(parts)
        elif app in parts[-1]:
            text = "/".join([*parts[:-1], parts[-1].replace(literal(app), APP, 1)])
    if len(names) == 1:
        name = next(iter(names))
        text = "/".join(ENV if part == literal(name) else part for part in text.split("/"))
    return text


def _reads_right(
    template: str, name: str, apps: Collection[str | None], bases: Mapping[str, Collection[Deployed]],
    places: Mapping[str, Place], paths: Sequence[str],
) -> bool:  # fmt: skip
    """Whether no application of the environment ``name`` would read a base by this template that it does not."""
    for path, claim in claim_paths([in_environment(template, name)], paths, "").items():
        concerned = apps if APP not in template else [app for app in apps if app == claim.app]
        place = places.get(path)
        if any((name, app) not in bases.get(path, ()) for app in concerned) and (
            place is None or (place.environment, place.app) not in {(name, app) for app in concerned}
        ):
            return False
    return True
