"""What the ledger holds of a model's loop, read as one record."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine

from lifecycle.loop import Record, Reign
from lifecycle.plan import TrafficPlan
from lifecycle.retraining import Past
from stores.ledger.alarms import Alarms
from stores.ledger.looks import Looks
from stores.ledger.plans import Plans
from stores.ledger.standings import Standings
from stores.ledger.trainings import Trainings


def read_past(engine: Engine, model: str) -> Past:
    """Return what is known of a model's earlier trainings."""
    trainings, standings = Trainings(engine), Standings(engine).of(model)
    # A champion that somebody else trained: what is known is since when it serves.
    trained_at = trainings.judged_at(model) or Plans(engine).current(model).champion_since_at
    stages = {version: standing.stage for version, standing in standings.items()}
    return Past(trainings.of(model), trained_at, stages)


def read_record(engine: Engine, model: str) -> Record:
    """Return everything that a model's loop has done so far."""
    history = Plans(engine).history(model)
    return Record(
        alarms=Alarms(engine).all(model),
        past=read_past(engine, model),
        reigns=_reigns(history),
        held=_held(history),
        look=next(iter(Looks(engine).newest(model)), None),
    )


def _reigns(history: Sequence[tuple[TrafficPlan, datetime]]) -> tuple[Reign, ...]:
    found: list[Reign] = []
    for plan, written_at in history:
        if plan.champion is not None and (not found or found[-1].version != plan.champion):
            found.append(Reign(plan.champion, written_at))
    return tuple(found)


def _held(history: Sequence[tuple[TrafficPlan, datetime]]) -> tuple[str, datetime] | None:
    """Return why the newest plan is held, and since when without a break; None when it is not."""
    since: datetime | None = None
    for plan, written_at in history:
        since = None if plan.held is None else since or written_at
    return None if since is None else (history[-1][0].held or "", since)
