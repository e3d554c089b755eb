"""From the places of values files to the few patterns, as bumper.yaml has them, that match these files. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import TypeAlias

from bumper.environments.discovery.placing import Place
from bumper.environments.path_pattern import APP, ENV, PathPattern, claim_paths
from bumper.environments.usual_names import CHART_VALUES

_ARGOCD_SOURCE = ".argocd-source-"
_FEW = 3  # as many folders side by side are worth a star

Templates: TypeAlias = dict[str, set[str]]  # the paths that each template, a pattern with {env}, was made from
Fits: TypeAlias = Callable[[str], bool]  # whether a template matches no other file than it may


@dataclass(frozen=True, slots=True)
class _Cut:
    """A part of a path that is written otherwise in a pattern."""

    start: int
    end: int
    text: str


def template_of(place: Place) -> str:
    """The pattern of one place, with ``{env}`` and ``{app}``; an application's name in the file's name is a star."""
    cuts = [_Cut(start, end, ENV) for start, end in place.slot.spans]
    if place.span is not None:
        cuts.append(_Cut(*place.span, APP))
        file = place.path.rpartition("/")[2]
        again = len(place.path) - len(file) + file.find(place.app or "")
        if file.startswith(_ARGOCD_SOURCE):  # Argo CD's own file for one application, which it names
            cuts.append(_Cut(len(place.path) - len(file) + len(_ARGOCD_SOURCE), len(place.path) - len(".yaml"), "*"))
        elif place.home is not None and place.app and file.startswith((f"{place.app}-", f"{place.app}.")):
            cuts.append(_Cut(again, again + len(place.app), "*"))
    return _fill(place.path, cuts)


def _fill(path: str, cuts: Iterable[_Cut]) -> str:
    text, end = "", 0
    for cut in sorted(cuts, key=lambda cut: cut.start):
        if cut.start >= end:
            text += literal(path[end : cut.start]) + cut.text
            end = cut.end
    text += literal(path[end:])
    return f"?{text[1:]}" if text.startswith(" ") else text


def literal(path: str) -> str:
    """The pattern of a path; a sign with a meaning in patterns, or that no text may hold, becomes ``?``."""
    return "".join(sign if sign.isprintable() and sign not in "*?[{" else "?" for sign in path)


def in_environment(template: str, name: str) -> str:
    """The template's pattern in the environment ``name``."""
    return template.replace(ENV, literal(name))


def with_stars(templates: Mapping[str, set[str]], fits: Fits, apps: Mapping[str, str | None]) -> Templates:
    """Templates that differ in one folder only become one with a star, where it fits.

    That takes many of them, or two that name an application alike: only what a star matched tells these apart.
    ``apps`` are the applications' names by path.
    """
    merged: Templates = {template: set(paths) for template, paths in templates.items()}
    deepest = max((template.count("/") for template in merged), default=0)
    for depth in range(deepest):
        alike: defaultdict[str, list[str]] = defaultdict(list)
        for template in merged:
            parts = template.split("/")
            if depth < len(parts) - 1 and APP in template and "{" not in parts[depth]:
                alike["/".join([*parts[:depth], "*", *parts[depth + 1 :]])].append(template)
        for star, found in alike.items():
            paths = set().union(*(merged[template] for template in found if template in merged))
            worth_it = len(found) >= _FEW or (len(found) > 1 and _name_alike(found, merged, apps))
            if worth_it and fits(star):
                merged = {template: made for template, made in merged.items() if template not in found} | {star: paths}
    return _with_stars_in_names(merged, fits)


def _with_stars_in_names(templates: Templates, fits: Fits) -> Templates:
    """Files side by side become one template with a star in the file's name, where it fits.

    values.yaml and what is named after the environment keep their places in Helm's order.
    """
    merged = dict(templates)
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for template in templates:
        if _usual_position(template) == 1 and APP in template.rpartition("/")[0]:
            alike[template.rpartition("/")[0]].append(template)
    for folder, found in alike.items():
        names = [template.rpartition("/")[2] for template in found]
        prefix, suffix = _common_start(names), _common_start([name[::-1] for name in names])[::-1]
        star = f"{folder}/{prefix}*{suffix}"
        paths = set().union(*(templates[template] for template in found))
        worth_it = len(found) >= _FEW or (len(found) > 1 and prefix.startswith("values"))
        if worth_it and min(map(len, names)) >= len(prefix) + len(suffix) and fits(star):
            merged = {template: made for template, made in merged.items() if template not in found} | {star: paths}
    return merged


