"""Training sets see what was known at the prediction moment, row by row, and nothing later."""

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from feature_repo.offline import offline_folder, write_offline
from feature_repo.training_set import historical_features, training_set
from lifecycle.errors import EvidenceMissing, InvalidInput, Unavailable
from tests.feature_repo.shops import NOON, SHOPS, ask, sales

if TYPE_CHECKING:
    from feast import FeatureStore

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ABSURD = 1e9


def _store_rows(store: "FeatureStore", frame: pd.DataFrame) -> None:
    for view in SHOPS.views:
        rows = view.build({"sales": frame}, NOON - DAY, NOON + DAY)
        write_offline(offline_folder(store, view), view, rows, NOON - DAY, NOON + DAY)


def _examples(*moments: tuple[str | None, timedelta]) -> pd.DataFrame:
    frame = sales(*((shop, NOON + after, 0.0) for shop, after in moments))
    return SHOPS.examples({"sales": frame}, NOON - DAY, NOON + DAY)


def test_planted_future_is_not_seen(shops: "FeatureStore") -> None:
    """Neither an event known after the moment, nor a feature row stamped after it, however absurd."""
    past = [("north", NOON, 3.0), ("south", NOON, 4.0)]
    moment = 10 * MINUTE
    future = [(shop, NOON + moment + after, ABSURD) for shop in ("north", "south") for after in (0 * MINUTE, MINUTE)]
    _store_rows(shops, sales(*past, *future))
    got = training_set(shops, SHOPS, _examples(("north", moment), ("south", moment)))
    assert got.assembled.matrix[:, SHOPS.vector.index("last_amount")].tolist() == [3.0, 4.0]
    assert not (np.abs(got.assembled.matrix) >= ABSURD).any()


def test_rows_come_back_complete_and_in_order(shops: "FeatureStore") -> None:
    """Repeated questions, unknown and missing entities, and moments before any row all keep their place."""
    _store_rows(shops, sales(("north", NOON, 3.0), ("south", NOON + MINUTE, 4.0)))
    rows: list[tuple[str | None, timedelta]] = [
        ("south", 2 * MINUTE),
        ("north", 2 * MINUTE),
        ("west", 2 * MINUTE),
        (None, 2 * MINUTE),
        ("south", -MINUTE),
        ("south", 2 * MINUTE),
        ("north", 3 * HOUR),
    ]
    examples = _examples(*rows)
    got = training_set(shops, SHOPS, examples)
    pd.testing.assert_frame_equal(got.examples, examples)
    column = SHOPS.vector.index("last_amount")
    assert got.assembled.matrix[:, column].tolist() == [4.0, 3.0, 7.0, 7.0, 7.0, 4.0, 7.0]
    assert got.assembled.defaulted[:, column].tolist() == [False, False, True, True, True, False, True]


def test_row_counts_as_long_as_online(shops: "FeatureStore") -> None:
    """Exactly at the freshness limit a row still counts, a second later it does not."""
    _store_rows(shops, sales(("north", NOON, 3.0)))
    limit = NOON + timedelta(seconds=1) + HOUR
    found = historical_features(shops, SHOPS, ask(("north", limit), ("north", limit + timedelta(seconds=1))))
    np.testing.assert_equal(found["last_amount"], [3.0, np.nan])


def test_no_examples_are_refused(shops: "FeatureStore") -> None:
    """There is nothing to train on."""
    with pytest.raises(EvidenceMissing, match="no examples of shops"):
        training_set(shops, SHOPS, _examples().iloc[:0])


def test_view_that_was_never_materialized_is_refused(shops: "FeatureStore") -> None:
    """A model trained on nothing but defaults would pass unseen."""
    with pytest.raises(EvidenceMissing, match="shop_sales has no row for any of 1 examples"):
        training_set(shops, SHOPS, _examples(("north", MINUTE)))


def test_example_stamped_off_its_moment_is_refused(shops: "FeatureStore") -> None:
    """A later stamp would let the future in."""
    examples = _examples(("north", MINUTE), ("south", MINUTE))
    examples["event_timestamp"] += pd.to_timedelta([0, 1], unit="min")
    with pytest.raises(InvalidInput, match=r"south-12:01 is stamped .*12:02:00.*1 of 2"):
        training_set(shops, SHOPS, examples)


def test_unreadable_offline_rows_are_unavailable(shops: "FeatureStore") -> None:
    """A torn file is named, and nothing is trained on."""
    _store_rows(shops, sales(("north", NOON, 3.0)))
    (offline_folder(shops, SHOPS.views[0]) / "2024-05-02.parquet").write_bytes(b"torn")
    with pytest.raises(Unavailable, match=r"offline features of shops cannot be read.*2024-05-02\.parquet"):
        training_set(shops, SHOPS, _examples(("north", MINUTE)))
