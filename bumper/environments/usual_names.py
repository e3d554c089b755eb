"""What environments, folders and files of GitOps repositories are usually called. Pure."""

import re
from collections.abc import Iterable

# Those that are read without bumper.yaml.
USUAL_NAMES = (
    "dev", "development", "test", "qa", "uat", "stage", "staging", "preprod", "preview", "prod", "production",
)  # fmt: skip
# What bumper init takes for an environment's name, with the usual name that it is sorted like.
_MEANT = {name: name for name in USUAL_NAMES} | {
    "local": "dev", "sandbox": "dev", "sbx": "dev", "devel": "dev", "develop": "dev", "int": "test",
    "integration": "test", "tst": "test", "testing": "test", "sit": "test", "ift": "test", "perf": "uat",
    "load": "uat", "acc": "uat", "acceptance": "uat", "psi": "uat", "demo": "uat", "stg": "staging",
    "hml": "staging", "hom": "staging", "pre": "preprod", "prelive": "preprod", "nonprod": "preprod",
    "canary": "preprod", "prd": "prod", "prom": "prod", "live": "prod", "dr": "production",
}  # fmt: skip
_SEPARATOR = re.compile(r"[-_.]")
_PLACE = re.compile(
    r"(?:eu|us|usa|ap|uk|gb|de|fr|nl|ru|in|cn|jp|au|br|ca|sg|na|sa|me|af|emea|apac|latam|asia|europe|msk|spb|global|dc"
    r"|zone|region|primary|secondary|main|blue|green|east|west|north|south|central|northeast|southeast|northwest"
    r"|southwest|azure|aws|gcp|[a-f])?\d*"
)

# With a suffix, which has no dot: values-prod.sops.yaml is no environment's values.
USUAL_NAME = rf"(?:{'|'.join(USUAL_NAMES)})(?:[-_][A-Za-z0-9_-]+)?"
# The values of a chart, which Helm reads before all others.
CHART_VALUES = ("values.yaml", "values.yml")
# Folders above environments. Below the certain ones every name is an environment's; the others hold other things too.
CERTAIN_PARENTS = frozenset({"envs", "environments"})
PARENTS = CERTAIN_PARENTS | {
    "cluster", "clusters", "env", "env.d", "environment", "overlay", "overlays", "regions", "stages",
}  # fmt: skip
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
    {"ci", "docs", "e2e", "example", "examples", "fixtures", "hack", "node_modules", "scripts", "templates", "testdata",
     "tests", "vendor"}
)  # fmt: skip


def usual_order(names: Iterable[str]) -> list[str]:
    """``names`` from development to production, by what they begin or end with; unknown ones last, by alphabet."""

    def place(name: str) -> tuple[int, str]:
        words = [word.rstrip("0123456789") for word in _SEPARATOR.split(name.lower())]
        places = [USUAL_NAMES.index(_MEANT[word]) for word in (words[0], words[-1]) if word in _MEANT]
        return max(places, default=len(USUAL_NAMES)), name  # local-prod is a prod

    return sorted(names, key=place)


def is_usual(name: str) -> bool:
    """Whether ``name`` is usually an environment's, with or without a number: ``prod``, ``stg``, ``dev2``."""
    return name.lower().rstrip("0123456789") in _MEANT


def usual_names_in(words: Iterable[str]) -> set[str]:
    """The environments that are usually meant by some of ``words``, each by one name: ``stg`` is staging."""
    return {_MEANT[word] for word in words if word in _MEANT}


def is_likely(name: str) -> bool:
    """Whether ``name`` is usually an environment's, alone or with a place: ``prod``, ``prod-eu``."""
    return is_usual(name) or is_usual_with_place(name)


def is_place(name: str) -> bool:
    """Whether ``name`` is a region's or a data centre's: ``eu``, ``us-east-1``."""
    return all(_PLACE.fullmatch(part) for part in _SEPARATOR.split(name.lower()))


def is_usual_with_place(name: str) -> bool:
    """Whether ``name`` is a usual one and a place: ``prod-eu``, ``eu-west-1-prod``, but not ``test-runner``."""
    parts = _SEPARATOR.split(name.lower())
    usual = [part for part in parts if is_usual(part)]
    return len(parts) > 1 and len(usual) == 1 and all(_PLACE.fullmatch(part) for part in parts if part not in usual)


def unused_folder(path: str, charts: frozenset[str]) -> str:
    """The topmost folder of ``path`` whose files are deployed nowhere, "" where there is none.

    That is templates/, hack/ and the like, a hidden folder or one like _template, and the charts/ in one of ``charts``,
    which are the folders with a Chart.yaml.
    """
    parts = path.split("/")[:-1]
    for number, name in enumerate(parts):
        above = "/".join(parts[:number])
        if name in _UNUSED or name.startswith((".", "_")) or (name == "charts" and above in charts):
            return "/".join(parts[: number + 1])
    return ""


def chart_folders(paths: Iterable[str]) -> frozenset[str]:
    """The folders with a Chart.yaml, "" for the root."""
    return frozenset(path.rpartition("/")[0] for path in paths if path.rpartition("/")[2] == "Chart.yaml")
