"""How old the features are that are served."""

from datetime import datetime

from feature_repo.definition import ModelDefinition
from flows.parity.freshness import freshness
from lifecycle.alarms import AlarmKind
from lifecycle.freshness import Freshness, decide_freshness
from lifecycle.looking import Seen, concern_of
from lifecycle.verdict import Verdict
from stores.prediction_log.table import PredictionLog


def see_freshness(
    log: PredictionLog, definition: ModelDefinition, since: datetime, until: datetime
) -> tuple[Freshness, Seen]:
    """Return how fresh each view was when it was served over (since, until], and the word on it."""
    found = freshness(log, definition, since, until)
    findings = decide_freshness(found)
    concerns = tuple(
        concern_of(finding, AlarmKind.STALE, finding.rule_id.partition(":")[2], "alarm", since)
        for finding in findings
        if finding.verdict is Verdict.FAIL
    )
    return found, Seen("freshness", findings, concerns)
