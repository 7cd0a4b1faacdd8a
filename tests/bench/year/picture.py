"""The year in one picture: which columns moved when, and the frozen version's quality under it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from lifecycle.evaluation import Metrics
from tests.bench.year.months import Month

COLUMNS_SHOWN = 26
SMALLEST = 0.02


def draw_year(months: Sequence[Month], accepted: Metrics, path: Path) -> None:
    """Write the picture as a PNG; a dot marks what a look would have called certain and large enough."""
    names = _shown(months)
    effects = np.array([[_effect(month, name) for month in months] for name in names])
    figure = Figure(figsize=(9.6, 10.4), layout="constrained")
    above, below = figure.subplots(2, 1, gridspec_kw={"height_ratios": [3.4, 1]})
    shown = above.imshow(
        np.clip(effects, SMALLEST, None), aspect="auto", cmap="YlOrBr", norm=LogNorm(SMALLEST, max(effects.max(), 1.0))
    )
    for row, name in enumerate(names):
        for column, month in enumerate(months):
            if any(move.column == name for move in month.moves):
                above.plot(column, row, marker="o", markersize=4, color="#111827")
    above.set_yticks(range(len(names)), names, fontsize=8)
    above.set_xticks(range(len(months)), [month.name for month in months], fontsize=8)
    above.set_title("PSI beyond chance against January to March; a dot is a move", loc="left", fontsize=11)
    figure.colorbar(shown, ax=above, shrink=0.6, label="PSI beyond chance")
    _quality(below, months, accepted)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _quality(axes: Axes, months: Sequence[Month], accepted: Metrics) -> None:
    places = range(len(months))
    losses = [month.metrics.log_loss or np.nan for month in months]
    rates = [month.metrics.positives / month.metrics.rows for month in months]
    axes.plot(places, losses, marker="o", color="#0b6e99", label="log loss of the frozen version")
    if accepted.log_loss is not None:
        axes.axhline(accepted.log_loss, color="#0b6e99", linestyle=":", label="its log loss when it was accepted")
    axes.plot(places, rates, marker="s", color="#b3541e", label="share of late flights")
    axes.set_xticks(places, [month.name for month in months], fontsize=8)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _shown(months: Sequence[Month]) -> list[str]:
    largest: dict[str, float] = {}
    for month in months:
        for one in month.comparisons:
            largest[one.column] = max(largest.get(one.column, 0.0), one.effect)
    always = [name for name in ("score", "label") if name in largest]
    others = sorted((name for name in largest if name not in always), key=lambda name: -largest[name])
    return [*others[: COLUMNS_SHOWN - len(always)], *always]


def _effect(month: Month, name: str) -> float:
    return next((one.effect for one in month.comparisons if one.column == name), 0.0)
