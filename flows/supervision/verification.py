"""Whether every replica serves the plan that stands."""

import time
from collections.abc import Sequence

from lifecycle.outcome import Action, Outcome
from lifecycle.plan import TrafficPlan
from lifecycle.verdict import Finding, Verdict
from stores.ledger.arms import ArmReport

PATIENCE_SECONDS = 10.0
"""A replica looks for a new plan several times a second; a new version takes it some seconds to load and prove."""
RULE = "every-replica-serves-the-plan"


class Verification:
    """Watches the replicas follow a plan; how long they have had is told by this process's own clock."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience = patience_seconds
        self._revision: int | None = None
        self._since = 0.0

    def judge(self, plan: TrafficPlan, reports: Sequence[ArmReport]) -> Outcome | None:
        """Return an alarm naming the replicas that are behind after their time; None when there is nothing to say.

        `reports` are the living replicas'. A plan that nobody serves because no replica lives is an alarm too.
        """
        if plan.revision != self._revision:
            self._revision, self._since = plan.revision, time.monotonic()
        if plan.champion is None or time.monotonic() - self._since < self._patience:
            return None
        behind = [
            f"{report.replica} ({report.plan_revision})" for report in reports if report.plan_revision < plan.revision
        ]
        if reports and not behind:
            return None
        if not reports:
            told = f"no replica reports, so nobody serves plan revision {plan.revision}; look at the gateway"
        else:
            told = (
                f"{len(behind)} of {len(reports)} replicas do not serve plan revision {plan.revision} "
                f"{self._patience:g} s after it was seen: {', '.join(behind)}; look at their logs"
            )
        finding = Finding(RULE, Verdict.FAIL, float(len(reports) - len(behind)), float(len(reports)), told)
        return Outcome(Action.ALARM, plan.champion, Verdict.FAIL, told, (finding,))
