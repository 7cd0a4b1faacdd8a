"""Apply a person's word: check that they may, decide, store it whole, and see who serves it."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import structlog
from sqlalchemy import Engine

from console.status import REPORT_FRESH
from lifecycle import overrides
from lifecycle.errors import Conflict, HoldfastError, InvalidInput, PolicyInvalid, TransitionRefused
from lifecycle.outcome import Outcome, decision_of
from lifecycle.people import Override, require_permission
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.rollout_policy import ArmName
from lifecycle.verdict import Decision
from stores.clock import ReplayClock
from stores.ledger.arms import Arms
from stores.ledger.changes import Changes
from stores.ledger.decisions import Decisions
from stores.ledger.opening import open_ledger
from stores.ledger.plans import WHOLE_PLAN, Plans
from stores.ledger.progress import Progress
from stores.ledger.standings import Standings
from stores.policies import load_policy
from stores.settings import Settings

log = structlog.get_logger()

WAIT_SECONDS = 5.0
"""How long a person waits to hear that every replica serves what they said."""
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Word:
    """What a person asks for, under which name, and why."""

    override: Override
    model: str
    name: str
    reason: str
    version: str | None = None
    arm: ArmName | None = None


@dataclass(frozen=True)
class Served:
    """Which replicas serve a plan revision, and what the others say instead."""

    revision: int
    serving: tuple[str, ...]
    behind: tuple[str, ...]


def apply_word(word: Word, places: Settings) -> tuple[Decision, TrafficPlan]:
    """Return the stored decision and the plan that stands by it.

    When another process changes the plan meanwhile, it is decided anew, once. Raises NotPermitted,
    TransitionRefused, Conflict or InvalidInput; then nothing has changed, and the attempt is a line of
    `run/overrides.log`.
    """
    try:
        if not word.reason.strip():
            raise InvalidInput("the reason is empty; say why, for those who read the decision later")
        engine = open_ledger(places.ledger_address)
        policy = _policy(word.model, places, engine)
        require_permission(policy.people, word.name, word.override)
        return apply_from(Plans(engine).current(word.model), word, policy, engine)
    except HoldfastError as error:
        note_refusal(word, error, places.run / "overrides.log")
        raise


def _policy(model: str, places: Settings, engine: Engine) -> Policy:
    """Return the policy as it is written, or while that cannot be followed the one that was last decided by."""
    try:
        return load_policy(places.policies, model)
    except PolicyInvalid as error:
        # Whoever must take a version back at night has no time for a slip in a file.
        for decision in Decisions(engine).of(model):
            if "policy" in decision.evidence:
                log.warning("policy_invalid", kept=decision.policy_revision, error=str(error))
                return Policy.model_validate(decision.evidence["policy"])
        raise


def wait_served(engine: Engine, model: str, revision: int, seconds: float) -> Served:
    """Return who serves a plan revision, as soon as all that report do, at the latest after some seconds."""
    deadline = time.monotonic() + seconds
    while True:
        # Replicas report on the machine's clock, whatever is being replayed.
        reports = Arms(engine).since(model, datetime.now(UTC) - REPORT_FRESH)
        serving = tuple(one.replica for one in reports if one.ready and one.plan_revision >= revision)
        behind = tuple(
            f"{one.replica} (revision {one.plan_revision}{f', {one.detail}' if one.detail else ''})"
            for one in reports
            if one.replica not in serving
        )
        if not behind or time.monotonic() >= deadline:
            return Served(revision, serving, behind)
        time.sleep(POLL_SECONDS)


def apply_from(plan: TrafficPlan, word: Word, policy: Policy, engine: Engine) -> tuple[Decision, TrafficPlan]:
    """Return the stored decision and the plan by it, for someone who may; `plan` is what they saw when they spoke.

    Decided anew when that plan no longer stands, once, and only about the same version.
    """
    seen = _decide(word, engine, plan)
    try:
        return _store(word, policy, engine, plan, seen)
    except Conflict:
        plan = Plans(engine).current(word.model)
        outcome = _decide(word, engine, plan)
        if outcome.version != seen.version:
            # Two people who take back one canary must not take back the champion as well.
            raise TransitionRefused(
                f"this was meant for version {seen.version} of {word.model}, but another process has changed the "
                f"plan, and now it would concern version {outcome.version}; look at `holdfast status` and say it again"
            ) from None
        return _store(word, policy, engine, plan, outcome)


def _decide(word: Word, engine: Engine, plan: TrafficPlan) -> Outcome:
    stages = {version: standing.stage for version, standing in Standings(engine).of(word.model).items()}
    at = ReplayClock(Progress(engine)).now()
    why = word.reason.strip()
    match word.override:
        case Override.ROLL_BACK:
            return overrides.roll_back(plan, stages, at, why, _arm(word, plan))
        case Override.HOLD:
            return overrides.hold(plan, stages, at, why)
        case Override.RESUME:
            return overrides.resume(plan, stages, at, why)
        case Override.PROMOTE:
            return overrides.promote(plan, stages, at, why, word.version)
        case Override.PIN:
            return overrides.pin(plan, stages, at, why, word.version)
        case Override.REVIEW:
            raise InvalidInput("review is about answers and changes no traffic; see `holdfast review`")
        case Override.RECALIBRATE:
            raise InvalidInput(
                "recalibrate is about a policy's numbers and changes no traffic; see `holdfast recalibrate`"
            )


def _arm(word: Word, plan: TrafficPlan) -> ArmName | None:
    if word.override is not Override.ROLL_BACK or word.version is None:
        return word.arm
    stands = overrides.arm_of(plan, word.version)
    if word.arm not in (None, stands):
        raise InvalidInput(f"version {word.version} of {word.model} is the {stands}, not the {word.arm}; name one")
    return stands


def _store(
    word: Word, policy: Policy, engine: Engine, plan: TrafficPlan, outcome: Outcome
) -> tuple[Decision, TrafficPlan]:
    at = ReplayClock(Progress(engine)).now()
    decision = decision_of(
        outcome,
        plan,
        decision_id=uuid4().hex,
        policy_revision=policy.revision(),
        actor=f"person:{word.name}",
        decided_at=at,
        evidence={
            "said": word.reason.strip(),
            "plan": WHOLE_PLAN.dump_python(plan, mode="json"),
            "policy": policy.model_dump(mode="json"),
        },
    )
    Changes(engine).apply(decision, at, outcome.plan, outcome.stages)
    return decision, outcome.plan or plan


def note_refusal(word: Word, error: HoldfastError, path: Path) -> None:
    """Leave a line about a word that was refused: who spoke, what was asked, and why not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lines:
        line = structlog.wrap_logger(
            structlog.WriteLogger(lines),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
        )
        line.warning("override_refused", who=word.name, asked=word.override, model=word.model, because=str(error))
