"""What can become of a version's answers, and how many answers pass until the monitor says so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lifecycle.output_window import OutputWindow
from lifecycle.outputs import OutputLimits
from tests.bench.outputs.year import Array

Fault = Callable[[Array, np.random.Generator], Array]
FAULTS: Mapping[str, Fault] = {
    "constant 0.5": lambda scores, _: np.full(len(scores), 0.5),
    "constant at the usual mean": lambda scores, _: np.full(len(scores), 0.21),
    "always 0": lambda scores, _: np.zeros(len(scores)),
    "complement 1 - p": lambda scores, _: 1.0 - scores,
    "uniform noise": lambda scores, rng: rng.random(len(scores)),
    "half of the answers noise": lambda scores, rng: np.where(
        rng.random(len(scores)) < 0.5, rng.random(len(scores)), scores
    ),
    "p + 0.3": lambda scores, _: np.minimum(scores + 0.3, 1.0),
    "p + 0.1": lambda scores, _: np.minimum(scores + 0.1, 1.0),
    "shuffled among the requests": lambda scores, rng: rng.permutation(scores),
}
BATCH_ROWS = 8
LONGEST = 1000


@dataclass(frozen=True)
class Found:
    """How often a fault was found within one window and within LONGEST answers, and after how many by the median."""

    in_one_window: float
    in_the_longest: float
    median_answers: float


def delay(limits: OutputLimits, before: Array, after: Array) -> float:
    """Return after how many answers of `after` the monitor speaks, infinity when it does not; `before` came first."""
    window, stream = OutputWindow(limits), np.concatenate([before, after])
    for first, last in pairwise([*range(0, len(stream), BATCH_ROWS), len(stream)]):
        if feed(window, stream[first:last], first) and first >= len(before):
            return float(last - len(before))
    return float("inf")


def feed(window: OutputWindow, scores: Array, first: int) -> bool:
    """Return whether the monitor speaks at a batch of new examples, numbered from `first`."""
    return window.add([str(first + row) for row in range(len(scores))], scores) is not None


def measure(limits: OutputLimits, scores: Array, fault: Fault, moments: Array, rng: np.random.Generator) -> Found:
    """Return how a fault is found that begins at each of some places in a stream of scores.

    Two healthy windows come first; one that speaks before the fault begins is none of its.
    """
    window = limits.window_answers
    delays = np.array(
        [
            delay(limits, scores[at - 2 * window : at], fault(scores[at : at + LONGEST], rng))
            for at in moments.astype(int)
        ]
    )
    return Found(
        float((delays <= window + BATCH_ROWS).mean()), float(np.isfinite(delays).mean()), float(np.median(delays))
    )
