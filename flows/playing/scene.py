"""Where a play happens: its plan, the stores it works on, and the terminal that shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine

from flows.ingest import ingest
from flows.playing.plan import Play
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress as Ledger
from stores.settings import Settings

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Scene:
    """One model's play on one stack."""

    play: Play
    config: Settings
    engine: Engine
    terminal: Console

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.play.definition.name

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger's watermarks and its replayed clock."""
        return Ledger(self.engine)

    @cached_property
    def plans(self) -> Plans:
        """The ledger's traffic plans."""
        return Plans(self.engine)

    def set_clock(self, at: datetime) -> None:
        """Set the replayed clock forward to a moment: all models share it, and it never goes back."""
        self.ledger.set_replay(max(at, self.ledger.replay_at() or at))

    def take_in(self, end: datetime) -> None:
        """Set the clock to `end` and take in what became known by then."""
        self.set_clock(end)
        # Without a window, so that what a scheduled run took in first is not taken in again.
        ingest(self.model)

    def each(self, title: str, spans: Sequence[Span]) -> Iterator[Span]:
        """Yield each span while a bar shows which one is played; a bar left early ends where it stands."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.terminal) as shown:
            bar = shown.add_task(title, total=len(spans))
            done = 0
            try:
                for start, end in spans:
                    shown.update(bar, description=f"{title} {start:%d %b %H}h")
                    yield start, end
                    done += 1
                    shown.advance(bar)
            finally:
                shown.update(bar, description=title, total=max(done, 1), completed=done)
