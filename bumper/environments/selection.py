"""Which applications of an environment a request is about, decided before any file is parsed. Pure.

Parsing thousands of values files takes seconds, a byte search milliseconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import Config
from bumper.environments.images import may_be_given
from bumper.environments.layout import Environment
from bumper.errors import Refused
from bumper.image import Repository


@dataclass(frozen=True, slots=True)
class Selection:
    """The applications (globs) and images that a request is about; empty: all."""

    apps: tuple[str, ...] = ()
    images: tuple[Repository, ...] = ()


EVERYTHING = Selection()
_LITTLE = 250_000  # bytes; read whole, which takes a twentieth of a second and names every file that is broken


def with_apps(environment: Environment, globs: Sequence[str]) -> Environment:
    """The environment with the applications that a glob names; what a file's keys name is known only when it is read.

    Raises:
        Refused: a name means several applications.

    """
    if not globs:
        return environment
    chosen = choose_applications(environment.apps, environment.name, globs, may_be_missing=True)
    return replace(environment, apps=tuple(app for app in environment.apps if app.app in chosen or app.is_by_key))


def choose_applications(
    apps: Sequence[AppFiles], environment: str, globs: Sequence[str], *, may_be_missing: bool = False
) -> frozenset[str]:
    """The names of the applications that ``--app`` means; all of them without it.

    A glob is compared with the whole name, and with its last part; so is a name with the folders before it.

    Raises:
        Refused: a name means several applications, or a glob none (unless ``may_be_missing``).

    """
    if not globs:
        return frozenset(app.app for app in apps)
    chosen: set[str] = set()
    for glob in globs:
        found = [app.app for app in apps if app.app == glob] or [app.app for app in apps if is_named(app, glob)]
        if not found and not may_be_missing:
            known = ", ".join(app.app for app in apps[:20])
            raise Refused(f"No application of {environment} is called {glob!r}", f"it has {known}")
        if len(found) > 1 and not any(sign in glob for sign in "*?["):
            raise Refused(
                f"{environment} has several applications {glob!r}: {', '.join(found)}", "name one of them with --app"
            )
        chosen.update(found)
    return frozenset(chosen)


def is_named(app: AppFiles, glob: str) -> bool:
    """Whether ``--app glob`` may mean the application."""
    if any(fnmatchcase(name, glob) for name in (app.app, app.identity.app)):
        return True
    return f"/{app.identity.whole_name}".endswith(f"/{glob}")


def with_images(
    environment: Environment, config: Config, sources: Mapping[str, bytes], images: Sequence[Repository]
) -> Environment:
    """The environment with the applications whose files can hold a pin of one of ``images``.

    The last part of a repository's name stands in one piece in every file that names it, however the rest is split
    over keys; only escapes (a letter as its number), UTF-16 and SOPS could hide it: such files are read in any case,
    and so is a symbolic link, which has no content here and is warned of.
    """
    if not images or sum(map(len, sources.values())) <= _LITTLE or may_be_given(config, images):
        return environment
    signs = (b"\\", b"\0", b"sops", *(image.name.rpartition("/")[2].encode() for image in images))
    files = environment.files
    telling = {path for path in files if path not in sources or any(sign in sources[path] for sign in signs)}
    return replace(environment, apps=tuple(app for app in environment.apps if not telling.isdisjoint(app.files)))
