"""Whether every replica serves the plan that stands."""

import time
from collections.abc import Sequence
from datetime import datetime

from lifecycle.outcome import Action, Outcome
from lifecycle.plan import TrafficPlan
from lifecycle.verdict import Finding, Verdict
from stores.ledger.arms import ArmReport

PATIENCE_SECONDS = 10.0
"""A replica looks for a new plan several times a second; a new version takes it some seconds to load and prove."""
RULE = "every-replica-serves-the-plan"


class Verification:
    """Watches the replicas follow a plan and answer; how long they have had is told by this process's own clock."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience = patience_seconds
        self._revision: int | None = None
        self._since = 0.0
        self._silent_since: dict[str, datetime] = {}

    def judge(self, plan: TrafficPlan, reports: Sequence[ArmReport]) -> Outcome | None:
        """Return an alarm naming the replicas that do not serve the plan after their time; None when all do.

        `reports` are the living replicas'. A plan that nobody serves because no replica lives is an alarm too, and so
        is a replica that has the plan and has said for as long that it is not ready.
        """
        silent = self._silent(reports)
        if plan.revision != self._revision:
            self._revision, self._since = plan.revision, time.monotonic()
        if plan.champion is None or time.monotonic() - self._since < self._patience:
            return None
        behind = [report for report in reports if report.plan_revision < plan.revision or report.replica in silent]
        if reports and not behind:
            return None
        if not reports:
            told = f"no replica reports, so nobody serves plan revision {plan.revision}; look at the gateway"
        else:
            told = (
                f"{len(behind)} of {len(reports)} replicas do not serve plan revision {plan.revision} "
                f"{self._patience:g} s after it was seen: {', '.join(map(_named, behind))}; look at their logs"
            )
        # Where nobody reports, "0 of 0" would read as if all were well.
        value, limit = (float(len(reports) - len(behind)), float(len(reports))) if reports else (None, None)
        finding = Finding(RULE, Verdict.FAIL, value, limit, told)
        return Outcome(Action.ALARM, plan.champion, Verdict.FAIL, told, (finding,))

    def _silent(self, reports: Sequence[ArmReport]) -> frozenset[str]:
        """Return the replicas that have said for longer than one has to follow that they are not ready.

        By the times of their reports, because one that died has not said so any longer.
        """
        unready = {report.replica: report.reported_at for report in reports if not report.ready}
        self._silent_since = {replica: self._silent_since.get(replica, at) for replica, at in unready.items()}
        return frozenset(
            replica
            for replica, at in unready.items()
            if (at - self._silent_since[replica]).total_seconds() >= self._patience
        )


def _named(report: ArmReport) -> str:
    return f"{report.replica} ({report.plan_revision}{f', {report.detail}' if report.detail else ''})"
