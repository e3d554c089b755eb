"""The bumper.yaml that init writes: what was found, and suggestions in comments, tried before anybody sees it. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bumper.environments.config import SCHEMA_FILE, parse_config
from bumper.environments.config_models import Config
from bumper.environments.discovery.patterns import in_environment
from bumper.environments.discovery.survey import Doubtful, FoundEnvironment, Survey
from bumper.environments.discovery.tree import Tree
from bumper.environments.gather import Gathered, gather
from bumper.environments.layout import read_layout
from bumper.environments.path_pattern import APP, ENV
from bumper.errors import Refused

_MAX_NAMES = 5  # of applications in a comment, the rest is counted
_MAX_LINES = 20  # of what is left open
_LATER_WINS = "in Helm's order: a later one wins"
_MAX_EXAMPLES = 5  # patterns in a skeleton
_PRODUCTION = ("prod", "production", "prd", "prom", "live")

_HEAD = f"""\
# yaml-language-server: $schema={SCHEMA_FILE}
# Which files make which environment, and what may enter it. bumper init wrote this from what it found: read it, correct
# it, then merge it. Lines behind a # are suggestions.
# {{env}} stands for the environment's name, {{app}} for the application's, * for any name, ** for any folders."""

_FOOT = """\

# images:                                     # for values that hold a tag and name no repository anywhere
#   - image: registry.example.com/team/worker
#     path: worker.image.tag
# same_as:                                    # registries that hold the same images: promotion matches across them
#   - [registry.example.com/dev, registry.example.com/prod]
# ignore: [docker.io/library/redis]           # images that bumper leaves alone
# registries:
#   registry.internal:5000: {insecure: true}  # plain HTTP
# commit_message: "{default} [OPS-1]"         # for GitLab's push rules, as are branch_prefix and author
"""


def write_config(found: Survey, *, share: bool = True) -> str:
    """The text of bumper.yaml for what was ``found``; editors take its keys from the schema beside it.

    With ``share`` the patterns of environments that are alike are written once.
    """
    names = [one.name for one in found.environments]
    shared = _shared(found) if share else None
    lines = [_HEAD, ""]
    if shared is not None:
        lines += _patterns("", shared.values, shared.base, shared.maybe_base)
    lines += _listed_patterns("exclude", found.exclude, "of no environment")
    lines += ["", "environments:"] if shared is not None or found.exclude else ["environments:"]
    for number, environment in enumerate(found.environments):
        lines += [] if number == 0 else [""]
        of_its_own = shared is None or environment.name in found.given
        lines += _environment(environment, _source(environment.name, names), of_its_own=of_its_own)
    lines += _doubtful(found)
    lines += _remarks("Files with tags that no environment above has; bumper leaves them alone:", _stray(found))
    lines += _remarks("What bumper init could not settle:", found.warnings)
    return "\n".join([*lines, _FOOT])


def _shared(found: Survey) -> FoundEnvironment | None:
    """An environment whose patterns are written once, with ``{env}``, for all that were found; None where they differ.

    A single environment is written out: ``{env}`` would take every folder beside it for one, too.
    """
    alike = [one for one in found.environments if one.name not in found.given]
    if len(alike) == 1 or len({(one.values, one.base) for one in alike}) != 1:
        return None
    return alike[0] if all(ENV in pattern for pattern in alike[0].values) else None


def write_skeleton(found: Survey) -> str:
    """A bumper.yaml to fill in, where no environment was found: the files that hold tags, and how to name them."""
    examples = found.stray_patterns[:_MAX_EXAMPLES] or (f"apps/{APP}/prod/values.yaml",)
    lines = [_HEAD, *(_remarks("These files hold tags:", _stray(found)) or ["", "# No file here holds a tag."])]
    lines += ["", "# Correct the name and the patterns, and write the other environments below it.", "environments:"]
    lines += ["  prod:", *_listed_patterns("    values", examples, _LATER_WINS), *_doubtful(found)]
    lines += _remarks("What bumper init could not settle:", found.warnings)
    return "\n".join([*lines, ""])


def _environment(found: FoundEnvironment, source: str | None, *, of_its_own: bool) -> Iterator[str]:
    apps = "application" if len(found.apps) == 1 else "applications"
    yield f"  {found.name}:"
    yield f"    # {_number(len(found.files), 'file')}: {apps} {_listed(found.apps)}"
    if of_its_own:
        values, base = ([in_environment(one, found.name) for one in part] for part in (found.values, found.base))
        yield from _patterns("    ", values, base, found.maybe_base)
    if found.at is not None:
        yield f"    at: {_quoted(found.at)}"
    if found.keys:
        yield f'    # at: "{APP}"                   # if the keys {_listed(found.keys)} are applications of their own'
    yield "    auto_merge: false               # true: GitLab merges as soon as all checks pass"
    if source is None:
        yield "    # delivery: commit              # push straight to the branch; by default merge-request"
    else:
        yield f"    # promote_from: {json.dumps([source])}  # a bump straight to {found.name} is then refused"
        yield "    # delivery: merge-request       # so that no option pushes straight to the branch"
        yield r"    # tags: 'v?\d+\.\d+\.\d+'       # the tags that may enter, each as a whole"
        yield "    # digests: true                 # write the digest too"
        yield "    # labels: [deploy]"
    names = found.argocd if 0 < len(found.argocd) <= _MAX_NAMES else (f"{APP}-{found.name}",)
    shown = json.dumps(names[0] if len(names) == 1 else names, ensure_ascii=False)
    yield f"    # argocd: {{server: https://argocd.example.com, application: {printable(shown)}}}"


