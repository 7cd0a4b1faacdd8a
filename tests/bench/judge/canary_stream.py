"""One canary step, batch by batch: counts after every batch, as a rollout's evidence would hold them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tests.bench.judge.bench_policy import LATENCY_PERCENT, SLICES
from tests.bench.judge.scenarios import BASE_ERRORS, Scenario

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

UNITS = 50_000
REQUESTS_PER_HOUR = 10_000
ROWS_PER_ARM = 18_000
OTHER_ROWS_PER_BATCH = 3.0
MARK_BATCHES = 200
QUANTILE = 0.95
LATENCY_MS = 5.0
LATENCY_SPREAD = 0.25
HOURLY_SPREAD = 0.05
FRAILTY = 4.0
"""Shape of the gamma by which units differ in how often they fail: some three times as often as others."""
POINT_ROWS = 100
CHECK_ROWS = 400


@dataclass(frozen=True)
class CanaryStream:
    """(batches,) and (batches, SLICES + 1) running counts, the last column for all; arm 0 is the candidate.

    `points` are what a dashboard would show for each 100 requests of an arm, `checks` for each 400: (points, 2
    metrics, 2 arms), of error rate and p95 latency.
    """

    rows: Ints
    hours: Floats
    events: tuple[Ints, Ints]
    observations: tuple[Ints, Ints]
    mark_ms: float
    mark_known_at: int
    at_mark: tuple[Ints, Ints]
    beyond: Ints
    batches: tuple[Ints, Ints]
    points: Floats
    checks: Floats


@dataclass(frozen=True)
class Population:
    """Units with how much they ask, how often they fail, their slice, and their place in the rollout's draw."""

    activity: Floats
    frailty: Floats
    slices: Ints
    place: Floats


def draw_population(rng: np.random.Generator) -> Population:
    """Return the units of one rollout."""
    return Population(
        activity=rng.lognormal(0.0, 1.0, UNITS),
        frailty=rng.gamma(FRAILTY, 1.0 / FRAILTY, UNITS),
        slices=rng.integers(0, SLICES, UNITS),
        place=rng.random(UNITS),
    )


def draw_step(rng: np.random.Generator, units: Population, scenario: Scenario, share: float) -> CanaryStream:
    """Return one step's stream: units stick to their arm, batches share their latency, hours share their load."""
    members = (np.flatnonzero(units.place < share), np.flatnonzero(units.place >= 1.0 - share))
    weights = [units.activity[group] for group in members]
    part = weights[0].sum() / (weights[0].sum() + weights[1].sum())
    sizes = 1 + rng.poisson(OTHER_ROWS_PER_BATCH, int(2 * ROWS_PER_ARM / (1 + OTHER_ROWS_PER_BATCH)))
    arms = (rng.random(sizes.size) >= part).astype(np.int64)
    batch = np.repeat(np.arange(sizes.size), sizes)
    arm = arms[batch]
    unit = np.empty(batch.size, dtype=np.int64)
    for side in (0, 1):
        edges = np.cumsum(weights[side])
        chosen = np.searchsorted(edges, rng.random(int((arm == side).sum())) * edges[-1])
        unit[arm == side] = members[side][np.minimum(chosen, edges.size - 1)]
    per_hour = REQUESTS_PER_HOUR * float(weights[0].sum() + weights[1].sum()) / float(units.activity.sum())
    hours = np.cumsum(sizes) / per_hour
    failing = np.where(arm == 0, scenario.error_rate, BASE_ERRORS) * units.frailty[unit]
    failed = rng.random(batch.size) < failing
    load = rng.normal(0.0, HOURLY_SPREAD, int(hours[-1]) + 2)[hours.astype(int)]
    latency = LATENCY_MS * np.exp(load + rng.normal(0.0, LATENCY_SPREAD, sizes.size))
    latency *= np.where(arms == 0, scenario.slowness, 1.0)
    key = hours.astype(int)[batch] * UNITS + unit
    first, first_failed = _firsts(key), np.flatnonzero(failed)[_firsts(key[failed])]
    column = units.slices[unit]

    def running(at: Ints, side: int) -> Ints:
        mine = at[arm[at] == side]
        counts = np.bincount(batch[mine] * (SLICES + 1) + column[mine], minlength=sizes.size * (SLICES + 1))
        table = counts.reshape(sizes.size, SLICES + 1).cumsum(axis=0)
        table[:, SLICES] = table[:, :SLICES].sum(axis=1)
        return table

    control = np.flatnonzero(arms == 1)
    mark = float(np.quantile(latency[control[:MARK_BATCHES]], QUANTILE))
    counted = arms == 1
    counted[control[:MARK_BATCHES]] = False
    ours = arms == 0
    return CanaryStream(
        rows=np.cumsum(np.where(ours, sizes, 0)),
        hours=hours,
        events=(running(first_failed, 0), running(first_failed, 1)),
        observations=(running(first, 0), running(first, 1)),
        mark_ms=mark,
        mark_known_at=int(control[MARK_BATCHES - 1]),
        at_mark=(np.cumsum(ours & (latency > mark)), np.cumsum(counted & (latency > mark))),
        beyond=np.cumsum(ours & (latency > mark * (1.0 + LATENCY_PERCENT / 100.0))),
        batches=(np.cumsum(ours), np.cumsum(counted)),
        points=_points(arm, failed, latency[batch], POINT_ROWS),
        checks=_points(arm, failed, latency[batch], CHECK_ROWS),
    )


def _firsts(keys: Ints) -> Ints:
    return np.sort(np.unique(keys, return_index=True)[1])


def _points(arm: Ints, failed: npt.NDArray[np.bool_], latency: Floats, size: int) -> Floats:
    """Return each `size` rows of either arm as one point, as many as both have."""
    shown = []
    for side in (0, 1):
        errors, slow = failed[arm == side], latency[arm == side]
        whole = errors.size // size * size
        rates = errors[:whole].reshape(-1, size).mean(axis=1)
        shown.append(np.stack((rates, np.quantile(slow[:whole].reshape(-1, size), QUANTILE, axis=1)), axis=1))
    both = min(shown[0].shape[0], shown[1].shape[0])
    return np.stack((shown[0][:both], shown[1][:both]), axis=2)
