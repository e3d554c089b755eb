"""Applications that are keys of a values file: `at: "{app}"` where no path names the application. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bumper.environments.config_models import Config
from bumper.environments.config_syntax import Section
from bumper.environments.identity import Identity, name_applications, refuse_same_names
from bumper.environments.layout import AppFiles, Environment
from bumper.environments.path_pattern import APP
from bumper.values.pin import parse_path
from bumper.values.siblings import look_up
from bumper.values.values_file import ValuesFile, find_pins
from bumper.values.yaml_tree import MappingNode


def is_by_key(app: AppFiles) -> bool:
    """Whether ``app`` stands for the applications that the keys of its files name."""
    return any(APP in str(step) for step in app.section)


def split_by_key(environment: Environment, config: Config, values: Mapping[str, ValuesFile]) -> Environment:
    """The environment with an application for every key below which an image has its place."""
    if not any(map(is_by_key, environment.apps)):
        return environment
    apps = [part for app in environment.apps for part in (_split(app, config, values) if is_by_key(app) else (app,))]
    identities = [app.identity for app in apps]
    names = name_applications({environment.name: identities})
    refuse_same_names(environment.name, names, identities)
    return replace(environment, apps=tuple(replace(app, app=names[app.identity]) for app in apps))


def _split(app: AppFiles, config: Config, values: Mapping[str, ValuesFile]) -> Iterator[AppFiles]:
    depth = next(number for number, step in enumerate(app.section) if APP in str(step))
    read = [values[path] for path in app.values if path in values]
    with_pins = {pin.path[: len(app.section)] for file in read for pin in find_pins(file)}
    given = [parse_path(entry.path) for entry in config.images]
    for name in _names(read, app.section, depth):
        section = _filled(app.section, name)
        if section in with_pins or any(_is_there(read, (*section, *path)) for path in given):
            yield replace(app, identity=Identity(name, app.identity.before, app.identity.after), section=section)


def _names(read: list[ValuesFile], section: Section, depth: int) -> list[str]:
    """What ``{app}`` can be, in the order of the files."""
    before, _, after = str(section[depth]).partition(APP)
    names: dict[str, None] = {}
    for file in read:
        node = look_up(file.documents[0].root, section[:depth]) if file.documents else None
        for key in node.keys if isinstance(node, MappingNode) else ():
            if key.startswith(before) and key.endswith(after) and len(key) > len(before) + len(after):
                names[key[len(before) : len(key) - len(after)]] = None
    return list(names)


def _filled(section: Section, name: str) -> Section:
    return tuple(step.replace(APP, name) if isinstance(step, str) else step for step in section)


def _is_there(read: list[ValuesFile], path: Section) -> bool:
    return any(file.documents and look_up(file.documents[0].root, path) is not None for file in read)
