"""Play recorded events through the whole loop: history, training, then live traffic hour by hour.

`python -m flows.play` is what `holdfast run` starts. It drives the replay clock in the ledger; everything
else is the same flows and the same endpoint that production uses. It goes on where the last play stopped.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition, load_definition
from flows.ingest import ingest
from flows.materialize import materialize
from flows.measure import measure
from flows.played import print_summary
from flows.traffic import Traffic
from flows.train import train
from lifecycle.errors import EvidenceMissing, HoldfastError, InvalidInput
from stores.events import EventStore
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress as Ledger
from stores.logs import log_to_file
from stores.policies import policy_models
from stores.settings import Settings, settings

HISTORY_STEP = timedelta(days=7)
LIVE_STEP = timedelta(hours=1)
READY_SECONDS = 120.0


@dataclass(frozen=True)
class Play:
    """One model's replay: events from `start`, learning up to `history_end`, traffic up to `live_end`."""

    definition: ModelDefinition
    start: datetime
    history_end: datetime
    live_end: datetime


def plan_play(definition: ModelDefinition, replayed: datetime | None, history_days: int, live_days: int) -> Play:
    """Return what to play next: from the source's start at first, afterwards on from where the clock stands."""
    start, source_end = definition.source_range
    history_end = _next_midnight(start + timedelta(days=history_days))
    live_start = max(history_end, replayed or history_end)
    live_end = live_start + timedelta(days=live_days)
    if live_end > source_end:
        raise InvalidInput(
            f"the source of {definition.name} ends at {source_end:%Y-%m-%d}, but the play would go on to "
            f"{live_end:%Y-%m-%d}; play fewer days, or `make clean` and start over"
        )
    return Play(definition, start, history_end, live_end)


class Player:
    """Plays one model's replay step by step, showing progress on a terminal."""

    def __init__(self, play: Play, config: Settings, engine: Engine, terminal: Console) -> None:
        self._play = play
        self._settings = config
        self._ledger = Ledger(engine)
        self._plans = Plans(engine)
        self._terminal = terminal
        self.model = play.definition.name

    def learn(self) -> None:
        """Take in the history, build its features, and train until a champion stands."""
        if self._ledger.replay_at() is None:
            self._ledger.set_replay(self._play.start)
        steps = list(_steps(self._ingested(), self._play.history_end, HISTORY_STEP))
        if steps:
            self._each("Events in, examined", steps, self._take_in)
        if (self._ledger.watermark(f"materialize:{self.model}") or self._play.start) < self._play.history_end:
            with self._terminal.status("Building features from one definition, for training and for serving"):
                materialize(self.model)
        if self._plans.current(self.model).champion is None:
            with self._terminal.status("Training, with its simple rivals; then the offline gate"):
                train(self.model)
        if self._plans.current(self.model).champion is None:
            raise EvidenceMissing(f"no version of {self.model} passed the offline gate; see `holdfast decisions`")

    def live(self) -> Traffic:
        """Play the traffic: each hour, first what became known before it, then its requests in order."""
        traffic = Traffic(self._settings.http_address, self._play.definition.contract)
        champion = self._plans.current(self.model).champion
        with traffic, self._terminal.status(f"Waiting until version {champion} has reproduced its own example"):
            traffic.wait_until_serving(str(champion), READY_SECONDS)
            self._terminal.print(f"  [green]serving[/green] version {champion} at {self._settings.http_address}")
        traffic = Traffic(self._settings.http_address, self._play.definition.contract)
        now = self._ledger.replay_at() or self._play.history_end
        steps = list(_steps(now, self._play.live_end, LIVE_STEP))

        def hour(start: datetime, end: datetime) -> None:
            # Requests of an hour see the features of its beginning, as between two scheduled runs.
            traffic.send(self._requests(start, end))
            self._take_in(start, end)
            materialize(self.model)

        with traffic:
            self._each("Live traffic, labels following", steps, hour)
        with self._terminal.status("Joining predictions with the labels that have come in"):
            measure(self.model)
        return traffic

    def _take_in(self, _: datetime, end: datetime) -> None:
        # All models share the clock, and it never goes back.
        self._ledger.set_replay(max(end, self._ledger.replay_at() or end))
        # Without a window, so that what a scheduled run took in first is not taken in again.
        ingest(self.model)

    def _ingested(self) -> datetime:
        return self._ledger.watermark(f"ingest:{self.model}") or self._play.start

    def _requests(self, start: datetime, end: datetime) -> pd.DataFrame:
        definition, store = self._play.definition, EventStore(self._settings.events)
        events = {
            stream.name: store.load(self.model, stream.name, start - timedelta(days=2)) for stream in definition.streams
        }
        return definition.requests(events, start, end)

    def _each(
        self, title: str, steps: list[tuple[datetime, datetime]], act: Callable[[datetime, datetime], None]
    ) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._terminal) as shown:
            bar = shown.add_task(title, total=len(steps))
            for start, end in steps:
                shown.update(bar, description=f"{title} {start:%d %b %H}h")
                act(start, end)
                shown.advance(bar)
            shown.update(bar, description=title)


def _next_midnight(moment: datetime) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == moment else midnight + timedelta(days=1)


def _steps(start: datetime, end: datetime, step: timedelta) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        yield start, min(start + step, end)
        start += step


def play(model: str | None, history_days: int, live_days: int, terminal: Console) -> None:
    """Play one model's replay on the running stack and print what came of it."""
    config = settings()
    log_to_file(config.run / "play.log")
    known = policy_models(config.policies)
    if model is None and len(known) != 1:
        raise InvalidInput(f"there are policies for {', '.join(known) or 'no model'}; choose one with --model")
    engine = open_ledger(config.ledger_address)
    definition = load_definition(model or known[0])
    planned = plan_play(definition, Ledger(engine).replay_at(), history_days, live_days)
    player = Player(planned, config, engine, terminal)
    terminal.print(
        f"[bold]Playing {definition.name}[/bold]: learning up to {planned.history_end:%Y-%m-%d}, "
        f"then traffic up to {planned.live_end:%Y-%m-%d}"
    )
    player.learn()
    tally = player.live().tally
    print_summary(definition, config, engine, tally, terminal)
    if tally.failures:
        raise EvidenceMissing(f"{len(tally.failures)} requests got no prediction; the first said {tally.failures[0]}")


def main() -> None:
    """Read the options and play; an error of ours is one readable line and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m flows.play", description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--history-days", type=int, default=90)
    parser.add_argument("--live-days", type=int, default=7)
    options = parser.parse_args()
    try:
        # Hundreds of short flow runs would each wait a second for their heartbeat thread to end.
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            play(options.model, options.history_days, options.live_days, Console())
    except HoldfastError as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/red]: {escape(str(error))}", highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