def _common_start(texts: Sequence[str]) -> str:
    return "".join(signs[0] for signs in takewhile(lambda signs: len(set(signs)) == 1, zip(*texts, strict=False)))


def _name_alike(templates: Iterable[str], made: Templates, apps: Mapping[str, str | None]) -> bool:
    names = [{apps.get(path) for path in made[template]} for template in templates if template in made]
    return len(set().union(*names)) < sum(map(len, names))


def in_helm_s_order(templates: Iterable[str], read: Sequence[Sequence[str]], made: Mapping[str, set[str]]) -> list[str]:
    """The templates from the lowest precedence to the highest.

    ``read`` are the files that Argo CD's applications read, in their order; where these say nothing, values.yaml comes
    first and what is named after the environment last.
    """
    waiting = sorted(templates, key=lambda template: (_usual_position(template), template))
    before = _before(waiting, read, made)
    ordered: list[str] = []
    while waiting:
        free = (one for one in waiting if before[one].isdisjoint(waiting))
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


def _before(
    templates: Iterable[str], read: Sequence[Sequence[str]], made: Mapping[str, set[str]]
) -> defaultdict[str, set[str]]:  # fmt: skip
    """For each template those whose files some application reads right before its own."""
    template_of_path = {path: template for template in templates for path in made[template]}
    before: defaultdict[str, set[str]] = defaultdict(set)
    for files in read:
        known = [template_of_path[path] for path in files if path in template_of_path]
        for first, second in pairwise(known):
            if first != second:
                before[second].add(first)
    return before


def value_templates(places: Mapping[str, Place], paths: Sequence[str]) -> Templates:
    """The templates that match the files of the ``places``, each with the files that it was made from."""
    made: Templates = {}
    for path, place in places.items():
        made.setdefault(template_of(place), set()).add(path)
    names = {place.environment for place in places.values()}

    def fits(template: str) -> bool:
        return all(
            path in places and (places[path].environment, places[path].app) == (name, claim.app)
            for name in names
            for path, claim in claim_paths([in_environment(template, name)], paths, "").items()
        )

    merged = _without_covered(with_stars(made, fits, {path: place.app for path, place in places.items()}))
    return _told_apart(merged, places, fits)


def _told_apart(templates: Templates, places: Mapping[str, Place], fits: Fits) -> Templates:
    """The templates, with a star above applications of one name in two folders: bumper would join these."""
    homes: defaultdict[tuple[str, str | None], set[str | None]] = defaultdict(set)
    for place in places.values():
        homes[place.environment, place.app].add(place.home)
    alike = {key for key, found in homes.items() if key[1] is not None and len(found - {None}) > 1}
    result: Templates = {}
    for template, made in templates.items():
        before, _, after = template.partition(f"/{APP}")
        star = "/".join([*before.split("/")[:-1], "*"]) + f"/{APP}{after}"
        collides = any((places[path].environment, places[path].app) in alike for path in made)
        use_star = collides and "{" not in before.rpartition("/")[2] and APP in template and after and fits(star)
        result.setdefault(star if use_star else template, set()).update(made)
    return result


def _without_covered(templates: Templates) -> Templates:
    """The templates without those whose files one with a star in the file's name matches as well."""
    kept = dict(templates)
    for star in [template for template in templates if "*" in template.rpartition("/")[2]]:
        for other in [template for template in kept if template != star]:
            alike = (other.rpartition("/")[0], _usual_position(other)) == (
                star.rpartition("/")[0],
                _usual_position(star),
            )
            if alike and PathPattern(star).expression.fullmatch(other.replace(APP, "app")) is not None:
                kept[star] = kept[star] | kept.pop(other)
    return kept
