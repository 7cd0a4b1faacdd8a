"""Whether answers were stopped by a breaker: now, or at any time since the last look."""

from datetime import datetime, timedelta

from sqlalchemy import Engine

from lifecycle.alarms import AlarmKind
from lifecycle.looking import Seen, concern_of
from lifecycle.verdict import Finding, Verdict
from stores.ledger.arms import Arms
from stores.ledger.captures import Capture, Captures
from stores.ledger.looks import Looks

RULE = "outputs"
LIVES = timedelta(seconds=15)
"""A replica that has not reported for so long is gone, and its breaker with it."""
ON_ITS_WAY = timedelta(seconds=15)
"""So long before a look a breaker may have opened and not have been in the ledger yet."""


def see_outputs(engine: Engine, model: str, version: str, now: datetime, machine_now: datetime) -> Seen:
    """Return the word on a version's breakers; replicas live on the machine's time, `now` is the clock's."""
    living = {report.replica for report in Arms(engine).since(model, machine_now - LIVES)}
    last = Looks(engine).newest(model)
    since = (last[0].looked_at if last else machine_now) - ON_ITS_WAY
    mine = [capture for capture in Captures(engine).all(model) if capture.version == version]
    stopped = [one for one in mine if _stands(one, living) or one.opened_at > since]
    if not stopped:
        told = f"no breaker of version {version} is open, and none has opened since the last look"
        return Seen("outputs", (Finding(RULE, Verdict.PASS, 0, 0, told),))
    # Told by arm, so that one that stays open is one alarm however many replicas it is open on.
    findings, concerns = [], []
    for arm in sorted({capture.arm for capture in stopped}):
        finding = _finding(arm, [capture for capture in stopped if capture.arm == arm], living)
        findings.append(finding)
        concerns.append(concern_of(finding, AlarmKind.OUTPUTS, arm, "alarm", now))
    return Seen("outputs", tuple(findings), tuple(concerns))


def _stands(capture: Capture, living: set[str]) -> bool:
    return capture.closed_at is None and capture.replica in living


def _finding(arm: str, captures: list[Capture], living: set[str]) -> Finding:
    open_now = sum(_stands(capture, living) for capture in captures)
    newest = captures[0]
    told = (
        f"answers of version {newest.version} as {arm} were stopped {len(captures)} times since the last look, and "
        f"are stopped on {open_now} replicas now: {newest.reason}; `holdfast captures show {newest.capture_id}`"
    )
    return Finding(f"{RULE}:{arm}", Verdict.FAIL, float(len(captures)), 0.0, told)
