"""`holdfast loop`: how soon each model's loop notices, decides and adapts, and what it waits for."""

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from lifecycle.errors import HoldfastError
from lifecycle.loop import LoopFigures, Times, loop_figures
from stores.clock import ReplayClock
from stores.ledger.loop import read_record
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.policies import load_policy, policy_models
from stores.settings import settings

HOURS_SHOWN_AS_DAYS = 48
LETTERS_OF_A_REASON = 200


def loop(
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Show the loop's own figures by model: time to detect, decide and adapt, false alarms, holds, looks, trainings.

    All times are event time, the clock that the flows ask.
    """
    config = settings()
    engine = open_ledger(config.ledger_address)
    now = ReplayClock(Progress(engine)).now()
    found: list[LoopFigures] = []
    unreadable: dict[str, str] = {}
    for name in (model,) if model else policy_models(config.policies):
        try:
            policy = load_policy(config.policies, name)
        except HoldfastError as error:
            if model:
                raise
            unreadable[name] = str(error)
            continue
        found.append(loop_figures(name, policy.retraining, read_record(engine, name), now))
    if as_json:
        shown = {"models": [asdict(figures) for figures in found], "unreadable": unreadable}
        typer.echo(json.dumps(shown, default=str, indent=2))
        return
    terminal = Console()
    for figures in found:
        terminal.print(f"[bold]{escape(figures.model)}[/bold]  {figures.now_at:%Y-%m-%d %H:%M} UTC", highlight=False)
        for name, told in _lines(figures):
            terminal.print(f"  {name:<9} {escape(told)}", highlight=False, soft_wrap=True)
    for name, why in unreadable.items():
        terminal.print(f"[red]{escape(name)}[/red]: its policy cannot be read: {escape(why)}", highlight=False)


def _lines(figures: LoopFigures) -> Iterator[tuple[str, str]]:
    false = figures.dismissed + figures.came_to_nothing
    counts = f"{figures.alarms}, of which {figures.standing} stand; false at most {false}"
    yield "alarms", f"{counts}: {figures.dismissed} dismissed by people, {figures.came_to_nothing} came to nothing"
    yield "detect", _times(figures.detect, "from onset to alarm")
    yield "decide", _times(figures.decide, "from alarm to a training asked for, or dismissed")
    yield "adapt", _times(figures.adapt, "from alarm to a new champion trained because of it")
    if figures.hold is not None:
        yield "held", f"for {span(figures.hold.hours)}: {figures.hold.reason}"
    if figures.look is None or figures.look_hours is None:
        yield "last look", "none yet; the flow `watch` looks"
    else:
        yield "last look", f"{figures.look.verdict}, {span(figures.look_hours)} ago: {_short(figures.look.reason)}"
    yield "training", _training(figures)
    soonest = "now" if figures.earliest_at <= figures.now_at else f"from {_day(figures.earliest_at)} on"
    scheduled = "now" if figures.due_at <= figures.now_at else f"on {_day(figures.due_at)}"
    yield "next", f"an alarm is heard {soonest}, the schedule asks {scheduled}; {figures.trainings_left} left in budget"


def _training(figures: LoopFigures) -> str:
    last = figures.training
    if last is None:
        by_hand = (
            "" if figures.trained_at is None else f"; trained by hand, or serving, since {_day(figures.trained_at)}"
        )
        return f"none was asked for{by_hand}"
    version = "" if last.version is None else f", version {last.version}"
    outcome = "" if last.outcome is None else f": {last.outcome}"
    return f"{last.state} ({_day(last.asked_at)}, {last.cause}{version}){outcome}"


def _times(times: Times, meaning: str) -> str:
    if times.median_hours is None or times.last_hours is None:
        return f"no case yet ({meaning})"
    return f"{span(times.median_hours)} in the median of {times.count}, {span(times.last_hours)} last ({meaning})"


def span(hours: float) -> str:
    """Return a time for people: in hours, or in days from two on."""
    return f"{hours:.1f} h" if abs(hours) < HOURS_SHOWN_AS_DAYS else f"{hours / 24:.1f} days"


def _short(reason: str) -> str:
    return textwrap.shorten(reason, LETTERS_OF_A_REASON, placeholder=" … (all of it: holdfast looks)")


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
