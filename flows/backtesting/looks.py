"""The moments at which a recorded trial is looked at again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from flows.backtesting.trials import RecordedTrial
from stores.prediction_log.table import PredictionLog

SAME_CLOCK = timedelta(days=1)
"""Rows served this near to their plan's moment were served by the clock that wrote the plan."""
MOST_LOOKS = 500
"""A look reads the log and the labels; more of them are spread wider instead."""


@dataclass(frozen=True)
class Look:
    """One look: `now` by the clock that the rules count hours in, `until` by the machine's, which stamps the log."""

    now: datetime
    until: datetime


def looks_at(
    log: PredictionLog,
    trial: RecordedTrial,
    since: datetime,
    every: timedelta,
    decided: Sequence[datetime],
) -> tuple[Look, ...]:
    """Return the looks at a trial: one every so often in event time, and one at each moment of `decided`.

    In a replay the log's stamps are the machine's time and the rules' hours are the replay's; there the moment
    that the newest prediction so far was for says how far the replay was. More than MOST_LOOKS are spread evenly.
    """
    rows = _served(log, trial)
    if rows.empty:
        return ()
    served = rows["served_at"]
    now = served
    if abs(served.iloc[0] - trial.began_at) > SAME_CLOCK:
        now = rows["moment_at"].fillna(pd.Timestamp(trial.began_at)).cummax()
    start = max(since, trial.began_at)
    # Numbers sort and search faster than moments; both are microseconds.
    clock = now.astype("datetime64[us, UTC]").astype("int64").to_numpy()
    wanted = [*_marks(start, now.iloc[-1].to_pydatetime(), every), *(at for at in decided if at >= start)]
    seen: dict[int, Look] = {}
    for moment in sorted(wanted):
        place = int(np.searchsorted(clock, int(moment.timestamp() * 1_000_000), side="right")) - 1
        if place >= 0 and (trial.ended_at is None or moment <= trial.ended_at):
            seen[int(moment.timestamp() * 1_000_000)] = Look(moment, served.iloc[place].to_pydatetime())
    return tuple(seen.values())


def _served(log: PredictionLog, trial: RecordedTrial) -> pd.DataFrame:
    first, last = trial.revisions()
    table = log.since(trial.plans[0][0].model, first, ("version", "plan_revision", "served_at", "moment_at"))
    rows: pd.DataFrame = table.to_pandas()
    mine = (rows["version"] == trial.version) & (rows["plan_revision"] <= last)
    return rows[mine].dropna(subset="served_at").sort_values("served_at", ignore_index=True)


def _marks(start: datetime, end: datetime, every: timedelta) -> list[datetime]:
    count = max(0, int((end - start) / every))
    stride = max(1, -(-count // MOST_LOOKS))
    return [*(start + every * place for place in range(stride, count + 1, stride)), end]
