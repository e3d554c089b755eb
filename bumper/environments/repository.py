"""The GitOps repository as bumper reads it: bumper.yaml, the environments, and the pins of one."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bumper.environments.config import check_environments, parse_config
from bumper.environments.config_models import CONFIG_FILE, Config
from bumper.environments.effective import overridden_pins, source_files_beside
from bumper.environments.gather import Gathered, gather
from bumper.environments.layout import Environment, Layout, read_layout
from bumper.environments.selection import EVERYTHING, Selection, with_apps, with_images
from bumper.errors import Refused
from bumper.git.checkout import Checkout, at_commit, read_files
from bumper.image import ImageReference, Repository
from bumper.log import report_step
from bumper.registry.pushed_image import PushedImage, match_pushed

if TYPE_CHECKING:
    from bumper.registry.resolve import RegistryAccess

_PART = 500  # applications
_FEW = 2000  # files: among more, guessing takes longer than fetching twice


@dataclass(frozen=True, slots=True)
class RepositoryConfig:
    """What the repository says of itself; ``written`` is None where it has no bumper.yaml."""

    written: Config | None
    layout: Layout

    @property
    def config(self) -> Config:
        """bumper.yaml, or the defaults."""
        return self.written if self.written is not None else Config()

    def named_or_all(self, names: Iterable[str]) -> list[str]:
        """The environments that are named, each once; all of them where none is; Refused if the repository has none."""
        found = list(dict.fromkeys(names)) or list(self.layout.environments)
        if not found:
            raise Refused(
                "the repository has no environment in one of the usual layouts; describe yours in bumper.yaml."
            )
        return found


def read_repository_config(checkout: Checkout) -> RepositoryConfig:
    """bumper.yaml as it stands at the tip, and the environments that follow from it."""
    written = read_config(checkout)
    layout = read_layout(written, checkout.files, checkout.settings.address.name)
    if written is not None:
        check_environments(read_files(checkout, [CONFIG_FILE])[CONFIG_FILE], written, layout.environments)
    return RepositoryConfig(written, layout)


def read_config(checkout: Checkout) -> Config | None:
    """bumper.yaml as it stands at the tip, None where there is none."""
    if CONFIG_FILE not in checkout.entries:
        return None
    if checkout.is_link(CONFIG_FILE):
        raise Refused(f"{CONFIG_FILE} is a symbolic link, which bumper does not follow", "make it a file")
    return parse_config(read_files(checkout, [CONFIG_FILE])[CONFIG_FILE])


@dataclass(frozen=True, slots=True)
class Target:
    """The environment that a command changes, as it stands at the tip."""

    checkout: Checkout
    setup: RepositoryConfig
    environment: Environment
    gathered: Gathered

    def registry_access(self, environ: Mapping[str, str]) -> "RegistryAccess":
        """How registries are reached."""
        from bumper.registry.resolve import RegistryAccess  # with HTTP, which the library does without

        return RegistryAccess(environ, self.setup.config.insecure_registries, self.checkout.settings.ca_file)


def open_target(checkout: Checkout, name: str, selection: Selection = EVERYTHING) -> Target:
    """bumper.yaml, the environment ``name`` and its pins, as far as they can be of ``selection``."""
    _fetch_likely_files(checkout, name, selection)
    return open_environment(checkout, read_repository_config(checkout), name, selection)


def _fetch_likely_files(checkout: Checkout, name: str, selection: Selection) -> None:
    """bumper.yaml with the environment's files by the usual layouts: where it says the same, one fetch is enough."""
    if CONFIG_FILE in checkout.entries and len(checkout.entries) <= _FEW:
        usual = read_layout(None, checkout.files, checkout.settings.address.name)
        with contextlib.suppress(Refused):
            likely = with_apps(usual.environment(name), selection.apps).files
            read_files(checkout, [CONFIG_FILE, *likely])


def open_environment(
    checkout: Checkout, setup: RepositoryConfig, name: str, selection: Selection = EVERYTHING
) -> Target:
    """The environment ``name`` and its pins, its files fetched all at once.

    Only what can be of ``selection`` is read; where one of its images has no pin everything is, to name what is near.
    """
    environment = setup.layout.environment(name)
    chosen = with_apps(environment, selection.apps)
    report_step(f"reading the values files of {name} ({len(chosen.files)})")
    own_of_argocd = source_files_beside(chosen, checkout.files)
    sources = dict(read_files(checkout, (*chosen.files, *own_of_argocd)))
    above = {path: sources.pop(path) for path in own_of_argocd if path in sources}
    gathered = gather(with_images(chosen, setup.config, sources, selection.images), setup.config, sources)
    if not {found.pin.repository for found in gathered.pins}.issuperset(selection.images):
        gathered = gather(chosen, setup.config, sources)
    apps = {app.app: app for app in (*environment.apps, *gathered.applications) if not app.is_by_key}
    every = tuple(apps.values())
    gathered = replace(gathered, applications=every, overridden=tuple(overridden_pins(gathered, name, above)))
    return Target(checkout, setup, replace(environment, apps=every), gathered)


