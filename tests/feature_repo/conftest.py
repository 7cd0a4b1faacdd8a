"""Two weeks of the real flights and a tiny model of shops, each on a real Feast store."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from feature_repo.definition import ModelDefinition
from feature_repo.feast_store import open_feature_store
from feature_repo.flight_delay import DEFINITION
from feature_repo.offline import offline_folder, write_offline
from tests.feature_repo.shops import SHOPS

if TYPE_CHECKING:
    from feast import FeatureStore


@dataclass(frozen=True)
class Built:
    """A model's events, its feature rows by view, and the store that holds them offline."""

    definition: ModelDefinition
    events: Mapping[str, pd.DataFrame]
    rows: Mapping[str, pd.DataFrame]
    store: "FeatureStore"
    start: datetime
    end: datetime


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Two weeks of January 2013, built once; the events go on for three days."""
    start, end = DEFINITION.source_range[0], datetime(2013, 1, 15, tzinfo=UTC)
    events = {stream.name: stream.read(start, end + timedelta(days=3)) for stream in DEFINITION.streams}
    store = open_feature_store(DEFINITION, tmp_path_factory.mktemp("flights"))
    rows = {}
    for view in DEFINITION.views:
        rows[view.name] = view.build(events, start, end)
        write_offline(offline_folder(store, view), view, rows[view.name], start, end)
    return Built(DEFINITION, events, rows, store, start, end)


@pytest.fixture
def shops(tmp_path: Path) -> "FeatureStore":
    """An empty Feast store of the shops."""
    return open_feature_store(SHOPS, tmp_path)
