"""What environments are usually called, and the order in which changes travel through them. Pure."""

from collections.abc import Iterable

USUAL_NAMES = (
    "dev", "development", "test", "qa", "uat", "stage", "staging", "preprod", "preview", "prod", "production",
)  # fmt: skip


def usual_order(names: Iterable[str]) -> list[str]:
    """``names`` from development to production, by what they begin with; unknown ones come last, by alphabet."""

    def place(name: str) -> tuple[int, str]:
        bare = name.replace("_", "-").partition("-")[0]
        return (USUAL_NAMES.index(bare) if bare in USUAL_NAMES else len(USUAL_NAMES), name)

    return sorted(names, key=place)
