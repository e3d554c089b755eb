"""What `bumper check` asks the registries: whether images exist, and whether tags mean the digests beside them."""

from pathlib import Path

import pytest

from tests.registry.fake_registry import DIGEST
from tests.support.checkouts import PROD, LocalCheckout, pinned
from tests.support.command_line import CommandLine
from tests.support.verified import MOVED, OPEN, REPOSITORY, Serve

CONFIG = "environments:\n  prod: {values: 'apps/{app}/envs/prod/values.yaml', digests: true}\n"


def test_images_and_digests(serve: Serve, bumper: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = serve(OPEN)
    image = f"{registry.host}/{REPOSITORY}"
    checkout = LocalCheckout(tmp_path / "gitops", bumper)
    checkout.folder.mkdir()
    monkeypatch.chdir(checkout.folder)
    checkout.git("init", "--quiet", "--initial-branch", "main")
    checkout.commit({"bumper.yaml": CONFIG, PROD: pinned("0.9.0", image)})
    checkout.git("checkout", "--quiet", "-b", "change")

    def rules(tag: str) -> list[str]:
        checkout.commit({PROD: pinned(tag, image)})
        data = bumper("check", "--output", "json").json
        return [one["rule"] for one in data["findings"]]

    assert rules(f"1.0.0@{DIGEST}") == []
    assert rules(f"1.0.0@{MOVED}") == ["digests"]  # a change of the digest alone
    assert rules("1.0.0") == ["digests"]
    assert rules(f"2.0.0@{DIGEST}") == ["image"]
    checkout.check(code=0)  # without the registry
    registry.replies = [None] * 100
    assert rules(f"1.0.0@{DIGEST}") == ["image"]
