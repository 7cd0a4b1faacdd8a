"""A look: what one round of watching found of the version that serves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lifecycle.verdict import Finding, Verdict


@dataclass(frozen=True)
class Look:
    """One look at a model's champion over [since_at, until_at), in event time; `seconds` is how long it took.

    `evidence` holds plain JSON values: "columns", one object for each thing that was compared with the baseline,
    "freshness_hours" by feature view, "quality" and "estimate" by metric.
    """

    look_id: str
    model: str
    version: str
    since_at: datetime
    until_at: datetime
    rows: int
    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...]
    policy_revision: str
    seconds: float
    looked_at: datetime
    evidence: Mapping[str, object] = field(default_factory=dict)
