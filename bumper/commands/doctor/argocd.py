"""What Argo CD deploys that no environment covers, what it sets above the values files, and whether it can be asked."""

from collections.abc import Iterator, Sequence

from bumper.argocd.server import connect_to_argocd
from bumper.commands.doctor.check import Check, failed, first_of, warned
from bumper.environments.config_models import CONFIG_FILE
from bumper.environments.discovery.applications import compare_coverage, expand
from bumper.environments.discovery.candidates import find_candidates
from bumper.environments.discovery.generators import Tree
from bumper.environments.discovery.manifests import Manifest, is_data, read_manifests
from bumper.environments.gather import pin_paths
from bumper.environments.overrides import find_overrides
from bumper.environments.repository import Target
from bumper.errors import BumperError
from bumper.git.checkout import Checkout, read_files

_OVERRIDES, _COVERAGE = "Argo CD overrides", "coverage"


def examine_argocd(checkout: Checkout, targets: Sequence[Target]) -> Iterator[Check]:
    """What the repository's Applications and ApplicationSets deploy and override; a token where there is a server.

    Bump needs none of it, but a tag that is overridden is not what runs.
    """
    try:
        sources = read_files(checkout, filter(is_data, checkout.files))
    except BumperError as error:
        yield failed(_OVERRIDES, error)
        return
    manifests = read_manifests(sources)
    yield from _examine_coverage(Tree(dict.fromkeys(checkout.files), sources), manifests, targets)
    overrides = [
        *((one.found, one.next_step) for one in find_overrides(manifests, pin_paths(one.gathered for one in targets))),
        *((one.what, one.next_step) for target in targets for one in target.gathered.overridden),
    ]
    yield from first_of([Check(_OVERRIDES, found, next_step) for found, next_step in overrides], "more")
    if not overrides:
        where = f"in {len(manifests)}" if manifests else "because there are no"
        yield Check(_OVERRIDES, f"none, {where} Applications and ApplicationSets in this repository")
    yield from _check_token(checkout, targets)


def _check_token(checkout: Checkout, targets: Sequence[Target]) -> Iterator[Check]:
    """Whether there is one, and whether it may be sent to where bumper.yaml says that Argo CD is."""
    servers = {target.environment.name: target.environment.config.argocd for target in targets}
    used = {name: argocd for name, argocd in servers.items() if argocd is not None}
    token = checkout.settings.argocd_token
    if used and token is None:
        found = f"none, so that bumper can neither wait for {', '.join(used)} nor see whether it is healthy"
        yield Check("Argo CD token", found, "set ARGOCD_AUTH_TOKEN to a token of Argo CD")
        return
    for url in dict.fromkeys(argocd.server for argocd in used.values()):
        try:
            connect_to_argocd(url, None, checkout.settings)
        except BumperError as error:
            yield warned("Argo CD token", error)
        else:
            yield Check("Argo CD token", f"in {token.source if token is not None else 'none'}, for {url}")


def _examine_coverage(tree: Tree, manifests: Sequence[Manifest], targets: Sequence[Target]) -> Iterator[Check]:
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
        yield Check(_COVERAGE, "every file with tags belongs to an environment")


def _some(lines: Sequence[tuple[str, str]]) -> Iterator[Check]:
    if lines:
        yield from first_of([Check(_COVERAGE, found, step) for found, step in lines], "more like these", lines[0][1])
