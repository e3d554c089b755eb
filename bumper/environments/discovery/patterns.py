"""From the places of values files to the few patterns, as bumper.yaml has them, that match them and their bases. Pure.

A template is a pattern with ``{env}``. A base is a values file of lower precedence that applications share.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from posixpath import commonprefix
from typing import TypeAlias

from bumper.environments.discovery.manifests import Application
from bumper.environments.discovery.places import Deployed, Place, put
from bumper.environments.path_pattern import APP, ENV, PathPattern, claim_paths
from bumper.environments.usual_names import CHART_VALUES, SHARED

_ARGOCD_SOURCE = ".argocd-source-"
_FEW = 3  # as many folders side by side are worth a star

Templates: TypeAlias = dict[str, set[str]]  # the paths that each template was made from
Fits: TypeAlias = Callable[[str], bool]  # whether a template matches no other file than it may


def literal(path: str) -> str:
    """The pattern of a path; a sign with a meaning in patterns, or that no text may hold, becomes ``?``."""
    return "".join(sign if sign.isprintable() and sign not in "*?[{" else "?" for sign in path)


def in_environment(template: str, name: str) -> str:
    """The template's pattern in the environment ``name``."""
    return template.replace(ENV, literal(name))


def template_of(place: Place) -> str:
    """The pattern of one place, with ``{env}`` and ``{app}``; an application's name in the file's name is a star."""
    path, begin = place.path, place.path.rfind("/") + 1
    cuts = [(start, end, ENV) for start, end in place.slot.spans]
    if place.span is not None:
        cuts.append((*place.span, APP))
        if path.startswith(_ARGOCD_SOURCE, begin):  # Argo CD's own file for one application, which it names
            cuts.append((begin + len(_ARGOCD_SOURCE), len(path) - len(".yaml"), "*"))
        elif place.home is not None and path.startswith((f"{place.app}-", f"{place.app}."), begin):
            cuts.append((begin, begin + len(place.app or ""), "*"))
    text, done = "", 0
    for start, end, sign in sorted(cuts, key=lambda cut: cut[0]):
        if start >= done:
            text += literal(path[done:start]) + sign
            done = end
    text += literal(path[done:])
    return f"?{text[1:]}" if text.startswith(" ") else text


def value_templates(places: Mapping[str, Place], paths: Sequence[str]) -> Templates:
    """The templates that match the files of the ``places``, each with the files that it was made from."""
    made: Templates = {}
    for path, place in places.items():
        made.setdefault(template_of(place), set()).add(path)
    names = {place.environment for place in places.values()}

    def fits(template: str) -> bool:
        return all(
            path in places and places[path].deployed == (name, claim.app)
            for name in names
            for path, claim in claim_paths([in_environment(template, name)], paths, "").items()
        )

    merged = _without_covered(_with_stars(made, fits, {path: place.app for path, place in places.items()}))
    return _told_apart(merged, places, fits)


def _with_stars(templates: Templates, fits: Fits, apps: Mapping[str, str | None]) -> Templates:
    """Templates that differ in one folder only become one with a star, where it fits.

    That takes many of them, or two that name an application alike: only what a star matched tells these apart.
    ``apps`` are the applications' names by path.
    """
    merged = templates
    for depth in range(max((template.count("/") for template in merged), default=0)):
        alike: defaultdict[str, list[str]] = defaultdict(list)
        for template in merged:
            parts = template.split("/")
            if depth < len(parts) - 1 and APP in template and "{" not in parts[depth]:
                alike["/".join([*parts[:depth], "*", *parts[depth + 1 :]])].append(template)
        for star, found in alike.items():
            names = [{apps.get(path) for path in merged[template]} for template in found]
            name_alike = len(set().union(*names)) < sum(map(len, names))
            if (len(found) >= _FEW or name_alike) and fits(star):
                merged = _joined(merged, found, star)
    return _with_stars_in_names(merged, fits)


