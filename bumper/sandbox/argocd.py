"""A small Argo CD beside the embedded GitLab, below /argocd: it runs at once what the default branch says.

Its application ``backend-prod`` is ``apps/backend/envs/prod/values.yaml`` in whichever project has it. Tags among the
setting ``argocd_degraded`` make an application Degraded, so that a deployment that fails can be watched.
"""

import re
from collections.abc import Mapping
from typing import Any

from werkzeug import Request

from bumper.sandbox.api.call import Answer
from bumper.sandbox.git.repository import Repository
from bumper.sandbox.state.world import World

PREFIX = "/argocd/api/v1/applications/"
_KEY = re.compile(r"^\s*(repository|tag):\s*[\"']?([^\s\"'#]+)", re.MULTILINE)
_DEADLINE = "exceeded its progress deadline"


def answer(world: World, request: Request, name: str) -> Answer:
    """Argo CD's answer about the application ``name``; any token will do."""
    if not request.headers.get("Authorization", "").removeprefix("Bearer").strip():
        return _failure(401, 16, "no session information")
    app, _, environment = name.rpartition("-")
    for project in world.records.projects.values():
        repository = world.repository(project)
        tip = repository.branch_tip(project.default_branch)
        image = _image(repository, tip, f"apps/{app}", environment) if tip is not None else None
        if image is not None:
            return Answer(_application(app, str(tip), image, world.settings.argocd_degraded))
    return _failure(403, 7, "permission denied")


def _image(repository: Repository, tip: str, folder: str, environment: str) -> tuple[str, str] | None:
    """The image's repository and tag, the environment's before the shared ones."""
    found: dict[str, str] = {}
    for path in (f"{folder}/values.yaml", f"{folder}/envs/{environment}/values.yaml"):
        done = repository.run("cat-file", "blob", f"{tip}:{path}")
        if done.returncode != 0 and path.count("/") > folder.count("/") + 1:
            return None
        found |= dict(_KEY.findall(done.stdout.decode("utf-8", "replace")))
    return (found["repository"], found["tag"]) if {"repository", "tag"} <= found.keys() else None


def _application(app: str, revision: str, image: tuple[str, str], degraded: tuple[str, ...]) -> Mapping[str, Any]:
    is_degraded = image[1] in degraded
    health = (
        {"status": "Degraded", "message": f'Deployment "{app}" {_DEADLINE}'} if is_degraded else {"status": "Healthy"}
    )
    return {
        "status": {
            "sync": {"status": "Synced", "revision": revision},
            "health": {"status": health["status"]},
            "operationState": {"phase": "Succeeded", "syncResult": {"revision": revision}},
            "summary": {"images": [":".join(image)]},
            "resources": [{"kind": "Deployment", "name": app, "health": health}],
        }
    }


def _failure(status: int, code: int, message: str) -> Answer:
    return Answer({"error": message, "code": code, "message": message}, status)
