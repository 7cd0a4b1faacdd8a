"""Carry a training out, so that one that is stopped at any point and begun again makes no second version."""

from collections.abc import Callable
from dataclasses import replace

import structlog

from flows.train import TrainingSummary
from flows.training.promotion import gate_decision_id
from flows.training.workbench import Workbench
from lifecycle.errors import Conflict, EvidenceMissing, HoldfastError, NotFound, Unavailable
from lifecycle.training import OPEN, Training, TrainingState
from stores.ledger.decisions import Decisions
from stores.ledger.trainings import Trainings

TRAINING_TAG, CAUSE_TAG = "training_id", "training_cause"
ATTEMPTS = 2
"""How often a training is begun at most: once more after its process was stopped."""

Train = Callable[[Training], TrainingSummary]
"""Trains, registers and judges one version that is tagged with the training's id."""
Settle = Callable[[], object]
"""Judges what stopped trainings left registered and not judged."""
log = structlog.get_logger()


def take_up(bench: Workbench, settle: Settle, train: Train) -> tuple[Training, ...]:
    """Bring the trainings of a model that are not over to an end, and return how each stands.

    The caller holds the lease `retrain:<model>`, so the process of each one that was begun is gone.
    """
    known = Trainings(bench.engine).of(bench.model)
    return tuple(carry_out(bench, one, settle, train) for one in known if one.state in OPEN)


def carry_out(bench: Workbench, training: Training, settle: Settle, train: Train) -> Training:
    """Train, unless the training's version is there already, and return how the training stands then.

    What is missing or away puts it off: too little data holds it, an unreachable store or a concurrent training
    leaves it asked for. Any other error ends it as failed and is raised.
    """
    trainings = Trainings(bench.engine)
    trainings.keep(training)
    try:
        settle()
        version = _own_version(bench, training)
        if version is not None:
            return _end(bench, training, version)
        if training.attempts >= ATTEMPTS:
            told = f"it was stopped {training.attempts} times before a version was registered; it is not begun again"
            return _close(bench, training, TrainingState.FAILED, told)
        training = _begin(bench, training)
        return _end(bench, training, train(training).version)
    except (EvidenceMissing, NotFound) as error:
        return _close(bench, training, TrainingState.HELD, str(error))
    except (Unavailable, Conflict) as error:
        put_off = replace(training, state=TrainingState.ASKED, attempts=0, started_at=None, outcome=str(error))
        trainings.keep(put_off)
        log.warning("retraining_put_off", model=bench.model, training=training.training_id, because=str(error))
        return put_off
    except Exception as error:
        # A version that was registered and refused is part of the outcome. Where one is registered and something else
        # broke, the training is not over: the next run has it judged, and until then no other may begin beside it.
        version, told = _own_version(bench, training), f"{type(error).__name__}: {error}"
        if version is None or isinstance(error, HoldfastError):
            _close(bench, replace(training, version=version), TrainingState.FAILED, told)
        else:
            trainings.keep(replace(training, version=version, outcome=told))
        raise


def _own_version(bench: Workbench, training: Training) -> str | None:
    for one in bench.registry.listed(bench.model):
        if one.tags.get(TRAINING_TAG) == training.training_id:
            return one.version
    return None


def _begin(bench: Workbench, training: Training) -> Training:
    begun = replace(
        training,
        state=TrainingState.STARTED,
        attempts=training.attempts + 1,
        started_at=training.started_at or bench.clock.now(),
        outcome=None,
    )
    Trainings(bench.engine).keep(begun)
    log.info("retraining_begun", model=bench.model, training=begun.training_id, attempt=begun.attempts)
    return begun


def _end(bench: Workbench, training: Training, version: str) -> Training:
    decided = Decisions(bench.engine).get(gate_decision_id(bench.model, version))
    ended = replace(training, version=version)
    return _close(bench, ended, TrainingState.ENDED, f"{decided.action}: {decided.reason}")


def _close(bench: Workbench, training: Training, state: TrainingState, outcome: str) -> Training:
    closed = replace(training, state=state, outcome=outcome, ended_at=bench.clock.now())
    Trainings(bench.engine).keep(closed)
    log.info("retraining_over", model=bench.model, training=closed.training_id, state=str(state), outcome=outcome)
    return closed
