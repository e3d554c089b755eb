from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_logins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NETRC", "CURL_CA_BUNDLE"):  # which requests reads beside those that no test sees
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
