"""Pick up what anybody registered: check it, admit or refuse it, once and for good."""

import hashlib
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition
from flows.pickup.checkup import Checked, check_version
from flows.pickup.mirror import mirror_standings, tell_put_off, tell_refused
from lifecycle.admission import Checkup, Problem, decide_admission
from lifecycle.errors import Conflict, Unavailable
from lifecycle.manifest import Manifest
from lifecycle.outcome import Action, Outcome, decision_of
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.stages import Stage
from stores.clock import Clock
from stores.ledger.changes import Changes
from stores.ledger.decisions import Decisions
from stores.ledger.plans import Plans
from stores.ledger.standings import Standing, Standings
from stores.registry import Listed, Registry

ACTOR = "flow:pick-up"
GATE_TAG, PENDING = "gate", "pending"
"""Tags a version of our own training that its offline gate has not judged yet."""
ATTEMPTS = 3
"""How often a decision is made anew when the plan moved on meanwhile."""
log = structlog.get_logger()


@dataclass(frozen=True)
class Desk:
    """What picking up works with."""

    definition: ModelDefinition
    policy: Policy
    registry: Registry
    engine: Engine
    clock: Clock


def pick_up(model: str, desk: Desk) -> None:
    """Check and judge every version of a model that nobody has judged yet.

    Killed at any point, the next call goes on where the ledger stands; called twice at once, each version is judged
    once. A registry that is away, and a version whose check was interrupted, wait for the next call; of a version that
    could not be judged its author is told why in MLflow.
    """
    plan = Plans(desk.engine).current(model)
    try:
        listed = desk.registry.listed(model)
    except Unavailable as error:
        log.warning("registry_away", model=model, error=str(error))
        return
    standings = Standings(desk.engine).of(model)
    waiting = [one.version for one in listed if _waits(one, plan, standings.get(one.version), desk)]
    for version in waiting:
        try:
            _judge(version, desk)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's version does, the next one must have its turn
            why = f"{type(error).__name__}: {error}"
            log.warning("pick_up_put_off", model=model, version=version, error=why)
            tell_put_off(desk.registry, model, version, why)
    if waiting:
        mirror_standings(desk.registry, Plans(desk.engine).current(model), Standings(desk.engine).of(model))


def _waits(one: Listed, plan: TrafficPlan, standing: Standing | None, desk: Desk) -> bool:
    if not one.ready or one.tags.get(GATE_TAG) == PENDING or one.version in plan.versions():
        return False
    if standing is None:
        return True
    # Met, but whoever met it was stopped before the decision.
    met = standing.stage is Stage.REGISTERED
    return met and not Decisions(desk.engine).actions(plan.model, one.version)


def _judge(version: str, desk: Desk) -> None:
    model, standings = desk.definition.name, Standings(desk.engine)
    checked = check_version(version, definition=desk.definition, policy=desk.policy, registry=desk.registry)
    outcome = decide_admission(version, checked.checkup, desk.policy.pick_up)
    known = standings.of(model).get(version)
    if outcome.action is Action.ADMIT and known is not None and not _same_files(known.manifest, checked.manifest):
        checked = _changed(checked)
        outcome = decide_admission(version, checked.checkup, desk.policy.pick_up)
    admitted = checked.manifest if outcome.action is Action.ADMIT else None
    if admitted is None:
        # Nothing may be started from a version without a manifest, so this is safe to do before the decision.
        standings.meet(model, version, None, desk.clock.now())
    _record(outcome, checked.checkup, desk, admitted)
    if outcome.action is Action.REJECT:
        tell_refused(desk.registry, model, version, outcome.reason)
    log.info("picked_up", model=model, version=version, action=str(outcome.action), reason=outcome.reason)


def _same_files(pinned: Manifest | None, found: Manifest | None) -> bool:
    return pinned is not None and found is not None and pinned.files == found.files


def _changed(checked: Checked) -> Checked:
    reason = "Its files changed while it was being picked up. Register them as a new version."
    problems = (Problem(check="files", reason=reason),)
    return replace(checked, checkup=checked.checkup.model_copy(update={"problems": problems}))


def _record(outcome: Outcome, checkup: Checkup, desk: Desk, admitted: Manifest | None) -> None:
    model = desk.definition.name
    evidence = {
        "checkup": checkup.model_dump(mode="json"),
        "policy": desk.policy.model_dump(mode="json"),
    }
    for attempt in range(ATTEMPTS):
        plan, now = Plans(desk.engine).current(model), desk.clock.now()
        decision = decision_of(
            outcome,
            plan,
            decision_id=_decision_id(model, outcome.version),
            policy_revision=desk.policy.revision(),
            actor=ACTOR,
            decided_at=now,
            evidence=evidence,
        )
        try:
            Changes(desk.engine).apply(decision, now, None, outcome.stages, admitted)
        except Conflict:
            if Decisions(desk.engine).actions(model, outcome.version):
                # Another supervisor judged it at the same moment; its word stands.
                return
            if attempt + 1 == ATTEMPTS:
                raise
        else:
            return


def _decision_id(model: str, version: str) -> str:
    # The same for everybody who picks this version up, so that the ledger takes one of them.
    return hashlib.sha256(f"pick-up/{model}/{version}".encode()).hexdigest()[:32]
