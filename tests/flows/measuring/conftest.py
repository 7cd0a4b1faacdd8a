"""What the tests of measuring share."""

from pathlib import Path

import pytest

from stores.settings import Settings
from tests.flows.answered_toy import prepare


@pytest.fixture
def kept(home: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Return settings on a state folder with the toy's events, its policy, and a clock at day ten."""
    return prepare(home, monkeypatch, tmp_path)
