"""Names that people give to environments, and what other folders and files of a GitOps repository are called. Pure."""

import re
from collections.abc import Iterable

# Those of the contract, which are read without bumper.yaml, from development to production.
CONVENTIONAL = (
    "dev", "development", "test", "qa", "uat", "stage", "staging", "preprod", "preview", "prod", "production",
)  # fmt: skip
# What bumper init takes for an environment's name besides, with the conventional name that it is sorted like.
_FURTHER = {
    "local": "dev", "sandbox": "dev", "sbx": "dev", "devel": "dev", "develop": "dev", "int": "test", "integration":
    "test", "tst": "test", "testing": "test", "sit": "test", "ift": "test", "perf": "uat", "load": "uat", "acc": "uat",
    "acceptance": "uat", "psi": "uat", "demo": "uat", "stg": "staging", "stable": "staging", "hml": "staging", "hom":
    "staging", "pre": "preprod", "prelive": "preprod", "nonprod": "preprod", "canary": "preprod", "prd": "prod",
    "prom": "prod", "live": "prod", "dr": "production",
}  # fmt: skip
# Folders above environments. Below the certain ones every name is an environment's; the others hold other things too.
CERTAIN_PARENTS = frozenset({"envs", "environments"})
PARENTS = CERTAIN_PARENTS | {"env", "environment", "overlays", "overlay", "clusters", "cluster", "stages", "regions"}
# Folders that hold applications, or parts of one, and are never an application's name.
GENERIC = PARENTS | {
    "app", "apps", "application", "applications", "argocd", "base", "bases", "chart", "charts", "components", "config",
    "configs", "configuration", "deploy", "deployment", "deployments", "gitops", "helm", "helm-charts", "helm-values",
    "helmfile.d", "infra", "infrastructure", "k8s", "kubernetes", "kustomize", "manifests", "microservices", "projects",
    "releases", "services", "src", "teams", "tenants", "values", "workloads",
}  # fmt: skip
# What stands in an environment's place and is shared by all of them.
SHARED = frozenset(
    {"all", "base", "bases", "chart", "charts", "common", "default", "defaults", "general", "global", "helm", "shared",
     "template", "templates", "_template", "values"}
)  # fmt: skip
# File names that say what a file is, not whose.
PLAIN_NAMES = SHARED | {
    "app", "application", "config", "configmap", "cronjob", "daemonset", "deploy", "deployment", "flags", "helmfile",
    "helmrelease", "image", "images", "job", "kustomization", "namespace", "patch", "release", "rollout", "secret",
    "secrets", "service", "statefulset", "tag", "tags", "version", "versions",
}  # fmt: skip
# Folders whose files are deployed nowhere.
_UNUSED = frozenset({"hack", "node_modules", "vendor", "testdata", "e2e", "examples", "example", "docs", "tests"})

_SEPARATOR = re.compile(r"[-_.]")
_PLACE = re.compile(
    r"(?:eu|us|usa|ap|uk|gb|de|fr|nl|ru|in|cn|jp|au|br|ca|sg|na|sa|me|af|emea|apac|latam|asia|europe|msk|spb|global|dc"
    r"|zone|region|primary|secondary|main|blue|green|east|west|north|south|central|[a-f]|northeast|southeast|northwest"
    r"|southwest|azure|aws|gcp)?\d*"
)
_ALL = CONVENTIONAL + tuple(_FURTHER)


def is_usual(name: str) -> bool:
    """Whether ``name`` is an environment's, with or without a number: ``prod``, ``stg``, ``dev2``."""
    return name.lower().rstrip("0123456789") in _ALL


def is_usual_with_place(name: str) -> bool:
    """Whether ``name`` is a usual one and a place: ``prod-eu``, ``eu-west-1-prod``, but not ``test-runner``."""
    parts = _SEPARATOR.split(name.lower())
    usual = [part for part in parts if is_usual(part)]
    return len(parts) > 1 and len(usual) == 1 and all(_PLACE.fullmatch(part) for part in parts if part not in usual)


def usual_order(names: Iterable[str]) -> list[str]:
    """``names`` from development to production, others last."""

    def place(name: str) -> tuple[int, str]:
        words = [word.rstrip("0123456789") for word in _SEPARATOR.split(name.lower())]
        known = [_FURTHER.get(word, word) for word in (words[0], words[-1])]
        places = [CONVENTIONAL.index(word) for word in known if word in CONVENTIONAL]
        return (places[0] if places else len(CONVENTIONAL), name)

    return sorted(names, key=place)


def is_deployed(path: str, charts: frozenset[str]) -> bool:
    """Whether ``path`` may be deployed: not below a chart's templates/, ci/ or own charts/, hack/ or a hidden folder.

    ``charts`` are the folders with a Chart.yaml.
    """
    folder, *_ = path.rpartition("/")
    while folder:
        above, _, name = folder.rpartition("/")
        if name == "templates" or name in _UNUSED or name.startswith(".") or name == "ci":
            return False
        if name == "charts" and above in charts:
            return False
        folder = above
    return True


def chart_folders(paths: Iterable[str]) -> frozenset[str]:
    """The folders with a Chart.yaml, "" for the root."""
    return frozenset(path.rpartition("/")[0] for path in paths if path.rpartition("/")[2] == "Chart.yaml")
