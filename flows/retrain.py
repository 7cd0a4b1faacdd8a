"""Retrain: train a model anew where schedule, drift, quality, new labels or a person ask, within the policy."""

from dataclasses import dataclass
from uuid import uuid4

import structlog
from prefect import flow
from prefect.runtime import flow_run
from sqlalchemy import Engine

from flows.retraining.carrying_out import CAUSE_TAG, TRAINING_TAG, carry_out, take_up
from flows.retraining.gathering import Occasion, gather_occasion
from flows.train import TrainingSummary, train_model
from flows.training.unjudged import judge_unjudged
from flows.training.workbench import open_workbench
from flows.turns import take_turns
from lifecycle.errors import Conflict, InvalidInput, Unavailable
from lifecycle.retraining import NotNow, Retrain, decide_retraining
from lifecycle.training import Cause, Training, TrainingState, training_id
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.ledger.trainings import Trainings
from stores.policies import policy_models
from stores.settings import Settings, settings

log = structlog.get_logger()


@dataclass(frozen=True)
class RetrainSummary:
    """What came of one model's turn: `trainings` are those that were carried out, `reason` says why, or why none."""

    model: str
    reason: str
    trainings: tuple[Training, ...]


@flow
def retrain(
    model: str | None = None, cause: str | None = None, reason: str | None = None, key: str | None = None
) -> tuple[RetrainSummary, ...]:
    """Decide on retraining for one model, or every model that has a policy, and train where it is due.

    An event that names a cause only brings the turn forward: whether to train follows from what the ledger holds, so
    that an event which comes twice, or late, trains nothing twice. The cause "person" is a person's word, which no
    limit holds for; it needs a model and a reason, and is heard once for each `key`, which is the flow run's own id
    unless given. Raises InvalidInput for an unknown cause.
    """
    asked = _asked(model, cause, reason)
    config = settings()
    engine = open_ledger(config.ledger_address)
    occasion = key or flow_run.id or uuid4().hex
    names = policy_models(config.policies) if model is None else (model,)
    return take_turns(names, lambda name: retrain_model(name, config, engine, asked=asked, key=occasion))


def retrain_model(
    model: str, config: Settings, engine: Engine, *, asked: str | None = None, key: str = ""
) -> RetrainSummary:
    """Decide and act for one model; see `retrain`. `asked` is a person's reason, `key` names the person's wish.

    Trainings that an earlier run left open are brought to their end first. Raises Conflict while another run decides
    for the model, and whatever made a training fail.
    """
    bench = open_workbench(model, config, engine)

    def settle() -> None:
        with Leases(engine).hold(f"train:{model}"):
            judge_unjudged(bench)

    def train(training: Training) -> TrainingSummary:
        origin = {TRAINING_TAG: training.training_id, CAUSE_TAG: str(training.cause)}
        return train_model(model, config, engine, origin=origin)

    with Leases(engine).hold(f"retrain:{model}"):
        try:
            settle()
        except (Unavailable, Conflict) as error:
            log.warning("unjudged_versions_wait", model=model, because=str(error))
        taken_up = take_up(bench, settle, train)
        occasion = gather_occasion(bench)
        decision = decide_retraining(
            bench.policy.retraining, occasion.alarms, occasion.past, occasion.new_labels, occasion.now, asked=asked
        )
        wanted = _training(model, decision, occasion, key)
        if wanted is None or Trainings(engine).known(wanted.training_id):
            log.info("retraining_not_now", model=model, reason=decision.reason)
            return RetrainSummary(model, decision.reason, taken_up)
        log.info("retraining_decided", model=model, cause=str(wanted.cause), reason=wanted.reason)
        return RetrainSummary(model, wanted.reason, (*taken_up, carry_out(bench, wanted, settle, train)))


def _training(model: str, decision: Retrain | NotNow, occasion: Occasion, key: str) -> Training | None:
    if isinstance(decision, NotNow):
        return None
    earlier = sum(one.state is not TrainingState.HELD for one in occasion.past.trainings)
    named = f"person/{key}" if decision.cause is Cause.PERSON else str(earlier)
    return Training(
        training_id=training_id(model, named),
        model=model,
        cause=decision.cause,
        reason=decision.reason,
        asked_at=occasion.now,
        alarms=decision.alarms,
    )


def _asked(model: str | None, cause: str | None, reason: str | None) -> str | None:
    """Return a person's reason, None where no person asks."""
    if cause is not None and cause not in tuple(Cause):
        raise InvalidInput(f"cause is {cause!r}; allowed: {', '.join(Cause)}")
    if cause != Cause.PERSON:
        return None
    if model is None or not (reason or "").strip():
        raise InvalidInput("a person asks for one model's training with a reason; give `model` and `reason`")
    return reason
