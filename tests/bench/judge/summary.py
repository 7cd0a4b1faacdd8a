"""The judge benchmark's figures, for people and for programs."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from tests.bench.judge.verdicts import Ending

ENDS = {"rolled_back_percent": "rolled back", "promoted_percent": "promoted", "held_percent": "held"}
QUANTILES = {"median": 0.5, "p90": 0.9}


def summarise(endings: Sequence[Ending]) -> dict[str, float]:
    """Return shares of each end in percent, and the candidate's requests to a decision, by the stage that decided.

    Requests in shadow are of rollouts that end there, requests in canary of all others; a figure over none is absent.
    """
    figures = {
        name: round(100.0 * sum(one.end == end for one in endings) / len(endings), 2) for name, end in ENDS.items()
    }
    in_shadow = [one.shadow_rows for one in endings if one.canary_rows == 0]
    in_canary = [one.canary_rows for one in endings if one.canary_rows > 0]
    for stage, rows in (("shadow", in_shadow), ("canary", in_canary)):
        figures[f"decided_in_{stage}"] = len(rows)
        if rows:
            figures |= {f"{stage}_requests_{name}": float(np.quantile(rows, at)) for name, at in QUANTILES.items()}
    return figures


def as_table(results: Mapping[str, Mapping[str, Mapping[str, float]]], rollouts: int) -> Table:
    """Return the table of scenarios and judges."""
    title = f"{rollouts:,} rollouts of each kind, the same streams for each judge"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    table.add_column("judge", no_wrap=True)
    for heading in ("back\n%", "promoted\n%", "held\n%", "requests\nmedian", "\np90", "in"):
        table.add_column(heading, justify="right", no_wrap=True)
    for scenario, judges in results.items():
        table.add_row(f"[bold]{scenario}[/bold]")
        for judge, figures in judges.items():
            stage = _main_stage(figures)
            shown = (f"{figures[name]:.1f}" for name in ENDS)
            requests = (f"{figures[f'{stage}_requests_{name}']:,.0f}" for name in QUANTILES)
            table.add_row(f"  {judge}", *shown, *requests, stage)
        table.add_section()
    return table


def _main_stage(figures: Mapping[str, float]) -> str:
    return "shadow" if figures["decided_in_shadow"] > figures["decided_in_canary"] else "canary"
