"""Micro-batches as the log's record batches."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lifecycle.charging import Charges
from serving.log_batch import Decided, Failure, LogBatches, Scored
from stores.prediction_log.schema import SCHEMA

CONSTANTS: dict[str, str | int | None] = {
    "model": "m",
    "version": "7",
    "contract": "m_v1",
    "artifact_digest": "d",
    "arm": "champion",
    "tier": "model",
    "replica": "r",
    "plan_revision": 3,
    "cost": None,
    "tenant": None,
}


def scored(n_rows: int, n_views: int, n_features: int = 2) -> Scored:
    """Return a micro-batch in which every second view's row is missing."""
    feature_at = np.full((n_rows, n_views), 1_364_817_600.25)
    feature_at[:, ::2] = np.nan
    return Scored(
        prediction_ids=[f"p{row}" for row in range(n_rows)],
        request_ids=["q"] * n_rows,
        row_numbers=list(range(n_rows)),
        served_at=1_364_817_600.000001,
        moments=np.full(n_rows, 1_364_817_600.0),
        example_ids=["e"] * n_rows,
        units=["u"] * n_rows,
        requests=["{}"] * n_rows,
        matrix=np.arange(n_rows * n_features, dtype=np.float32).reshape(n_rows, n_features),
        defaulted=[("a", "b") if row == 0 else () for row in range(n_rows)],
        feature_at=feature_at,
        decided=Decided(np.linspace(0, 1, n_rows), ["yes"] * n_rows, None),
        decode_us=[5] * n_rows,
        queue_us=[6] * n_rows,
        features_us=7,
        predict_us=8,
    )


@pytest.mark.parametrize("n_views", [0, 1, 3])
@pytest.mark.parametrize("n_rows", [1, 9, 70])
def test_batch_is_whole_and_reads_back_as_it_was(n_rows: int, n_views: int) -> None:
    """The buffers that were handed over mean what the columns say."""
    batch = LogBatches(CONSTANTS).build(scored(n_rows, n_views))
    batch.validate(full=True)
    assert batch.schema == SCHEMA
    rows: list[dict[str, Any]] = batch.to_pylist()
    assert [row["row"] for row in rows] == list(range(n_rows))
    last = rows[-1]
    assert last["features"] == [2.0 * n_rows - 2, 2.0 * n_rows - 1]
    assert last["score"] == np.linspace(0, 1, n_rows)[-1]
    assert last["served_at"] == datetime(2013, 4, 1, 12, 0, 0, 1, UTC)
    known = datetime(2013, 4, 1, 12, 0, 0, 250_000, UTC)
    assert last["feature_at"] == [None if view % 2 == 0 else known for view in range(n_views)]
    assert rows[0]["defaulted"] == ["a", "b"]
    assert (last["decode_us"], last["queue_us"], last["features_us"], last["predict_us"]) == (5, 6, 7, 8)
    assert {name: last[name] for name in CONSTANTS} == CONSTANTS
    assert (last["unit"], last["decided_by"], last["outcome"], last["error"]) == ("u", None, "answered", None)
    assert (last["shown"], last["pairs_with"]) == (True, None)


def test_row_that_a_rule_decided_names_the_rule() -> None:
    """The others were the threshold's."""
    batch = LogBatches(CONSTANTS).build(
        replace(scored(2, 1), decided=Decided(np.ones(2), ["no", "no"], [None, "storm"]))
    )
    batch.validate(full=True)
    assert batch["decided_by"].to_pylist() == [None, "storm"]


@pytest.mark.parametrize("pairs_with", [None, ["s0", "s1", "s2"]])
def test_failed_attempt_has_a_reason_and_no_score(pairs_with: list[str] | None) -> None:
    """It is shown unless another row was, which it names."""
    batches = LogBatches(CONSTANTS)
    batches.build(scored(5, 1))
    failed = replace(scored(3, 1), decided=None)
    batch = batches.build(failed, Failure(["late", "late", "odd"], pairs_with))
    batch.validate(full=True)
    assert batch.schema == SCHEMA
    rows = batch.to_pylist()
    assert [row["error"] for row in rows] == ["late", "late", "odd"]
    assert {(row["outcome"], row["score"], row["decision"], row["shown"]) for row in rows} == {
        ("failed", None, None, pairs_with is None)
    }
    named = [row["pairs_with"] for row in rows]
    assert named == ([None] * 3 if pairs_with is None else pairs_with)


def test_batch_with_both_scores_and_a_failure_is_refused() -> None:
    """One of the two would be a lie."""
    with pytest.raises(ValueError, match="either"):
        LogBatches(CONSTANTS).build(scored(1, 1), Failure(["late"], None))


def test_batches_of_changing_size_keep_their_constants() -> None:
    """The constant columns are kept for every length."""
    batches = LogBatches(CONSTANTS)
    for n_rows in (3, 1, 8, 2, 3):
        batch = batches.build(scored(n_rows, 2))
        batch.validate(full=True)
        assert batch["version"].to_pylist() == ["7"] * n_rows
        assert batch["cost"].null_count == n_rows


def test_batch_survives_the_log_s_own_file_format() -> None:
    """Sliced columns are written from where they begin."""
    batches = LogBatches(CONSTANTS)
    batches.build(scored(50, 3))
    batch = batches.build(scored(4, 3))
    again = pa.ipc.read_record_batch(batch.serialize(), SCHEMA)
    assert again.equals(batch)


CHARGES = Charges({"model": 1.0, "rule": 0.5, "small": 0.1}, per_microsecond=0.01)


def test_rows_share_the_time_of_their_batch_and_are_told_with_their_tenants() -> None:
    """Of an answer its price and its share; of a failed attempt the time of its scoring alone."""
    told: list[tuple[object, list[float]]] = []
    batches = LogBatches(
        CONSTANTS | {"tier": "model"}, CHARGES, lambda tenants, costs: told.append((tenants, costs.tolist()))
    )
    batch = batches.build(replace(scored(3, 1), tenants=["x", None, "y"], spent_us=7 / 3))
    assert batch["cost"].to_pylist() == pytest.approx([1.05] * 3)
    assert batch["tenant"].to_pylist() == ["x", None, "y"]
    failed = batches.build(replace(scored(2, 1), decided=None), Failure(["late"] * 2, None))
    assert failed["cost"].to_pylist() == pytest.approx([0.04] * 2)
    assert [tenants for tenants, _ in told] == [["x", None, "y"], None]
    assert [sum(costs) for _, costs in told] == pytest.approx([3.15, 0.08])


def test_rows_of_several_tiers_have_each_its_own_cost() -> None:
    """As they were told, beside the tier that gave each."""
    mixed = replace(scored(2, 1), tiers=["small", "model"], costs=np.array([0.1, 1.5]))
    batch = LogBatches(CONSTANTS, CHARGES).build(mixed)
    batch.validate(full=True)
    assert (batch["tier"].to_pylist(), batch["cost"].to_pylist()) == (["small", "model"], [0.1, 1.5])
    assert LogBatches(CONSTANTS).build(mixed)["cost"].null_count == 2
