"""The patterns of the values files of all environments. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bumper.environments.discovery.patterns import (
    Fits,
    Templates,
    in_environment,
    template_of,
    usual_position,
    with_stars,
)
from bumper.environments.discovery.placing import Place
from bumper.environments.path_pattern import APP, claim_paths, compile_pattern


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
            alike = (other.rpartition("/")[0], usual_position(other)) == (star.rpartition("/")[0], usual_position(star))
            if alike and compile_pattern(star).fullmatch(other.replace(APP, "app")) is not None:
                kept[star] = kept[star] | kept.pop(other)
    return kept
