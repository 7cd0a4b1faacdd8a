"""May a registered version be let in: judged from what its check found, by the policy's limits."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Limit

from lifecycle.outcome import Action, Outcome, StageChange
from lifecycle.plan import TrafficPlan
from lifecycle.rollout_policy import Format, PickUpPolicy
from lifecycle.stages import Stage
from lifecycle.verdict import Finding, Verdict, worst

CHECKS = ("files", "format", "contract", "example", "self-test")
"""What every version must pass, in the order of asking; each says in words what to change."""
LARGE = 10.0
"""From here on a figure needs no fraction."""


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
        size, one_row, rows = map(_short, (checkup.size_mb, checkup.latency_ms_1_row, checkup.latency_ms_64_rows))
        reason = (
            f"Version {version} ({checkup.format}, {checkup.inputs} inputs, {size} MB) passed every check: 1 row in "
            f"{one_row} ms (limit {policy.max_latency_ms_1_row:g}), 64 rows in {rows} ms (limit "
            f"{policy.max_latency_ms_64_rows:g})."
        )
        return Outcome(Action.ADMIT, version, verdict, reason, findings)
    wrong = " ".join(finding.reason for finding in findings if finding.verdict is verdict)
    return Outcome(Action.REJECT, version, verdict, wrong, findings, stages=(StageChange(version, Stage.REJECTED),))


def told_in_line(plan: TrafficPlan, waiting: Sequence[str]) -> Mapping[str, str]:
    """Return for each version that waits for shadow what its author may read; `waiting` are in the order of entering.

    >>> from lifecycle.plan import empty_plan
    >>> told_in_line(empty_plan("m"), ["4", "7"])["7"]
    'passed every check; 2nd in line for shadow, which opens once a champion stands'
    """
    before = ""
    if plan.champion is None:
        before = ", which opens once a champion stands"
    elif plan.held is not None:
        before = f", into which nobody enters while {plan.model} is {'pinned' if plan.pinned else 'held'}"
    elif plan.shadow is not None:
        before = f", where version {plan.shadow.version} is now"
    return {
        version: f"passed every check; {_nth(place)} in line for shadow{before}"
        for place, version in enumerate(waiting, start=1)
    }


def _nth(place: int) -> str:
    """Return a place as people say it.

    >>> [_nth(place) for place in (1, 2, 3, 4, 11, 22)]
    ['1st', '2nd', '3rd', '4th', '11th', '22nd']
    """
    teen = place // 10 % 10 == 1
    return f"{place}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th')}"


def _short(value: float | None) -> str:
    """Return a figure that was measured with two digits that count, and whole from 10 on.

    >>> _short(0.0341), _short(2.0), _short(9.96), _short(123.4)
    ('0.034', '2.0', '10', '123')
    """
    if value is None:
        return "an unknown number of"
    return f"{value:#.2g}".removesuffix(".") if value < LARGE else f"{value:,.0f}"


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
