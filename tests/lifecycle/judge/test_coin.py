"""The coin's e-value is a fair bet for every honest share, and grows only with the candidate's events."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from lifecycle.judge.coin import log_evidence

COUNTS = st.integers(min_value=0, max_value=2000)
SHARES = st.floats(min_value=0.05, max_value=0.95)


@given(ours=st.integers(0, 300), theirs=st.integers(0, 300), share=SHARES)
def test_next_event_of_a_fair_coin_changes_nothing_on_average(ours: int, theirs: int, share: float) -> None:
    """The e-value is a martingale, which is why it may be looked at after every batch."""
    now = log_evidence(ours, theirs, share)
    ours_next, theirs_next = log_evidence(ours + 1, theirs, share), log_evidence(ours, theirs + 1, share)
    mean = share * np.exp(ours_next - now) + (1 - share) * np.exp(theirs_next - now)
    # Deep below the share an approximation stands above the truth; it is no evidence there, whatever comes next.
    assert mean == pytest.approx(1.0, rel=1e-6) or max(now, ours_next, theirs_next) < 0


@pytest.mark.parametrize("share", [0.5, 0.3, 0.6])
@pytest.mark.parametrize("truth", [1.0, 0.8, 0.2])
def test_expected_evidence_is_at_most_one_when_the_claim_is_true(share: float, truth: float) -> None:
    """Exactly, over all outcomes of 40 events: one at the share itself, less below it."""
    ours = np.arange(41)
    expected = float((binom.pmf(ours, 40, truth * share) * np.exp(log_evidence(ours, 40 - ours, share))).sum())
    assert expected <= 1.0 + 1e-9
    assert expected == pytest.approx(1.0) or truth < 1


@given(ours=COUNTS, theirs=COUNTS, share=SHARES)
def test_evidence_rises_with_our_events_and_falls_with_theirs(ours: int, theirs: int, share: float) -> None:
    """An event of the candidate never speaks for it."""
    now = float(log_evidence(ours, theirs, share))
    assert float(log_evidence(ours + 1, theirs, share)) >= now - 1e-9 or now < -math.log(50)
    assert float(log_evidence(ours, theirs + 1, share)) <= now + 1e-9 or now < -math.log(50)


@given(ours=COUNTS, theirs=COUNTS)
def test_both_sides_are_never_proven_worse_at_once(ours: int, theirs: int) -> None:
    """With equal shares the coin is symmetric: proof against one is none against the other."""
    forward, mirrored = float(log_evidence(ours, theirs)), float(log_evidence(theirs, ours))
    assert min(forward, mirrored) <= math.log(2)
    if ours == theirs:
        assert forward == mirrored <= 0


def test_hundred_events_on_one_side_are_proof_in_either_extreme() -> None:
    """Large counts neither overflow nor underflow into the opposite verdict."""
    assert float(log_evidence(100_000, 0)) > 60_000
    assert float(log_evidence(0, 100_000)) < 0


def test_larger_share_explains_more_of_our_events() -> None:
    """An arm with more observations has more events without being worse."""
    assert float(log_evidence(60, 40, 0.6)) < 0 < float(log_evidence(60, 40, 0.4))
