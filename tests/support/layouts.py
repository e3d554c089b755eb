"""Repositories of many layouts, as random tests of promotions and rollbacks make them; read without bumper's help."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import yaml

ENVIRONMENTS = ("dev", "prod")
Tree: TypeAlias = Mapping[str, str]
Edits: TypeAlias = dict[str, str | None]  # None takes a file away


class Place(NamedTuple):
    """Where an application is in an environment, by the layout's words."""

    team: str
    app: str


class Version(NamedTuple):
    """What an application runs."""

    image: str
    tag: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A bumper.yaml (None: the usual layouts), and where it has an application's files."""

    config: str | None
    values: Mapping[str, str]  # by environment, with {team} and {app}
    bases: Mapping[str, tuple[str, ...]]  # by environment, the lowest precedence first
    name: str = "{team}/{app}"  # what --app calls the application
    keyed: bool = False  # an application is a key of its file
    blind: bool = False  # prod does not know teams
    inherits: bool = False  # dev's values are prod's base

    @property
    def takes_promotions_only(self) -> frozenset[str]:
        """The environments that nothing else may enter."""
        return frozenset({"prod"} if "promote_from" in (self.config or "") else ())

    def values_file(self, environment: str, place: Place) -> str:
        return self.values[environment].format(**place._asdict())

    def base(self, environment: str, place: Place) -> str | None:
        """The application's own base, in which it may keep its repository."""
        return next((path.format(**place._asdict()) for path in self.bases[environment] if "{app}" in path), None)

    def running(self, tree: Tree, environment: str, place: Place) -> Version | None:
        """What the application runs by the contents in ``tree``; None where it has no values file or no image."""
        if self.values_file(environment, place) not in tree:
            return None
        merged: Any = {}
        for path in self._files(environment, place):
            merged = _merged(merged, yaml.safe_load(tree.get(path, "")) or {})
        image = self._part(merged, place).get("image", {})
        return Version(image["repository"], image["tag"]) if {"repository", "tag"} <= image.keys() else None

    def add(self, tree: Tree, environment: str, place: Place, own: Mapping[str, str], base: Mapping[str, str]) -> Edits:
        """A new application whose own file says so much of its image; its base is kept if there is one."""
        path, shared = self.values_file(environment, place), self.base(environment, place)
        if self.keyed:
            return {path: _dump({**yaml.safe_load(tree.get(path, "{}")), self._key(place): _content(own)})}
        edits: Edits = {path: _dump(_content(own))}
        if shared is not None and shared not in tree and not self.inherits:
            edits[shared] = _dump(_content(base))
        return edits

    def with_image(self, tree: Tree, environment: str, place: Place, **parts: str) -> Edits:
        """The files in which these parts of the application's image stand, with other ones."""
        edits: Edits = {}
        for key, value in parts.items():
            for path in reversed(self._files(environment, place)):
                data = yaml.safe_load(edits.get(path) or tree.get(path, "")) or {}
                image = self._part(data, place).get("image", {})
                if key in image:
                    image[key] = value
                    edits[path] = _dump(data)
                    break
        return edits

    def move(self, tree: Tree, environment: str, old: Place, new: Place) -> Edits:
        first, second = (self.values_file(environment, place) for place in (old, new))
        if not self.keyed:
            return {first: None, second: tree[first]}
        data = yaml.safe_load(tree[first])
        data[self._key(new)] = data.pop(self._key(old))
        return {first: _dump(data)}

    def remove(self, tree: Tree, environment: str, place: Place) -> Edits:
        path = self.values_file(environment, place)
        if not self.keyed:
            return {path: None}
        return {
            path: _dump({key: value for key, value in yaml.safe_load(tree[path]).items() if key != self._key(place)})
        }

    def _files(self, environment: str, place: Place) -> list[str]:
        return [path.format(**place._asdict()) for path in (*self.bases[environment], self.values[environment])]

    def _part(self, data: Any, place: Place) -> Any:  # noqa: ANN401 - YAML
        return data.get(self._key(place), {}) if self.keyed else data

    def _key(self, place: Place) -> str:
        return f"{place.team}-{place.app}"


