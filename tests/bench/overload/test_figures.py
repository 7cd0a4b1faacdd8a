"""The figures of an overload from made-up outcomes."""

import numpy as np
import pytest

from tests.bench.overload.figures import Outcomes, per_second, seconds_to_recover


def outcomes(*waits_ms: float, status: int = 200) -> Outcomes:
    """Return one request a second with these waits."""
    due = np.arange(len(waits_ms), dtype=float)
    return Outcomes(due, np.array(waits_ms) / 1000, np.full(len(waits_ms), status))


def test_recovery_is_when_it_is_good_for_good() -> None:
    """A good second among bad ones is none."""
    assert seconds_to_recover(outcomes(9, 50, 9, 50, 9, 9, 9), 1, 7, allowed_ms=10) == 3.0
    assert seconds_to_recover(outcomes(9, 9, 9), 0, 3, allowed_ms=10) == 0.0
    assert seconds_to_recover(outcomes(9, 9, 50), 0, 3, allowed_ms=10) is None


def test_lost_request_is_no_wait_and_no_recovery() -> None:
    """What was refused was quick, and does not count as such."""
    refused = outcomes(1, 1, status=503)
    assert refused.lost() == 2
    assert np.isnan(refused.milliseconds(99))
    assert seconds_to_recover(refused, 0, 2, allowed_ms=10) is None
    assert refused.counts() == {"503": 2}
    assert per_second([refused, refused], 2.0) == pytest.approx(2.0)
