"""Records as bumper writes them, by somebody else."""

import re

from tests.support.gitops import APP, STAGING_FILE
from tests.support.pipelines import pipeline

NUMBER = 999_999  # newer than every pipeline of a test
DIGEST = f"sha256:{'6' * 64}"  # which no registry gave


def _project() -> str:
    variables = pipeline(NUMBER)
    return f"{variables['CI_SERVER_URL']}/{variables['CI_PROJECT_PATH']}"


def trailers(tag: str) -> str:
    """Trailers of a bump by a newer pipeline, with a digest."""
    return (
        f"Bumper-Command: bump\nBumper-Environment: staging\nBumper-Image: {APP}:{tag}@{DIGEST}\n"
        f"Bumper-Order: {NUMBER} {_project()}\n"
    )


def edited(message: str, tag: str) -> str:
    """A commit message of bumper's, for another tag and a newer pipeline; everything else in it stays."""
    newer = re.sub(r"(?m)^Bumper-Order: \d+", f"Bumper-Order: {NUMBER}", message)
    return re.sub(r"(?m)^(Bumper-Image: .*):1\.0\.\d(@.*)?$", rf"\1:{tag}@{DIGEST}", newer)


def description(tag: str) -> str:
    """The record in a description."""
    change = f'["app","{STAGING_FILE}","image.tag",3,"{APP}","1.0.0",null,"{tag}",null]'
    return (
        f'<!-- bumper: {{"command":"bump","environment":"staging","images":["{APP}:{tag}"],"requested_by":null,'
        f'"undoes":[],"superseded_by":null,"changes":[{change}],"pipeline":[{NUMBER},"","{_project()}"]}} -->'
    )


def note() -> str:
    """The comment by which a newer pipeline says that it asked for the same."""
    return f"<!-- bumper: pipeline {NUMBER} {_project()} -->"
