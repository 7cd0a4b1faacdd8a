"""A small fixed-seed run of the judge benchmark, and the parts that its figures rest on."""

import json
from collections import Counter
from io import StringIO

import numpy as np
from rich.console import Console

from lifecycle.judge.split import trial_proof
from lifecycle.outcome import Action
from tests.bench.judge import fixed_threshold, mann_whitney, ours
from tests.bench.judge.bench_policy import SHARES, SLICES, bench_policy
from tests.bench.judge.benchmark import bench_judge, log_loss_in_slice
from tests.bench.judge.canary_stream import draw_population, draw_step
from tests.bench.judge.options import JudgeOptions
from tests.bench.judge.rollouts import FIXED, OURS, REPEATED, play
from tests.bench.judge.scenarios import scenarios
from tests.bench.judge.screening import canary_looks
from tests.bench.judge.shadow_stream import draw_shadow
from tests.bench.judge.summary import as_table, summarise
from tests.bench.judge.verdicts import Ending, StageEnd

USUAL = JudgeOptions()
EQUAL, FAILING, SLOW, UNFAIR = scenarios(USUAL.error_rate, USUAL.slower_percent, USUAL.slice_noise)


def test_sixty_rollouts_promote_the_equal_and_none_of_the_bad() -> None:
    """The promise of the judge, at the size that a test can pay: 30 equal candidates and 10 of each bad kind."""
    for kind, rollouts in ((EQUAL, 30), (FAILING, 10), (SLOW, 10), (UNFAIR, 10)):
        ends = Counter(play(kind, (5, rollout))[OURS].end for rollout in range(rollouts))
        assert ends == {"promoted" if kind.good else "rolled back": rollouts}, kind.name


def test_whole_benchmark_runs_over_processes_and_reports_every_judge() -> None:
    """Two rollouts of each kind go through the command's own path, to a table and figures for a file."""
    terminal = Console(file=StringIO(), width=100)
    figures = bench_judge(terminal, JudgeOptions(rollouts=2))
    assert isinstance(terminal.file, StringIO)
    assert "2 rollouts of each kind" in terminal.file.getvalue()
    told = json.loads(json.dumps(figures))
    assert [set(judges) for judges in told["scenarios"].values()] == [{OURS, FIXED, REPEATED}] * 4


def test_same_seed_gives_the_same_endings() -> None:
    """A figure in the documentation can be had again."""
    assert play(FAILING, (7, 1)) == play(FAILING, (7, 1))
    assert set(play(FAILING, (7, 2))) == {OURS, FIXED, REPEATED}


def test_screening_leaves_out_no_look_at_which_the_judge_acts() -> None:
    """Asked at the looks that were left out before the first that was found, the judge would have waited."""
    policy = bench_policy()
    shadow = draw_shadow(np.random.default_rng(1), FAILING)
    _, plan = ours.judge_shadow(ours.first_plan(), policy, shadow)
    rng = np.random.default_rng(2)
    stream = draw_step(rng, draw_population(rng), FAILING, SHARES[0])
    first = int(canary_looks(stream, trial_proof(policy.rollout), 0, 2000)[0])
    for look in (*range(0, first - 40, 20), *range(first - 40, first)):
        assert ours.decide_step_at(plan, policy, stream, look).action is Action.WAIT
    end, _ = ours.judge_step(plan, policy, stream)
    assert (end.end, end.rows) == ("rolled back", int(stream.rows[first]))


def test_counts_after_the_last_batch_are_those_of_the_rows() -> None:
    """What is asked again within an hour counts once, and every slice adds up to the whole."""
    rng = np.random.default_rng(3)
    stream = draw_step(rng, draw_population(rng), EQUAL, 0.2)
    for side in (0, 1):
        assert (stream.observations[side][:, :SLICES].sum(axis=1) == stream.observations[side][:, SLICES]).all()
        assert (stream.events[side] <= stream.observations[side]).all()
    assert stream.observations[0][-1, SLICES] <= stream.rows[-1]
    assert (np.diff(stream.rows) >= 0).all()


def test_bad_slice_is_as_bad_as_stated() -> None:
    """The log loss there is a tenth of a nat higher, and nowhere else."""
    assert 0.08 < log_loss_in_slice(UNFAIR, 1) < 0.14
    assert abs(log_loss_in_slice(EQUAL, 1)) < 0.01


def test_five_failed_checks_come_before_ten_passed_ones() -> None:
    """The fixed-threshold judge counts both, and the first to be complete decides."""
    failing = np.array([[False]] * 9 + [[True]] * 5 + [[False]])
    assert fixed_threshold.judge_points(failing, 100) == StageEnd("rolled back", 1400)
    assert fixed_threshold.judge_points(np.zeros((20, 2), dtype=bool), 100).end == "passed"
    assert fixed_threshold.judge_points(np.zeros((3, 2), dtype=bool), 100).end == "held"


def test_repeated_test_needs_fifty_points_and_finds_what_is_plain() -> None:
    """Equal points pass at the end of its lifetime; clearly worse ones are found at the fiftieth."""
    rng = np.random.default_rng(4)
    equal = rng.normal(1.0, 0.1, (96, 1, 2))
    worse = equal + np.array([0.5, 0.0])
    limits = np.array([0.2])
    assert mann_whitney.judge_points(equal, limits, 100) == StageEnd("passed", 9600)
    assert mann_whitney.judge_points(worse, limits, 100) == StageEnd("rolled back", 5000)
    assert mann_whitney.judge_points(worse[:40], limits, 100).end == "held"


def test_figures_count_requests_of_the_stage_that_decided() -> None:
    """Shares are in percent, and the table has a row for each judge below its candidate."""
    figures = summarise([Ending("promoted", 100, 3000), Ending("rolled back", 100, 1000), Ending("rolled back", 50, 0)])
    assert figures["promoted_percent"] == 33.33
    assert (figures["canary_requests_median"], figures["shadow_requests_median"]) == (2000, 50)
    assert as_table({"A/A": {OURS: figures}}, 3).row_count == 2
