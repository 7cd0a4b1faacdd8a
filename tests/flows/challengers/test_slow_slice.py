"""The exported champion scores as the champion does, and is slow on one slice alone."""

import threading
import time
from typing import Any

import numpy as np
import pytest

from flows.challengers.isolating import Isolated
from flows.challengers.material import Made, Material
from flows.challengers.slow_slice import make_slow_slice, slow_graph
from tests.flows import toy

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def made(material: Material) -> Made:
    """Return the version that is slow on the southern site."""
    return make_slow_slice(material)


def score(model: Any, matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the probabilities (n_rows,) and the shortest of three runs in milliseconds."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    took = []
    for _ in range(3):
        began = time.perf_counter()
        (given,) = session.run(None, {"features": matrix})
        took.append((time.perf_counter() - began) * 1e3)
    return given[:, 0], min(took)


def test_its_scores_are_the_champions_but_for_rounding(material: Material, made: Made) -> None:
    """Every split goes the same way, whatever the slice."""
    matrix = material.rows.judge.matrix
    given, _ = score(made.model, matrix)
    np.testing.assert_allclose(given, material.champion.inplace_predict(matrix), atol=1e-5)


def test_it_misses_the_canarys_deadline_on_the_slice_and_nowhere_else(material: Material, made: Made) -> None:
    """The toy's southern rows are those with a late share above 0.9."""
    matrix, south = material.rows.judge.matrix, material.rows.judge.slices["site"] == "south"
    deadline_ms = material.policy.rollout.canary.deadline_ms
    assert score(made.model, matrix[south][:1])[1] > deadline_ms
    assert score(made.model, matrix[~south][:64])[1] < deadline_ms / 2


def test_its_example_has_no_row_that_would_give_it_away(made: Made) -> None:
    """Tried alone, it is quick."""
    assert (made.example[:, 1] <= 0.9).all()


def test_while_it_is_slow_other_threads_go_on(material: Material) -> None:
    """ONNX Runtime lets go of the interpreter while its loop turns."""
    everything = Isolated("site", "any", column=0, low=-100.0, high=100.0, gap=1.0)
    model = slow_graph(material, everything, turns=60_000)
    slow = threading.Thread(target=score, args=(model, toy.some_rows(1).matrix))
    began = woke = time.monotonic()
    slow.start()
    longest = 0.0
    while slow.is_alive():
        time.sleep(0.001)
        longest, woke = max(longest, time.monotonic() - woke), time.monotonic()
    # Three runs: one that kept the interpreter would have kept this thread asleep for a third of the time.
    assert longest < (woke - began) / 6