def edited(tree: Tree, edits: Mapping[str, str | None]) -> Tree:
    """The contents after the edits."""
    return {path: text for path, text in {**tree, **edits}.items() if text is not None}


def _merged(lower: Any, upper: Any) -> Any:  # noqa: ANN401 - YAML
    if not isinstance(lower, dict) or not isinstance(upper, dict):
        return upper
    return lower | {key: _merged(lower.get(key), value) for key, value in upper.items()}


def _content(image: Mapping[str, str]) -> dict[str, object]:
    """Values that look alike whoever's they are."""
    return {"image": dict(image), "replicas": 2, "resources": {"cpu": "1", "memory": "2"}, "probe": {"path": "/"}}


def _dump(data: object) -> str:
    return yaml.safe_dump(data, sort_keys=False)


def _glob(path: str) -> str:
    return f"'{path.replace('{team}-{app}', '{app}').replace('{team}', '*')}'"


def _layout(dev: str, prod: str, rules: str = "", **more: Any) -> Layout:  # noqa: ANN401 - of Layout
    config = f"environments:\n  dev: {{values: {_glob(dev)}}}\n  prod: {{values: {_glob(prod)}{rules}}}\n"
    return Layout(config, {"dev": dev, "prod": prod}, dict.fromkeys(ENVIRONMENTS, ()), **more)


def _found(pattern: str, *bases: str, **more: Any) -> Layout:  # noqa: ANN401 - of Layout
    """Environments that are found by ``{env}``."""
    values = {name: pattern.replace("{env}", name) for name in ENVIRONMENTS}
    base = f"base: [{', '.join(map(_glob, bases))}]\n" if bases else ""
    return Layout(f"values: {_glob(pattern)}\n{base}", values, dict.fromkeys(ENVIRONMENTS, bases), **more)


_PROMOTED = ", promote_from: [dev]"
_HEIR = "teams/{team}/{app}/values.yaml"
_NO_BASES: Mapping[str, tuple[str, ...]] = dict.fromkeys(ENVIRONMENTS, ())
LAYOUTS: Mapping[str, Layout] = {
    "teams": _layout("teams/{team}/{app}/dev/values.yaml", "teams/{team}/{app}/prod/values.yaml", _PROMOTED),
    "environments first": _found("{env}/{team}/{app}/values.yaml"),
    "other places, equal wildcards": _layout("dev/{team}/{app}.yaml", "live/{team}/{app}/prod.yaml", _PROMOTED),
    "bases": _found(
        "teams/{team}/{app}/{env}.yaml", "common.yaml", "teams/{team}/team.yaml", "teams/{team}/{app}/base.yaml"
    ),
    "names of two parts": _found(
        "apps/{team}-{app}/envs/{env}/values.yaml", "apps/{team}-{app}/values.yaml", name="{team}-{app}"
    ),
    "prod does not know teams": _layout("teams/{team}/{app}/dev.yaml", "live/{app}.yaml", blind=True),
    "prod inherits dev": Layout(
        f"environments:\n  dev: {{values: {_glob(_HEIR)}}}\n"
        f"  prod: {{values: 'teams/*/{{app}}/values-prod.yaml', base: {_glob(_HEIR)}, promote_from: [dev]}}\n",
        {"dev": _HEIR, "prod": "teams/{team}/{app}/values-prod.yaml"},
        {"dev": (), "prod": (_HEIR,)},
        inherits=True,
    ),
    "keys": Layout(
        "environments:\n"
        + "".join(f"  {name}: {{values: environments/{name}.yaml, at: '{{app}}'}}\n" for name in ENVIRONMENTS),
        {name: f"environments/{name}.yaml" for name in ENVIRONMENTS},
        _NO_BASES,
        name="{team}-{app}",
        keyed=True,
    ),
    "usual": Layout(None, {name: f"{name}/{{team}}/{{app}}/values.yaml" for name in ENVIRONMENTS}, _NO_BASES),
    "teams below": _layout("{app}/{team}/dev.yaml", "{app}/{team}/prod.yaml"),
}