def _with_stars_in_names(templates: Templates, fits: Fits) -> Templates:
    """Files side by side become one template with a star in the file's name, where it fits.

    values.yaml and what is named after the environment keep their places in Helm's order.
    """
    merged = templates
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for template in templates:
        folder, _, file = template.rpartition("/")
        if _usual_position(template) == 1 and APP in folder:
            alike[folder].append(file)
    for folder, files in alike.items():
        prefix, suffix = commonprefix(files), commonprefix([file[::-1] for file in files])[::-1]
        worth_it = len(files) >= _FEW or (len(files) > 1 and prefix.startswith("values"))
        star = f"{folder}/{prefix}*{suffix}"
        if worth_it and min(map(len, files)) >= len(prefix) + len(suffix) and fits(star):
            merged = _joined(merged, [f"{folder}/{file}" for file in files], star)
    return merged


def _joined(templates: Templates, found: Collection[str], star: str) -> Templates:
    paths = set().union(*(templates[template] for template in found))
    return {template: made for template, made in templates.items() if template not in found} | {star: paths}


def _without_covered(templates: Templates) -> Templates:
    """The templates without those whose files one with a star in the file's name matches as well."""
    kept = dict(templates)
    for star in templates:
        folder, _, file = star.rpartition("/")
        alike = [other for other in kept if other != star and other.rpartition("/")[0] == folder]
        for other in alike if "*" in file and star in kept else ():
            is_matched = PathPattern(star).expression.fullmatch(other.replace(APP, "app"))
            if is_matched and _usual_position(other) == _usual_position(star):
                kept[star] = kept[star] | kept.pop(other)
    return kept


def _told_apart(templates: Templates, places: Mapping[str, Place], fits: Fits) -> Templates:
    """The templates, with a star above applications of one name in two folders: bumper would join these."""
    homes: defaultdict[Deployed, set[str]] = defaultdict(set)
    for place in places.values():
        if place.app is not None and place.home is not None:
            homes[place.deployed].add(place.home)
    result: Templates = {}
    for template, made in templates.items():
        before, _, after = template.partition(f"/{APP}")
        above, _, last = before.rpartition("/")
        star = f"{above}/*/{APP}{after}".removeprefix("/")
        collides = any(len(homes[places[path].deployed]) > 1 for path in made)
        use_star = collides and "{" not in last and APP in template and after and fits(star)
        result.setdefault(star if use_star else template, set()).update(made)
    return result


def in_helm_s_order(templates: Iterable[str], read: Sequence[Sequence[str]], made: Mapping[str, set[str]]) -> list[str]:
    """The templates from the lowest precedence to the highest.

    ``read`` are the files that Argo CD's applications read, in their order; where these say nothing, values.yaml comes
    first and what is named after the environment last.
    """
    waiting = sorted(templates, key=lambda template: (_usual_position(template), template))
    owners = {path: template for template in waiting for path in made[template]}
    before: defaultdict[str, set[str]] = defaultdict(set)
    for files in read:
        for first, second in pairwise(owners[path] for path in files if path in owners):
            if first != second:
                before[second].add(first)
    ordered: list[str] = []
    while waiting:
        free = (template for template in waiting if before[template].isdisjoint(waiting))
        ordered.append(next(free, waiting[0]))  # applications that contradict one another: the usual order
        waiting.remove(ordered[-1])
    return ordered


def _usual_position(template: str) -> int:
    """Helm's usual order: values.yaml, other files, what is named after the environment, and what Argo CD sets."""
    name = template.rpartition("/")[2]
    if name.startswith(".argocd-source"):
        return 3
    if name in CHART_VALUES:
        return 0
    return 2 if ENV in name else 1


def shared_places(
    places: Mapping[str, Place], applications: Iterable[Application], without_tags: Collection[str]
) -> dict[str, set[Deployed]]:  # fmt: skip
    """Files of an environment that its applications share, with these.

    They are those that Argo CD reads beside an application's own, and those without a tag above applications' folders.
    """
    shared: defaultdict[str, set[Deployed]] = defaultdict(set)
    named = [place for place in places.values() if place.app is not None]
    for place in places.values():
        folder = place.path.rpartition("/")[0]
        if place.app is None and folder and place.path in without_tags:
            below = (one for one in named if one.path.startswith(f"{folder}/"))
            shared[place.path] |= {one.deployed for one in below if one.environment == place.environment}
    for application in applications:
        own = [places[path] for path in application.files if path in places]
        for place in (place for place in own if place.app is None):
            shared[place.path] |= {other.deployed for other in own if other.app is not None}
    return {path: deployed for path, deployed in shared.items() if deployed}


