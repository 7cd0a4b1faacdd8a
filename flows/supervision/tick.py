"""One look at one model: gather, decide, apply; the champion first, because a roll back is the most urgent."""

import structlog

from flows.supervision.applying import apply
from flows.supervision.desk import Desk
from flows.supervision.evidence import gather
from flows.supervision.reports import live_reports
from flows.supervision.starting import start_next_shadow
from lifecycle.errors import Conflict
from lifecycle.outcome import Action, Outcome
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.rollout_policy import ArmName
from stores.ledger.arms import Arms
from stores.ledger.plans import Plans
from stores.ledger.standings import Standings

URGENCY: tuple[ArmName, ...] = ("champion", "canary", "shadow")

log = structlog.get_logger()


def tick(desk: Desk) -> tuple[Outcome, ...]:
    """Judge every arm of a model by its plan and policy, and return what was stored.

    A second tick over the same evidence stores nothing. When somebody else changes the plan meanwhile, the rest is
    left for the next tick.
    """
    try:
        return (*_judge_arms(desk), *_start_next(desk), *_verify(desk))
    except Conflict as conflict:
        log.info("left_for_the_next_tick", model=desk.model, because=str(conflict))
        return ()


def standing_arms(plan: TrafficPlan) -> tuple[ArmName, ...]:
    """Return the arms in which a version stands, most urgent first."""
    stands = {"champion": plan.champion, "canary": plan.canary, "shadow": plan.shadow}
    return tuple(arm for arm in URGENCY if stands[arm] is not None)


def _judge_arms(desk: Desk) -> tuple[Outcome, ...]:
    plan, policy = Plans(desk.engine).current(desk.model), desk.policy()
    done = []
    failures: list[Exception] = []
    for arm in standing_arms(plan):
        try:
            outcome = _judge(desk, plan, arm, policy)
        except Conflict:
            raise
        except Exception as error:  # noqa: BLE001 - one arm that cannot be looked at must not shield the others
            failures.append(error)
            continue
        if outcome is None:
            continue
        done.append(outcome)
        if outcome.plan is not None:
            # What the other arms showed was shown beside this plan; the next tick looks at them beside the new one.
            break
    if failures and not done:
        raise failures[0]
    return tuple(done)


def _judge(desk: Desk, plan: TrafficPlan, arm: ArmName, policy: Policy) -> Outcome | None:
    """Return what was stored about one arm, None when nothing was."""
    now = desk.now()
    evidence = gather(desk.looked_at(now), plan, arm, policy)
    outcome = desk.decide(plan, policy, evidence, now)
    if outcome.action is Action.WAIT or not apply(desk, outcome, plan, policy, now, evidence=evidence):
        return None
    return outcome


def _start_next(desk: Desk) -> tuple[Outcome, ...]:
    plan = Plans(desk.engine).current(desk.model)
    if plan.champion is None or plan.shadow is not None or plan.held is not None:
        return ()
    now = desk.now()
    outcome = start_next_shadow(plan, Standings(desk.engine).of(desk.model), now)
    if outcome is None or not apply(desk, outcome, plan, desk.policy(), now):
        return ()
    return (outcome,)


def _verify(desk: Desk) -> tuple[Outcome, ...]:
    plan = Plans(desk.engine).current(desk.model)
    outcome = desk.verification.judge(plan, live_reports(Arms(desk.engine), desk.model))
    if outcome is None or not apply(desk, outcome, plan, desk.policy(), desk.now()):
        return ()
    return (outcome,)
