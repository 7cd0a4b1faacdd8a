"""May a registered version be let in: judged from what its check found, by the policy's limits."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Limit

from lifecycle.outcome import Action, Outcome, StageChange
from lifecycle.rollout_policy import Format, PickUpPolicy
from lifecycle.stages import Stage
from lifecycle.verdict import Finding, Verdict, worst

CHECKS = ("files", "format", "contract", "example", "self-test")
"""What every version must pass, in the order of asking; each says in words what to change."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Problem(_Value):
    """One thing that stands in a version's way, and what to change about it."""

    check: str
    reason: str


class Checkup(_Value):
    """What a check found; a latency is the median in milliseconds, None when no row was scored.

    `size_mb` is None when the files could not be looked at.
    """

    size_mb: Annotated[float, Limit(ge=0)] | None
    format: Format | None = None
    inputs: int | None = None
    problems: tuple[Problem, ...] = ()
    latency_ms_1_row: float | None = None
    latency_ms_64_rows: float | None = None


def decide_admission(version: str, checkup: Checkup, policy: PickUpPolicy) -> Outcome:
    """Return ADMIT when every check passed, else REJECT with what to change as its reason."""
    findings = (
        _against_limit("artifact-size", checkup.size_mb, policy.max_artifact_mb, "MB of files"),
        *(_of_check(check, checkup) for check in CHECKS),
        _against_limit("latency-1-row", checkup.latency_ms_1_row, policy.max_latency_ms_1_row, "ms for 1 row"),
        _against_limit("latency-64-rows", checkup.latency_ms_64_rows, policy.max_latency_ms_64_rows, "ms for 64 rows"),
    )
    verdict = worst(findings)
    if verdict is Verdict.PASS:
        reason = (
            f"Version {version} ({checkup.format}, {checkup.inputs} inputs, {checkup.size_mb:.2f} MB) passed every "
            f"check: 1 row in {checkup.latency_ms_1_row:.1f} ms (limit {policy.max_latency_ms_1_row:g}), 64 rows in "
            f"{checkup.latency_ms_64_rows:.1f} ms (limit {policy.max_latency_ms_64_rows:g})."
        )
        return Outcome(Action.ADMIT, version, verdict, reason, findings)
    wrong = " ".join(finding.reason for finding in findings if finding.verdict is verdict)
    return Outcome(Action.REJECT, version, verdict, wrong, findings, stages=(StageChange(version, Stage.REJECTED),))


def _of_check(check: str, checkup: Checkup) -> Finding:
    reasons = [problem.reason for problem in checkup.problems if problem.check == check]
    if reasons:
        return Finding(check, Verdict.FAIL, None, None, " ".join(reasons))
    if checkup.latency_ms_1_row is None:
        return Finding(check, Verdict.INCONCLUSIVE, None, None, f"The check {check} was not finished.")
    return Finding(check, Verdict.PASS, None, None, f"The check {check} found nothing wrong.")


def _against_limit(rule_id: str, value: float | None, limit: float, unit: str) -> Finding:
    if value is None:
        return Finding(rule_id, Verdict.INCONCLUSIVE, None, limit, f"Not measured; the limit is {limit:g} {unit}.")
    if value > limit:
        reason = f"It takes {value:.3g} {unit}; the policy's limit is {limit:g}. Register a smaller or simpler model."
        return Finding(rule_id, Verdict.FAIL, value, limit, reason)
    return Finding(rule_id, Verdict.PASS, value, limit, f"{value:.3g} {unit}, within {limit:g}.")
