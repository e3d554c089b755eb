"""What a repository deploys and bumper.yaml does not cover. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bumper.environments.discovery.applications import Application, Expanded
from bumper.environments.discovery.candidates import Candidate


@dataclass(frozen=True, slots=True)
class Coverage:
    """Argo CD's applications whose tags no environment has, and files with tags that none has, with their number.

    ``unknown`` are sentences about what could not be compared.
    """

    applications: tuple[Application, ...]
    files: Mapping[str, int]
    unknown: tuple[str, ...]


def compare_coverage(
    expanded: Expanded, candidates: Mapping[str, Candidate], values: Collection[str], bases: Collection[str]
) -> Coverage:
    """Compare what Argo CD reads and which files hold tags with the environments' ``values`` and ``bases``."""
    with_tags = {path: one.pins for path, one in candidates.items() if one.pins}
    applications = (
        application
        for application in expanded.applications
        if any(path in with_tags for path in application.files)
        and not any(path in values for path in application.files)
    )
    files = {path: pins for path, pins in with_tags.items() if path not in values and path not in bases}
    return Coverage(tuple(applications), files, expanded.unknown)