def pushed_images(
    target: Target, pushed: Sequence[PushedImage], registry: str | None, *, allow_missing: bool
) -> tuple[ImageReference, ...]:
    """The environment's images that a notification names; of an image pushed with several tags the one that may enter.

    ``registry`` is that of a notification which names none; else it is bumper.yaml's. Refused if the environment uses
    none of them (unless ``allow_missing``), or if several tags may enter.
    """
    name, rules = target.environment.name, target.environment.config
    repositories = {found.pin.repository for found in target.gathered.pins if found.pin.repository is not None}
    of = registry or target.setup.config.registry
    matched = [image for one in pushed if (image := match_pushed(one, repositories, of)) is not None]
    if not matched and not allow_missing:
        raise Refused(
            f"nothing in {name} uses {', '.join(str(one) for one in pushed)}, which the notification names",
            "`bumper status --all` lists what it uses",
        )
    chosen: dict[Repository, ImageReference] = {}
    for image in matched:
        others = [other for other in matched if other.repository == image.repository]
        allowed = [other for other in others if other.tag is not None and rules.admits(other.tag)] or others
        if len({other.tag for other in allowed}) > 1:
            tags = ", ".join(str(other.tag) for other in allowed)
            raise Refused(
                f"the notification names {image.repository} with several tags ({tags})",
                f"set `tags` of {name} in bumper.yaml, so that only one of them may enter",
            )
        chosen[image.repository] = allowed[0]
    return tuple(chosen.values())


def fetch_environments(checkout: Checkout, setup: RepositoryConfig, names: Iterable[str]) -> None:
    """Fetch the files of several environments at once, before they are opened; what is wrong is reported then."""
    known = [name for name in names if name in setup.layout.environments]
    with contextlib.suppress(Refused):
        paths = dict.fromkeys(path for name in known for path in setup.layout.environment(name).files)
        report_step(f"reading the values files of {', '.join(known)} ({len(paths)})")
        read_files(checkout, paths)


def open_environment_at(checkout: Checkout, setup: RepositoryConfig, name: str, commit: str) -> Target:
    """The environment as an earlier commit has it, fetched before: by today's bumper.yaml, or by the one of then."""
    then = at_commit(checkout, commit)
    layout = read_layout(setup.written, then.files, checkout.settings.address.name)
    try:
        return open_environment(then, RepositoryConfig(setup.written, layout), name)
    except Refused:  # its files were elsewhere
        return open_environment(then, read_repository_config(then), name)


def gather_environment(checkout: Checkout, setup: RepositoryConfig, name: str) -> Iterator[Gathered]:
    """The environment's pins alone, some hundred applications at a time, for a command that changes nothing.

    The trees of thousands of files would take hundreds of megabytes. What names of its own a file gives to its
    applications, and what bumper.yaml says of images, is decided over all of them.
    """
    environment, config = setup.layout.environment(name), setup.config
    is_whole = bool(config.images) or any(app.is_by_key for app in environment.apps)
    size = max(len(environment.apps), 1) if is_whole else _PART
    for start in range(0, len(environment.apps), size):
        part = replace(environment, apps=environment.apps[start : start + size])
        yield gather(part, config, read_files(checkout, part.files))


def odd_layout(setup: RepositoryConfig) -> Iterator[tuple[str, Refused]]:
    """What is odd about each environment's layout, and what to do about it."""
    return ((name, odd) for name in setup.layout.environments for odd in _odd_of(setup.layout, name))


def _odd_of(layout: Layout, name: str) -> Iterator[Refused]:
    """Patterns that match nothing, and files that are the environment's values and another's base."""
    for pattern in layout.source.idle_patterns(name):
        yield Refused(f"no file matches {pattern}", f"correct it in {CONFIG_FILE}, or remove it")
    with contextlib.suppress(Refused):  # of an environment that is broken, which is reported elsewhere
        own = {path for app in layout.environment(name).apps for path in app.values}
        for heir in (layout.environment(other) for other in layout.environments if other != name):
            files = own.intersection(base for app in heir.apps for base in app.bases)
            if files:
                more = f" and {len(files) - 1} more" if len(files) > 1 else ""
                yield Refused(
                    f"{min(files)}{more} is also a base of {heir.name}: a bump of {name} changes {heir.name} where its "
                    "own values do not override the tag",
                    f"give {heir.name} tags of its own, or {name} values of its own",
                )
