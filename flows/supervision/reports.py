"""What the replicas say about a version: whether it stands, and how its shadow's process does."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from flows.supervision.trial import Trial
from lifecycle.evidence import Level
from stores.ledger.arms import ArmReport, Arms

LIVE = timedelta(seconds=15)
"""Replicas report every few seconds, by the wall clock; one that has been silent for longer is gone."""


def live_reports(arms: Arms, model: str) -> tuple[ArmReport, ...]:
    """Return the newest report of every replica that lives."""
    return arms.since(model, datetime.now(UTC) - LIVE)


def trouble(reports: Sequence[ArmReport], trial: Trial) -> tuple[str, ...]:
    """Return why a version does not stand on some replica, or how its shadow's process ended there."""
    told = []
    for report in reports:
        if report.plan_revision < trial.since_revision:
            continue
        left_out = (report.left_out or {}).get(trial.version)
        if left_out is not None:
            told.append(f"{report.replica}: {left_out}")
        word = str(_shadow(report, trial).get("trouble", ""))
        if word:
            told.append(f"{report.replica}: {word}")
    return tuple(told)


def dropped(reports: Sequence[ArmReport], trial: Trial) -> int:
    """Return how many mirrored rows never reached the shadow, over all replicas."""
    return sum(int(_shadow(report, trial).get("dropped_rows", 0)) for report in reports)


def memory(reports: Sequence[ArmReport], trial: Trial) -> Level:
    """Return the most memory that a replica's shadow took, in MB."""
    levels = [float(word["memory_mb"]) for report in reports if (word := _shadow(report, trial)).get("memory_mb")]
    return Level(value=max(levels, default=None))


def _shadow(report: ArmReport, trial: Trial) -> dict[str, float | int | str]:
    """Return a replica's word on the shadow, empty when it speaks of another trial."""
    word = dict(report.shadow or {})
    same = str(word.get("version")) == trial.version and word.get("since_revision") == trial.since_revision
    return word if trial.arm == "shadow" and same else {}
