"""Which repositories hold the same image: bumper.yaml's ``same_as``. Pure."""

from bumper.environments.config_models import Config
from bumper.image import Repository


def canonical(config: Config, repository: Repository) -> str:
    """One name for the repository in all registries that ``same_as`` puts together; the longest prefix counts."""
    name = str(repository)
    best: tuple[int, str] = (0, name)
    for registries in config.same_as:
        for prefix in registries:
            if _is_below(name, prefix) and len(prefix) > best[0]:
                best = (len(prefix), registries[0] + name[len(prefix) :])
    return best[1]


def _is_below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix.rstrip('/')}/")
