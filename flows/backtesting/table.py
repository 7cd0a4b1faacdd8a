"""What a backtest found, for people and for programs."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.backtesting.trying import Tried

EARLIER = (
    "The same may come out earlier than it was decided: a look counts every answer that had been served and every "
    "outcome that was known by its moment, while supervise waits until rows are shipped and outcomes are taken in."
)
CAVEAT = (
    "What the new rules would have let go on or stopped was never seen: evidence ends where the recorded decision "
    "ended it, and what a replica reported (memory, processes that died) is not in the log."
)


def print_tried(found: Sequence[Tried], terminal: Console) -> None:
    """Print one row per trial: what was decided, and beside it what would have been."""
    if not found:
        terminal.print("No trial was under way in this time.")
        return
    table = Table(title=f"{len(found)} recorded trials by the new rules", title_justify="left", show_lines=True)
    for name in ("trial", "decided then", "the new rules, first", "why"):
        table.add_column(name, overflow="fold")
    for tried in found:
        table.add_row(_trial(tried), _recorded(tried), _now(tried), escape(tried.reason))
    terminal.print(table)
    if any(_earlier(tried) for tried in found):
        terminal.print(EARLIER, style="dim")
    terminal.print(CAVEAT, style="dim")


def as_json(found: Sequence[Tried]) -> list[dict[str, object]]:
    """Return the same as plain values; times as ISO 8601."""
    return [
        {
            "arm": tried.trial.arm,
            "version": tried.trial.version,
            "since_revision": tried.trial.since_revision,
            "began_at": tried.trial.began_at.isoformat(),
            "ended_at": _iso(tried.trial.ended_at),
            "looks": tried.looks,
            "decided": None
            if tried.recorded is None
            else {
                "decision_id": tried.recorded.decision_id,
                "action": tried.recorded.action,
                "at": tried.recorded.decided_at.isoformat(),
                "actor": tried.recorded.actor,
                "reason": tried.recorded.reason,
            },
            "would_decide": None
            if tried.action is None
            else {"action": str(tried.action), "at": _iso(tried.at), "reason": tried.reason},
            "reason": tried.reason,
            "same": tried.same,
        }
        for tried in found
    ]


def _earlier(tried: Tried) -> bool:
    decided, at = tried.recorded, tried.at
    return tried.same and decided is not None and at is not None and at < decided.decided_at


def _trial(tried: Tried) -> str:
    trial = tried.trial
    step = trial.plans[0][0].canary if trial.arm == "canary" else None
    shown = f", step {step.step + 1} ({step.share:.0%})" if step else ""
    return f"version {escape(trial.version)} as {trial.arm}{shown}\nfrom {trial.began_at:%Y-%m-%d %H:%M}"


def _recorded(tried: Tried) -> str:
    if tried.recorded is None:
        return "nothing"
    return f"{tried.recorded.action}\n{tried.recorded.decided_at:%Y-%m-%d %H:%M}\n{escape(tried.recorded.actor)}"


def _now(tried: Tried) -> str:
    if tried.action is None or tried.at is None:
        return f"wait\n{tried.looks} looks"
    colour = "green" if tried.same else "yellow"
    return f"[{colour}]{tried.action}[/{colour}]\n{tried.at:%Y-%m-%d %H:%M}\nlook {tried.looks}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
