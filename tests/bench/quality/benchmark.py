"""`make bench-quality`: each week's estimate, made before its outcomes, beside what came true, by month."""

import argparse
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
from rich.console import Console
from rich.table import Table

from lifecycle.judging_quality import asks
from lifecycle.measuring.answers import Answers
from lifecycle.measuring.estimate import Experience, estimate
from lifecycle.measuring.figures import measure_answers
from lifecycle.measuring.record import beside_truth
from lifecycle.policy import Policy
from lifecycle.quality import Beside, FigureName
from stores.policies import load_policy
from stores.settings import settings
from tests.bench.quality.year import MODEL, SECONDS_AN_HOUR, answered_year

WEEK = 7 * 24
WEEKS_BEFORE = 4
SHOWN: tuple[FigureName, ...] = ("auc", "log_loss", "brier", "precision", "recall", "cost_per_row")
AIRPORTS = 3
NARROW = 0.8
"""Wide intervals nearly always hold; whether they are as wide as they say shows at a lower certainty."""


def bench_quality(terminal: Console, _: argparse.Namespace) -> Mapping[str, object]:
    """Print the table by month and return the figures of every week."""
    policy = load_policy(settings().policies, MODEL)
    answers = answered_year(policy)
    level = 1 - (1 - policy.watching.quality.confidence) / asks(policy.watching.quality, {"origin": AIRPORTS})
    weeks = dict(_weeks(answers, policy, level))
    narrow = dict(_weeks(answers, policy, NARROW))
    terminal.print(_table(weeks, narrow, level))
    return {
        "level": level,
        "answers": answers.rows,
        "weeks": {day: {name: beside.model_dump() for name, beside in record.items()} for day, record in weeks.items()},
    }


def _weeks(answers: Answers, policy: Policy, level: float) -> list[tuple[str, Mapping[FigureName, Beside]]]:
    """Return the record of each whole week that has any earlier answer to learn from, by its first day."""
    first = int(answers.hours.min())
    found = []
    for start in range(first + WEEK, int(answers.hours.max()) - WEEK + 2, WEEK):
        week = answers.where((answers.hours >= start) & (answers.hours < start + WEEK))
        since = max(first, start - WEEKS_BEFORE * WEEK)
        ripe = start + WEEK - policy.training.label_maturity_hours
        before = answers.where((answers.hours >= since) & (answers.hours < min(start, ripe)))
        told = estimate(week, Experience(before, (start - since) / WEEK), policy.cost, level)
        if told is not None:
            day = datetime.fromtimestamp(start * SECONDS_AN_HOUR, UTC)
            found.append((f"{day:%Y-%m-%d}", beside_truth(told, measure_answers(week, policy.cost, level))))
    return found


def _table(
    weeks: Mapping[str, Mapping[FigureName, Beside]], narrow: Mapping[str, Mapping[FigureName, Beside]], level: float
) -> Table:
    title = f"estimated, came true, weeks in which the {100 * level:.4g}% interval held"
    table = Table("weeks beginning in", *SHOWN, title=title)
    by_month: dict[str, list[Mapping[FigureName, Beside]]] = defaultdict(list)
    for day, record in weeks.items():
        by_month[day[:7]].append(record)
    by_month["all"] = list(weeks.values())
    for month, records in by_month.items():
        table.add_row(month, *(_cell([record[name] for record in records if name in record]) for name in SHOWN))
    held = [_held([record[one] for record in narrow.values()]) for one in SHOWN]
    table.add_row(f"held, {100 * NARROW:.0f}% intervals", *held)
    for name, value in _SUMS.items():
        table.add_row(name, *(f"{value([record[one] for record in weeks.values()]):.3f}" for one in SHOWN))
    return table


def _held(records: list[Beside]) -> str:
    return f"{sum(record.held for record in records)} of {len(records)}"


def _error(records: list[Beside]) -> float:
    return float(np.mean([abs(record.estimate - record.truth) for record in records]))


def _width(records: list[Beside]) -> float:
    return float(np.median([record.high - record.low for record in records]))


def _error_of_the_past(records: list[Beside]) -> float:
    """Return how far off the mean of up to four weeks before is: what one would guess without any estimate."""
    truth = [record.truth for record in records]
    guesses = [np.mean(truth[max(0, week - WEEKS_BEFORE) : week]) for week in range(1, len(truth))]
    return float(np.mean(np.abs(np.array(truth[1:]) - guesses)))


_SUMS = {
    "mean error": _error,
    "mean error of the weeks before": _error_of_the_past,
    "median width of the interval": _width,
}


def _cell(records: list[Beside]) -> str:
    told, true = (np.mean([getattr(record, name) for record in records]) for name in ("estimate", "truth"))
    return f"{told:.3f}, {true:.3f}, {_held(records)}"
