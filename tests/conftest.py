"""What every test shares: a state folder of its own, and quiet third parties."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stores.settings import Settings, settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings on an empty state folder, in the environment too, so that child processes share it."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield settings()
    settings.cache_clear()
