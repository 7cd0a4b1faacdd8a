"""Every replica's newest word counts, and only while it is fresh."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from stores.ledger.arms import ArmReport, Arms

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REPORT = ArmReport("m", "replica-a", 1, ["1"], ready=True, detail="", reported_at=NOW)


def test_a_new_report_replaces_the_replicas_last_one(ledger: Engine) -> None:
    """One row per replica and model."""
    arms = Arms(ledger)
    later = ArmReport("m", "replica-a", 2, ["2", "1"], ready=False, detail="loading 2", reported_at=NOW)
    arms.report(REPORT)
    arms.report(later)
    assert arms.since("m", NOW) == (later,)


def test_a_replica_that_fell_silent_is_left_out(ledger: Engine) -> None:
    """An old report is a replica that is gone."""
    arms = Arms(ledger)
    arms.report(REPORT)
    assert arms.since("m", NOW + timedelta(seconds=1)) == ()