def find_bases(
    places: Mapping[str, Place], applications: Iterable[Application], paths: Collection[str]
) -> tuple[dict[str, set[Deployed]], dict[str, Application]]:
    """The bases, each with the applications that read it, and what Argo CD reads after an environment's own files.

    Bases are what Argo CD's applications read before their own files, and what lies beside files that none reads.
    """
    readers: defaultdict[str, set[Deployed]] = defaultdict(set)
    above: dict[str, Application] = {}
    read: set[str] = set()
    for application in applications:
        own = [path for path in application.files if path in places]
        if not own:
            continue
        read.update(own)
        first = application.files.index(own[0])
        for path in application.files[:first]:
            readers[path] |= {places[other].deployed for other in own}
        for path in application.files[first:]:
            if path not in places:
                above.setdefault(path, application)
    for place in places.values():
        for path in _beside(place) if place.path not in read else ():
            if path in paths and path not in places:
                readers[path].add(place.deployed)
    return readers, above


def _beside(place: Place) -> list[str]:
    """The values.yaml beside a file and above it up to the application's folder, and what all environments share."""
    spans = [span for span in place.slot.spans if place.slot.form == "folder" or span[0] > place.path.rfind("/")]
    beside = [put(place.path, spans, name) for name in sorted(SHARED)]
    if place.home is None and place.app is not None:
        return beside
    top, file = place.home or "", place.path.rpartition("/")[2]
    folders = [place.path.rpartition("/")[0]]
    while len(folders[-1]) > len(top):
        folders.append(folders[-1].rpartition("/")[0])
    beside += (f"{folder}/{name}".lstrip("/") for folder in folders for name in CHART_VALUES)
    # The application's own chart or base beside its environments.
    return beside + [f"{top}/{shared}/{n}".lstrip("/") for shared in sorted(SHARED) for n in (file, *CHART_VALUES)]


def base_templates(
    bases: Mapping[str, set[Deployed]], places: Mapping[str, Place], paths: Sequence[str]
) -> tuple[Templates, list[str]]:
    """The templates of the bases, and the bases that no template finds for exactly the applications that read them."""
    everyone: defaultdict[str, set[str | None]] = defaultdict(set)
    for place in places.values():
        everyone[place.environment].add(place.app)

    def fits(template: str) -> bool:
        """Whether no application would read a base by this template that it does not."""
        for name, apps in everyone.items():
            for path, claim in claim_paths([in_environment(template, name)], paths, "").items():
                concerned = {(name, app) for app in apps if APP not in template or app == claim.app}
                is_own = path in places and places[path].deployed in concerned
                if not is_own and not concerned <= bases.get(path, set()):
                    return False
        return True

    homes = {place.home for place in places.values()}
    made: Templates = {}
    for path, readers in bases.items():
        made.setdefault(_base_template(path, readers, homes), set()).add(path)
    templates = {template: found for template, found in made.items() if fits(template)}
    left_out = sorted(path for template, found in made.items() if template not in templates for path in found)
    return _with_stars(templates, fits, {path: next(iter(found))[1] for path, found in bases.items()}), left_out


def _base_template(path: str, readers: Iterable[Deployed], homes: Collection[str | None]) -> str:
    """The path with ``{app}`` for its readers' only name, and ``{env}`` for their only environment's."""
    names, apps = {name for name, _ in readers}, {app for _, app in readers}
    parts, found = literal(path).split("/"), path.split("/")
    app = next(iter(apps)) if len(apps) == 1 else None
    if app is not None:
        spots = [number for number, part in enumerate(parts[:-1]) if part == literal(app)]
        spots = [spot for spot in spots if "/".join(found[: spot + 1]) in homes] or spots
        if spots:
            parts[spots[-1]] = APP
        elif app in parts[-1]:
            parts[-1] = parts[-1].replace(literal(app), APP, 1)
    if len(names) == 1:
        name = literal(next(iter(names)))
        parts = [ENV if part == name else part for part in parts]
    return "/".join(parts)
