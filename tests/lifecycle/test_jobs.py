"""The moves of jobs and deliveries, and the pauses between attempts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.errors import TransitionRefused
from lifecycle.jobs import (
    DELIVERY_MOVES,
    ENDED,
    JOB_MOVES,
    DeliveryState,
    JobState,
    delivery_sources,
    event_type,
    job_sources,
    require_move,
    retry_seconds,
)


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("to", JobState)
def test_only_listed_moves_of_a_job_are_allowed(state: JobState, to: JobState) -> None:
    """Everything else raises and says what is allowed."""
    assert (state in job_sources(to)) == ((state, to) in JOB_MOVES)
    if (state, to) in JOB_MOVES:
        require_move(state, to)
    else:
        with pytest.raises(TransitionRefused, match=f"a job that is {state} cannot become {to}"):
            require_move(state, to)


def test_nothing_leads_out_of_an_end() -> None:
    """But a person's word has a message that was given up sent again."""
    assert {state for state in JobState if all(source is not state for source, _ in JOB_MOVES)} == ENDED
    assert DeliveryState.DELIVERED not in {source for source, _ in DELIVERY_MOVES}
    assert delivery_sources(DeliveryState.WAITING) == (DeliveryState.SENDING, DeliveryState.DEAD)


def test_only_ends_that_a_caller_waits_for_are_told() -> None:
    """Whoever cancels a job knows it."""
    assert {state: event_type(state) for state in (JobState.SUCCEEDED, JobState.FAILED)} == {
        JobState.SUCCEEDED: "job.succeeded",
        JobState.FAILED: "job.failed",
    }
    with pytest.raises(KeyError):
        event_type(JobState.CANCELLED)


@given(
    failures=st.integers(1, 10_000),
    first=st.floats(0.001, 1e4),
    factor=st.floats(1.0, 1e4),
    seed=st.integers(0, 2**32),
)
def test_pauses_double_up_to_the_longest_and_are_at_least_half(
    failures: int, first: float, factor: float, seed: int
) -> None:
    """However many failures there were."""
    longest = first * factor
    pause = retry_seconds(failures, first, longest, np.random.default_rng(seed))
    whole = min(longest, first * 2.0 ** min(failures - 1, 60))
    assert whole / 2 <= pause <= whole


def test_a_pause_before_any_failure_is_refused() -> None:
    """It would be a mistake of the caller's."""
    with pytest.raises(ValueError, match="failures is 0"):
        retry_seconds(0, 1.0, 2.0, np.random.default_rng(1))
