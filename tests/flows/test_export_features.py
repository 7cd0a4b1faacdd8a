"""The file a data scientist trains on: what serving would have computed, with labels that are known."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine

from feature_repo.feast_store import open_feature_store
from feature_repo.training_set import training_set
from flows import export_features as exporting
from flows.export_features import ABOUT, export_features
from flows.materialize import build_window
from lifecycle.errors import EvidenceMissing
from stores.events import EventStore
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.settings import Settings
from tests.flows import toy

pytestmark = [
    # Three libraries warn when they are imported: Google's for Great Expectations, and that one itself.
    pytest.mark.filterwarnings("ignore:Please install grpcio-status:ImportWarning"),
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),
]
NOW = toy.START + timedelta(days=15)


@pytest.fixture
def engine(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Return a ledger whose clock stands at NOW, beside twenty days of events and features of the toy."""
    toy.install(monkeypatch)
    events = EventStore(home.events)
    for stream in toy.DEFINITION.streams:
        events.merge("toy", stream.name, stream.key, stream.read(toy.START, toy.END))
    stored = {stream.name: events.load("toy", stream.name) for stream in toy.DEFINITION.streams}
    store = open_feature_store(toy.DEFINITION, home.features)
    build_window(toy.DEFINITION, store, stored, start=toy.START - timedelta(days=1), end=toy.END)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "toy.yaml").write_text(toy.POLICY, encoding="utf-8")
    engine = open_ledger(home.ledger_address)
    Progress(engine).set_replay(NOW)
    yield engine
    engine.dispose()


@pytest.fixture
def config(home: Settings, tmp_path: Path) -> Settings:
    """Return settings on the toy's policy."""
    return home.model_copy(update={"policies": tmp_path / "policies"})


def test_rows_are_what_training_would_see(config: Settings, engine: Engine) -> None:
    """The same features, in the vector's order, with the label beside them."""
    since, until = toy.START + timedelta(days=3), toy.START + timedelta(days=6)
    frame = export_features("toy", config, engine, since, until)
    assert list(frame.columns) == [*ABOUT, *toy.DEFINITION.vector]
    assert frame["event_timestamp"].between(pd.Timestamp(since), pd.Timestamp(until)).all()
    stored = {name: EventStore(config.events).load("toy", name) for name in ("readings", "asks")}
    examples = toy.examples(stored, since, until)
    expected = training_set(open_feature_store(toy.DEFINITION, config.features), toy.DEFINITION, examples)
    assert frame["example_id"].tolist() == examples["example_id"].tolist()
    assert np.array_equal(frame[list(toy.DEFINITION.vector)].to_numpy(), expected.assembled.matrix)


def test_label_that_is_not_known_yet_is_left_out(config: Settings, engine: Engine) -> None:
    """The window ends now at the latest, and a label of the future is nobody's."""
    frame = export_features("toy", config, engine, toy.START + timedelta(days=14), toy.END)
    assert len(frame) > 50
    assert (frame["label_known_at"] <= NOW).all()


def test_window_without_examples_is_an_error_that_says_so(config: Settings, engine: Engine) -> None:
    """An empty file would be trained on by somebody."""
    with pytest.raises(EvidenceMissing, match="no labelled examples of toy from"):
        export_features("toy", config, engine, NOW + timedelta(days=1), NOW + timedelta(days=2))


def test_moment_without_an_offset_is_utc() -> None:
    """A date is its midnight."""
    assert exporting._moment("2020-01-01") == toy.START
    assert exporting._moment("2020-01-01T02:00:00+02:00") == toy.START
