"""One simulated rollout before all three judges, on identical streams."""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache

import numpy as np

from lifecycle.policy import Policy
from tests.bench.judge import fixed_threshold, mann_whitney, ours
from tests.bench.judge.bench_policy import (
    ERROR_MARGIN,
    LATENCY_PERCENT,
    QUALITY_MARGIN,
    SHARES,
    SLICE_QUALITY_MARGIN,
    SLICES,
    bench_policy,
)
from tests.bench.judge.canary_stream import (
    CHECK_ROWS,
    LATENCY_MS,
    LATENCY_SPREAD,
    POINT_ROWS,
    CanaryStream,
    Population,
    draw_population,
    draw_step,
)
from tests.bench.judge.scenarios import BASE_ERRORS, Scenario
from tests.bench.judge.shadow_stream import ROWS_PER_HOUR, ShadowStream, draw_shadow
from tests.bench.judge.verdicts import Ending, StageEnd

OURS, FIXED, REPEATED = "Holdfast", "fixed threshold", "repeated Mann-Whitney"
JUDGES = (OURS, FIXED, REPEATED)
P95_Z = 1.6449
USUAL_P95_MS = float(LATENCY_MS * np.exp(P95_Z * LATENCY_SPREAD))
QUALITY_MARGINS = np.array([SLICE_QUALITY_MARGIN] * SLICES + [QUALITY_MARGIN])
CANARY_MARGINS = np.array([ERROR_MARGIN, USUAL_P95_MS * LATENCY_PERCENT / 100.0])


class World:
    """The streams of one rollout, drawn when a judge first needs them, the same for every judge."""

    def __init__(self, scenario: Scenario, seed: tuple[int, ...]) -> None:
        self.scenario, self.seed = scenario, seed
        self.steps: dict[int, CanaryStream] = {}

    @cached_property
    def shadow(self) -> ShadowStream:
        """Return the shadow stage."""
        return draw_shadow(self._rng(0), self.scenario)

    @cached_property
    def population(self) -> Population:
        """Return the units, with their places in this rollout's draw."""
        return draw_population(self._rng(1))

    def step(self, number: int) -> CanaryStream:
        """Return one canary step."""
        if number not in self.steps:
            rng = self._rng(2 + number)
            self.steps[number] = draw_step(rng, self.population, self.scenario, SHARES[number])
        return self.steps[number]

    def _rng(self, part: int) -> np.random.Generator:
        return np.random.default_rng((*self.seed, part))


@lru_cache(maxsize=1)
def _policy() -> Policy:
    return bench_policy()


def play(scenario: Scenario, seed: tuple[int, ...]) -> Mapping[str, Ending]:
    """Return how one rollout ends before each judge."""
    world = World(scenario, seed)
    return {OURS: _play_ours(world), FIXED: _play(world, _fixed), REPEATED: _play(world, _repeated)}


def _play_ours(world: World) -> Ending:
    policy = _policy()
    shadow, plan = ours.judge_shadow(ours.first_plan(), policy, world.shadow)
    if shadow.end != "passed":
        return Ending(shadow.end, shadow.rows, 0)
    rows = 0
    for number in range(len(SHARES)):
        step, plan = ours.judge_step(plan, policy, world.step(number))
        rows += step.rows
        if step.end != "passed":
            return Ending(step.end, shadow.rows, rows)
    return Ending("promoted", shadow.rows, rows)


def _play(world: World, judge: Callable[[World, int | None], StageEnd]) -> Ending:
    shadow = judge(world, None)
    if shadow.end != "passed":
        return Ending(shadow.end, shadow.rows, 0)
    rows = 0
    for number in range(len(SHARES)):
        step = judge(world, number)
        rows += step.rows
        if step.end != "passed":
            return Ending(step.end, shadow.rows, rows)
    return Ending("promoted", shadow.rows, rows)


def _fixed(world: World, step: int | None) -> StageEnd:
    if step is None:
        points = world.shadow.points
        exceeds = points[..., 0] - points[..., 1] > QUALITY_MARGINS
        return fixed_threshold.judge_points(exceeds, ROWS_PER_HOUR)
    # Its thresholds are fixed numbers: what the champion is known to do, and our margins on top.
    limits = np.array([BASE_ERRORS, USUAL_P95_MS]) + CANARY_MARGINS
    return fixed_threshold.judge_points(world.step(step).checks[..., 0] > limits, CHECK_ROWS)


def _repeated(world: World, step: int | None) -> StageEnd:
    if step is None:
        return mann_whitney.judge_points(world.shadow.points, QUALITY_MARGINS, ROWS_PER_HOUR)
    return mann_whitney.judge_points(world.step(step).points, CANARY_MARGINS, POINT_ROWS)
