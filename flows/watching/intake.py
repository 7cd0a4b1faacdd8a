"""Whether a model's events still come in: the newest word on each stream, and how far behind the clock it stands."""

from datetime import datetime, timedelta

from feature_repo.definition import ModelDefinition
from lifecycle.alarms import AlarmKind
from lifecycle.looking import Seen, concern_of
from lifecycle.verdict import Finding, Verdict
from stores.ledger.progress import Batch, Progress

LAG_LIMIT = timedelta(hours=6)
"""Ingest runs every quarter of an hour; what has not come for so long is an outage, not a delay."""
SECONDS_PER_HOUR = 3600.0


def see_intake(progress: Progress, definition: ModelDefinition, now: datetime) -> Seen:
    """Return whether each stream's newest batch was accepted, and whether ingest and materialize keep up.

    A source that has ended has nothing more to bring, so its end is as far as anything must have come.
    """
    newest = _newest_by_stream(progress, definition.name)
    findings = [_refused(stream.name, newest.get(stream.name)) for stream in definition.streams]
    due = min(now, definition.source_range[1])
    findings += [_behind(progress, flow, definition.name, due) for flow in ("ingest", "materialize")]
    concerns = tuple(
        concern_of(finding, AlarmKind.INTAKE, finding.rule_id.partition(":")[2], "alarm", _onset(finding, newest, now))
        for finding in findings
        if finding.verdict is Verdict.FAIL
    )
    return Seen("intake", tuple(findings), concerns)


def _newest_by_stream(progress: Progress, model: str) -> dict[str, Batch]:
    newest: dict[str, Batch] = {}
    for batch in progress.batches(model, limit=200):
        newest.setdefault(batch.stream, batch)
    return newest


def _refused(stream: str, batch: Batch | None) -> Finding:
    rule = f"intake:{stream}"
    if batch is None:
        return Finding(rule, Verdict.INCONCLUSIVE, None, None, f"nothing of {stream} was ever taken in")
    if batch.accepted:
        return Finding(rule, Verdict.PASS, 0, 0, f"{stream} was taken in up to {batch.end_at:%Y-%m-%d %H:%M}")
    told = f"{stream} from {batch.start_at:%Y-%m-%d %H:%M} on is refused: {batch.reason}"
    return Finding(rule, Verdict.FAIL, 1, 0, told)


def _behind(progress: Progress, flow: str, model: str, due: datetime) -> Finding:
    rule, at = f"intake:{flow}", progress.watermark(f"{flow}:{model}")
    limit = LAG_LIMIT.total_seconds() / SECONDS_PER_HOUR
    if at is None:
        return Finding(rule, Verdict.INCONCLUSIVE, None, limit, f"{flow} has not begun")
    behind = (due - at).total_seconds() / SECONDS_PER_HOUR
    told = f"{flow} stands at {at:%Y-%m-%d %H:%M}, {max(behind, 0):.1f} h behind; at most {limit:g} h are allowed"
    return Finding(rule, Verdict.FAIL if behind > limit else Verdict.PASS, behind, limit, told)


def _onset(finding: Finding, newest: dict[str, Batch], now: datetime) -> datetime:
    batch = newest.get(finding.rule_id.partition(":")[2])
    if batch is not None:
        return batch.start_at
    return now - timedelta(hours=finding.value or 0.0)
