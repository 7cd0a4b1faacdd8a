"""Proof of no harm: never found for a candidate that is worse by the margin, soon found for an equal one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.judge import margin
from lifecycle.judge.margin import RATES, log_evidence, paired_log_evidence

MARGINS = st.sampled_from((0.001, 0.01, 0.05, 0.2, 0.5))


@given(allowed=MARGINS, share=st.integers(5, 95), baseline=st.floats(0, 1), more=st.floats(0, 1))
def test_each_observation_is_a_losing_bet_for_a_candidate_worse_by_the_margin(
    allowed: float, share: int, baseline: float, more: float
) -> None:
    """For every common rate the expected factor of one observation is at most 1: what makes it an e-value."""
    theirs = baseline * (1 - allowed)
    ours = theirs + allowed + more * (1 - theirs - allowed)
    low = margin._nearest(allowed, share)
    high = low + allowed
    of_ours = ours * RATES / high + (1 - ours) * (1 - RATES) / (1 - high)
    of_theirs = theirs * RATES / low + (1 - theirs) * (1 - RATES) / (1 - low)
    assert (share / 100 * of_ours + (1 - share / 100) * of_theirs <= 1 + 1e-6).all()


@given(allowed=MARGINS, only_baseline=st.floats(0, 1), more=st.floats(0, 1))
def test_each_pair_is_a_losing_bet_for_a_candidate_worse_by_the_margin(
    allowed: float, only_baseline: float, more: float
) -> None:
    """The same where both answer the same request."""
    theirs = only_baseline * (1 - allowed) / 2
    ours = theirs + allowed + more * (1 - 2 * theirs - allowed)
    rates, low = margin.PAIRED_RATES, margin._nearest_paired(allowed)
    neither = (1 - ours - theirs) * (1 - 2 * rates) / (1 - 2 * low - allowed)
    assert (ours * rates / (low + allowed) + theirs * rates / low + neither <= 1 + 1e-6).all()


def test_candidate_worse_by_the_margin_passes_at_any_look_more_rarely_than_promised() -> None:
    """Two hundred candidates at 2% against 1%, looked at after every fifth of 2,000 observations."""
    rng = np.random.default_rng(3)
    looks = np.arange(5, 2001, 5)
    passed = 0
    for _ in range(200):
        ours, theirs = ((rng.random(2000) < rate).cumsum()[4::5] for rate in (0.02, 0.01))
        passed += bool((log_evidence(ours, looks, theirs, looks, 0.01) >= np.log(20)).any())
    assert passed / 200 <= 0.05


@pytest.mark.parametrize(("rate", "allowed", "enough"), [(0.01, 0.01, 4000), (0.0, 0.01, 800), (0.1, 0.05, 1600)])
def test_equal_candidate_is_proven_within_the_margin(rate: float, allowed: float, enough: int) -> None:
    """So many observations an arm suffice at an error probability of 0.01, with counts as expected."""
    events = round(rate * enough)
    assert float(log_evidence(events, enough, events, enough, allowed)) >= np.log(100)


def test_evidence_of_safety_falls_with_each_failure_of_the_candidate() -> None:
    """More failures never make a candidate safer."""
    failures = np.arange(60)
    for evidence in (
        log_evidence(failures, 2000, 20, 2000, 0.01),
        paired_log_evidence(failures, 20, 2000, 0.01),
    ):
        assert (np.diff(evidence) < 0).all()


def test_many_looks_at_once_give_the_same_as_one_by_one() -> None:
    """Arrays are a convenience, also where shares differ from look to look."""
    ours, of, theirs, beside = np.array([[1, 5, 9], [100, 300, 900], [2, 4, 4], [100, 250, 950]])
    together = log_evidence(ours, of, theirs, beside, 0.02)
    looks = zip(ours.tolist(), of.tolist(), theirs.tolist(), beside.tolist(), strict=True)
    alone = [float(log_evidence(one, of_one, two, of_two, 0.02)) for one, of_one, two, of_two in looks]
    assert together.tolist() == pytest.approx(alone)