def _patterns(indent: str, values: Sequence[str], base: Sequence[str], maybe_base: str | None) -> Iterator[str]:
    yield from _listed_patterns(f"{indent}values", values, _LATER_WINS)
    yield from _listed_patterns(f"{indent}base", base, "read, never written")
    if maybe_base is not None:
        yield f"{indent}# base: {_quoted(maybe_base)}  # if the charts called like the applications are theirs"


def _listed_patterns(key: str, patterns: Sequence[str], remark: str) -> Iterator[str]:
    if len(patterns) == 1:
        yield f"{key}: {_quoted(patterns[0])}"
    elif patterns:
        indent = " " * (len(key) - len(key.lstrip()))
        yield f"{key}:  # {remark}"
        yield from (f"{indent}  - {_quoted(pattern)}" for pattern in patterns)


def _doubtful(found: Survey) -> Iterator[str]:
    for one in found.doubtful[:_MAX_LINES]:
        yield from ("", f"  # {one.name}:  # perhaps: {printable(one.reason)}", f"  #   values: {_quoted(one.values)}")


def _remarks(heading: str, lines: Sequence[str]) -> list[str]:
    return ["", f"# {heading}", *(f"#   {line}" for line in some(lines))] if lines else []


def _stray(found: Survey) -> list[str]:
    return [f"{path} ({_number(count, 'tag')})" for path, count in found.stray.items()]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return f"{', '.join(map(printable, names[:_MAX_NAMES]))}{more}"


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _quoted(pattern: str) -> str:
    """In quotes always: YAML would take the braces of a bare {app} for a mapping and a bare * for an alias."""
    return json.dumps(pattern, ensure_ascii=False)


def _source(name: str, names: Sequence[str]) -> str | None:
    """The environment that production is promoted from: the one before it, of the same suffix where there is one."""
    words = {other: other.replace("_", "-").split("-") for other in names}
    before = [other for other in names[: names.index(name)] if words[other][0] not in _PRODUCTION]
    if words[name][0] not in _PRODUCTION or not before:
        return None
    alike = [other for other in before if words[other][1:] == words[name][1:]]
    return (alike or before)[-1]


def some(lines: Sequence[str]) -> list[str]:
    """The first of many ``lines``, printable, and how many more there are."""
    more = [f"and {len(lines) - _MAX_LINES} more"] if len(lines) > _MAX_LINES else []
    return [*map(printable, lines[:_MAX_LINES]), *more]


def printable(text: str) -> str:
    """``text`` in one line: a file's name may hold line ends, which would end a comment."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


@dataclass(frozen=True, slots=True)
class Tried:
    """A bumper.yaml as ``text`` and settings, and what bumper finds of each environment with it, or why it refuses."""

    text: str
    config: Config
    survey: Survey
    gathered: Mapping[str, Gathered]
    refused: Mapping[str, str]

    def files(self, environment: str) -> set[str]:
        """The values files that bumper finds for the environment."""
        return {path for app in self.gathered[environment].applications for path in app.values}


def try_out(found: Survey, tree: Tree, repository_name: str) -> Tried:
    """Read the repository by the bumper.yaml for what was ``found``.

    An environment that bumper refuses to open with it becomes a comment that gives the reason. Patterns are written
    once for all environments only where bumper finds these and no others, and the same files, with it.
    """
    shared = _read(found, write_config(found), tree, repository_name)
    same = shared.gathered.keys() == {one.name for one in found.environments}
    if not shared.refused and same and all(shared.files(one.name).issuperset(one.files) for one in found.environments):
        return shared
    written_out = _read(found, write_config(found, share=False), tree, repository_name)
    if not written_out.refused:
        return written_out
    left = _without(found, written_out.refused)
    return try_out(left, tree, repository_name) if left.environments else replace(written_out, survey=left)


def _read(found: Survey, text: str, tree: Tree, repository_name: str) -> Tried:
    config = parse_config(text.encode())
    try:
        layout = read_layout(config, tree.paths, repository_name)
    except Refused as error:
        return Tried(text, config, found, {}, {one.name: str(error) for one in found.environments})
    gathered: dict[str, Gathered] = {}
    refused: dict[str, str] = {}
    for name in layout.environments:
        try:
            gathered[name] = gather(layout.environment(name), config, tree.sources)
        except Refused as error:
            refused[name] = str(error)
    return Tried(text, config, found, gathered, refused)


def _without(found: Survey, refused: Mapping[str, str]) -> Survey:
    """The survey with the environments that were ``refused`` among those that are only suggested."""
    doubtful = [
        Doubtful(one.name, in_environment(one.values[0], one.name), refused[one.name])
        for one in found.environments
        if one.name in refused
    ]
    kept = tuple(one for one in found.environments if one.name not in refused)
    return replace(found, environments=kept, doubtful=(*found.doubtful, *doubtful))
