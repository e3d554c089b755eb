"""What the folders and files of a GitOps repository are called that are neither environments nor applications. Pure."""

from collections.abc import Iterable

# Folders above environments. Below the certain ones every name is an environment's; the others hold other things too.
CERTAIN_PARENTS = frozenset({"envs", "environments"})
PARENTS = CERTAIN_PARENTS | {"env", "environment", "overlays", "overlay", "clusters", "cluster", "stages", "regions"}
# Folders that hold applications, or parts of one, and are never an application's name.
CONTAINERS = frozenset(
    {"applications", "apps", "charts", "components", "helm-charts", "microservices", "projects", "services", "teams",
     "tenants", "workloads"}
)  # fmt: skip
# Folders of whole teams, each with applications of its own.
OF_TEAMS = frozenset({"groups", "projects", "teams", "tenants"})
GENERIC = PARENTS | OF_TEAMS | CONTAINERS | {
    "base", "bases", "chart", "config", "configs", "configuration", "deploy", "deployment", "deployments", "helm",
    "helm-values", "helmfile.d", "k8s", "kubernetes", "kustomize", "manifests", "patch", "patches", "releases", "src",
    "values",
}  # fmt: skip
# Names in an environment's place of what all environments share.
SHARED = frozenset(
    {"_template", "all", "base", "bases", "chart", "charts", "common", "default", "defaults", "general", "global",
     "helm", "shared", "template", "templates", "values"}
)  # fmt: skip
# File names that say what a file is, not whose.
PLAIN_NAMES = SHARED | {
    "app", "application", "config", "configmap", "cronjob", "daemonset", "deploy", "deployment", "flags", "helmfile",
    "helmrelease", "image", "images", "job", "kustomization", "namespace", "patch", "release", "rollout", "secret",
    "secrets", "service", "statefulset", "tag", "tags", "version", "versions",
}  # fmt: skip
# Folders whose files are deployed nowhere; a chart's ci/ holds values for its tests.
_UNUSED = frozenset(
    {
        "ci",
        "docs",
        "e2e",
        "example",
        "examples",
        "fixtures",
        "hack",
        "node_modules",
        "scripts",
        "templates",
        "testdata",
        "tests",
        "vendor",
    }
)


def is_deployed(path: str, charts: frozenset[str]) -> bool:
    """Whether ``path`` may be deployed: not below templates/, a chart's ci/ or own charts/, hack/ or a hidden folder.

    ``charts`` are the folders with a Chart.yaml.
    """
    return not unused_folder(path, charts)


def unused_folder(path: str, charts: frozenset[str]) -> str:
    """The topmost folder of ``path`` that holds nothing deployed, "" where there is none; ``_template`` is one, too."""
    parts = path.split("/")[:-1]
    for number, name in enumerate(parts):
        above = "/".join(parts[:number])
        if name in _UNUSED or name.startswith((".", "_")) or (name == "charts" and above in charts):
            return "/".join(parts[: number + 1])
    return ""


def chart_folders(paths: Iterable[str]) -> frozenset[str]:
    """The folders with a Chart.yaml, "" for the root."""
    return frozenset(path.rpartition("/")[0] for path in paths if path.rpartition("/")[2] == "Chart.yaml")
