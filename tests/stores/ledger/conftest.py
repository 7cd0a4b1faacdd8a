"""A migrated ledger in a file of its own."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from stores.ledger.opening import open_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Engine:
    """An empty ledger."""
    return open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
