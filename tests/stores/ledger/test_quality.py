"""Measured quality is kept per version and window."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from lifecycle.evaluation import Metrics
from lifecycle.quality import Quality
from stores.ledger.quality import QualityRecords

NOW = datetime(2013, 4, 8, tzinfo=UTC)
METRICS = Metrics(
    rows=90, positives=0, auc=None, average_precision=None, brier=0.1, log_loss=0.3, calibration_error=0.0,
    cost_per_row=0.0,
)  # fmt: skip
MEASURED = Quality(
    "m", "1", NOW - timedelta(days=7), NOW, predictions=100, labelled=90, metrics=METRICS, measured_at=NOW
)


def test_a_measurement_of_the_same_window_replaces_the_earlier_one(ledger: Engine) -> None:
    """More labels for one window are one row, not two."""
    records = QualityRecords(ledger)
    records.record(MEASURED)
    records.record(replace(MEASURED, labelled=95))
    assert records.newest("m") == (replace(MEASURED, labelled=95),)
