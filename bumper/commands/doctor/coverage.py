"""Whether the environments cover what the repository deploys."""

from collections.abc import Iterator, Sequence

from bumper.commands.doctor.check import Check
from bumper.environments.config_models import CONFIG_FILE
from bumper.environments.discovery.applications import expand
from bumper.environments.discovery.candidates import find_candidates
from bumper.environments.discovery.coverage import compare_coverage
from bumper.environments.discovery.git_generator import Tree
from bumper.environments.discovery.manifests import Manifest
from bumper.environments.repository import Target

_NAME = "coverage"
_MAX_LINES = 10


def examine_coverage(tree: Tree, manifests: Sequence[Manifest], targets: Sequence[Target]) -> Iterator[Check]:
    """Argo CD's applications and files with tags that no environment has: bump changes none of them."""
    expanded = expand(manifests, tree)
    candidates = find_candidates(
        tree.paths, tree.sources, [path for one in expanded.applications for path in one.files]
    )
    apps = [app for target in targets for app in target.environment.apps]
    coverage = compare_coverage(
        expanded,
        candidates,
        {path for app in apps for path in app.values},
        {path for app in apps for path in app.bases},
    )
    add = f"add its values file to an environment in {CONFIG_FILE} if bumper is to change it"
    found = [
        f"no environment covers Argo CD's application {one.name or one.manifest.name}" for one in coverage.applications
    ]
    yield from _some([(text, add) for text in dict.fromkeys(found)])
    add = f"add it to an environment's values in {CONFIG_FILE} if it is deployed from here"
    files = [
        f"{path} holds {count} {'tag' if count == 1 else 'tags'} and belongs to no environment"
        for path, count in coverage.files.items()
    ]
    yield from _some([(text, add) for text in files])
    yield from _some([(text, "compare it with the environments yourself") for text in coverage.unknown])
    if not (found or files):
        yield Check(_NAME, "every file with tags belongs to an environment")


def _some(lines: Sequence[tuple[str, str]]) -> Iterator[Check]:
    yield from (Check(_NAME, found, next_step) for found, next_step in lines[:_MAX_LINES])
    if len(lines) > _MAX_LINES:
        yield Check(_NAME, f"{len(lines) - _MAX_LINES} more like these", lines[0][1])
