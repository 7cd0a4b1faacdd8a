"""Watermarks only move forward, and a replay sets the clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from stores.clock import ReplayClock
from stores.ledger.progress import Batch, Progress, Totals

NOW = datetime(2013, 4, 1, tzinfo=UTC)


def test_a_watermark_never_moves_back(ledger: Engine) -> None:
    """A late run cannot undo what a later one reached."""
    progress = Progress(ledger)
    assert progress.watermark("ingest:m") is None
    progress.advance("ingest:m", NOW)
    progress.advance("ingest:m", NOW - timedelta(days=1))
    assert progress.watermark("ingest:m") == NOW


def test_the_replayed_moment_is_the_clock_until_the_replay_ends(ledger: Engine) -> None:
    """With a replay the clock stands where it was set; without, it is the machine's."""
    progress = Progress(ledger)
    clock = ReplayClock(progress)
    progress.set_replay(NOW)
    assert clock.now() == NOW
    progress.set_replay(None)
    assert datetime.now(UTC) - clock.now() < timedelta(minutes=1)


def test_a_recorded_batch_is_read_back(ledger: Engine) -> None:
    """What became of a batch is kept, times in UTC."""
    progress = Progress(ledger)
    batch = Batch("b1", "m", "s", NOW, NOW + timedelta(hours=1), 10, 9, 1, accepted=True, reason="", seconds=0.1,
                  recorded_at=NOW)  # fmt: skip
    progress.record_batch(batch)
    assert progress.batches("m") == (batch,)


def test_window_taken_in_twice_counts_once(ledger: Engine) -> None:
    """The second time everything came in again and nothing of it was new."""
    progress = Progress(ledger)
    first = Batch("b1", "m", "s", NOW, NOW + timedelta(hours=1), 10, 8, 1, accepted=True, reason="", seconds=0.1,
                  recorded_at=NOW)  # fmt: skip
    progress.record_batch(first)
    progress.record_batch(replace(first, batch_id="b2", rows_kept=0, rows_quarantined=0))
    progress.record_batch(replace(first, batch_id="b3", rows_kept=0, rows_quarantined=0, accepted=False))
    assert progress.totals("m") == Totals(batches=1, rows_new=9, rows_quarantined=1)
    assert progress.totals("another") == Totals(0, 0, 0)
