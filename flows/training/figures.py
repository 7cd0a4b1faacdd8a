"""Pictures of a candidate beside its rivals, each with the numbers it shows as JSON next to it."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifecycle.calibration import CalibrationBin, calibration_curve
from lifecycle.cost import cost_curve
from lifecycle.policy import Policy

COLOURS = {"candidate": "#0b6e99", "champion": "#b3541e", "logistic regression": "#6b7280", "rule": "#c9a227"}
THRESHOLDS = np.linspace(0, 1, 101)
FEATURES_SHOWN = 20


def draw_figures(
    folder: Path,
    labels: np.ndarray,
    scores: Mapping[str, np.ndarray],
    gains: Mapping[str, float],
    policy: Policy,
) -> None:
    """Write calibration, business_cost and feature_gain, each as .png and .json, into a folder.

    `labels` is (n_rows,); `scores` is (n_rows,) by scorer, "candidate" among them; `gains` are shares.
    """
    curves = {scorer: calibration_curve(labels, values) for scorer, values in scores.items()}
    costs = {scorer: cost_curve(labels, values, THRESHOLDS, policy.cost) for scorer, values in scores.items()}
    _save(folder, "calibration", _calibration(curves, scores["candidate"]), {k: _plain(v) for k, v in curves.items()})
    numbers = {scorer: values.tolist() for scorer, values in costs.items()}
    _save(folder, "business_cost", _costs(costs, policy), {"thresholds": THRESHOLDS.tolist(), "cost_per_row": numbers})
    _save(folder, "feature_gain", _gains(gains), dict(gains))


def _calibration(curves: Mapping[str, tuple[CalibrationBin, ...]], candidate: np.ndarray) -> Figure:
    figure = Figure(figsize=(6.4, 6.4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [4, 1]})
    above.plot([0, 1], [0, 1], color="#9ca3af", linestyle=":", linewidth=1.2, label="scores mean what they say")
    for scorer, curve in curves.items():
        means, rates = [part.mean_score for part in curve], [part.positive_rate for part in curve]
        above.plot(means, rates, marker="o", markersize=4, color=COLOURS[scorer], label=scorer)
    _dress(above, "Calibration on the judged rows", "", "share of positives")
    above.set_ylim(0, 1)
    above.legend(frameon=False)
    below.hist(candidate, bins=50, range=(0, 1), color=COLOURS["candidate"])
    _dress(below, "", "score", "rows")
    below.set_xlim(0, 1)
    return figure


def _costs(costs: Mapping[str, np.ndarray], policy: Policy) -> Figure:
    figure = Figure(figsize=(7.2, 4.5), layout="constrained")
    axes = figure.subplots()
    for scorer, values in costs.items():
        axes.plot(THRESHOLDS, values, color=COLOURS[scorer], linewidth=1.8, label=scorer)
    threshold = policy.decision.threshold
    axes.axvline(threshold, color="#111827", linestyle="--", linewidth=1, label=f"policy's threshold {threshold:g}")
    title = f"Business cost: a false alarm costs {policy.cost.false_alarm:g}, a miss {policy.cost.missed:g}"
    _dress(axes, title, "threshold", "cost per row")
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return figure


def _gains(gains: Mapping[str, float]) -> Figure:
    shown = list(gains.items())[:FEATURES_SHOWN][::-1]
    figure = Figure(figsize=(7.2, 1.2 + 0.27 * len(shown)), layout="constrained")
    axes = figure.subplots()
    axes.barh([name for name, _ in shown], [100 * share for _, share in shown], color=COLOURS["candidate"])
    _dress(axes, "What the trees split on", "% of the loss removed by all splits", "")
    return figure


def _dress(axes: Axes, title: str, below: str, beside: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel(below)
    axes.set_ylabel(beside)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)


def _plain(curve: tuple[CalibrationBin, ...]) -> list[dict[str, float]]:
    return [part.model_dump() for part in curve]


def _save(folder: Path, name: str, figure: Figure, numbers: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.png", dpi=130)
    (folder / f"{name}.json").write_text(json.dumps(numbers, indent=1), encoding="utf-8")
