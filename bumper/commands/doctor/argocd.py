"""What Argo CD deploys and what it sets above the values files, and whether it can be asked."""

from collections.abc import Iterator, Sequence

from bumper.commands.doctor.check import Check, failed
from bumper.commands.doctor.coverage import examine_coverage
from bumper.environments.discovery.git_generator import Tree
from bumper.environments.discovery.manifests import may_hold_manifests, read_manifests
from bumper.environments.gather import pin_paths
from bumper.environments.overrides import find_overrides
from bumper.environments.repository import Target
from bumper.errors import BumperError
from bumper.git.checkout import Checkout, read_files

_NAME = "Argo CD overrides"
_MAX_LINES = 10


def examine_argocd(checkout: Checkout, targets: Sequence[Target]) -> Iterator[Check]:
    """What the repository's Applications and ApplicationSets deploy and override; a token where there is a server.

    Bump needs none of it, but a tag that is overridden is not what runs.
    """
    try:
        sources = read_files(checkout, filter(may_hold_manifests, checkout.files))
    except BumperError as error:
        yield failed(_NAME, error)
        return
    manifests = read_manifests(sources)
    yield from examine_coverage(Tree(dict.fromkeys(checkout.files), sources), manifests, targets)
    overrides = find_overrides(manifests, pin_paths(target.gathered for target in targets))
    yield from (Check(_NAME, override.found, override.next_step) for override in overrides[:_MAX_LINES])
    if len(overrides) > _MAX_LINES:
        yield Check(_NAME, f"{len(overrides) - _MAX_LINES} more", "fix those first, then run bumper doctor again")
    if not overrides:
        yield Check(_NAME, f"none in {len(manifests)} Applications and ApplicationSets of this repository")
    yield from _check_token(checkout, targets)


def _check_token(checkout: Checkout, targets: Sequence[Target]) -> Iterator[Check]:
    names = [target.environment.name for target in targets if target.environment.config.argocd is not None]
    token = checkout.settings.argocd_token
    if names and token is not None:
        yield Check("Argo CD token", f"in {token.source}")
    elif names:
        found = f"none, so that bumper can neither wait for {', '.join(names)} nor see whether it is healthy"
        yield Check("Argo CD token", found, "set ARGOCD_AUTH_TOKEN to a token of Argo CD")
