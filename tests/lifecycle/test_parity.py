"""Parity is judged feature by feature: how many rows differ, against what chance makes of the tolerated share."""

from datetime import UTC, datetime

import numpy as np
import pytest

from lifecycle.alarms import AlarmKind
from lifecycle.differing import differences
from lifecycle.freshness import Freshness, ViewFreshness, decide_freshness
from lifecycle.parity import Compared, Example, FeatureParity, ViewLag, decide_parity, parity_concerns
from lifecycle.verdict import Verdict
from lifecycle.watching_policy import ParityPolicy

POLICY = ParityPolicy(sample_rows=200, relative_tolerance=1e-6, share_tolerated=0.005)
FIRST = datetime(2013, 4, 1, tzinfo=UTC)


def compared(rows: int, differing: int, late: int = 0) -> Compared:
    """Return a comparison in which one feature of two differs in some rows."""
    example = Example("p1", 283.15, 50.0, served_default=False, recomputed_default=True)
    wind = FeatureParity("wind", "weather", rows, differing, late, 0.9, example, FIRST) if differing else None
    features = (wind or FeatureParity("wind", "weather", rows), FeatureParity("hour", None, rows))
    lag = ViewLag("weather", 6, rows, 3, 0, late, 0.1, 0.5, 2.0)
    return Compared(rows, rows - differing, features, (lag,))


@pytest.mark.parametrize(("rows", "most"), [(200, 4), (50, 2), (4, 1)])
def test_as_many_as_chance_brings_are_tolerated_and_no_more(rows: int, most: int) -> None:
    """The exact binomial test at one in a hundred: 4 of 200 may be half a percent, 5 may not."""
    for differing, verdict in ((most, Verdict.PASS), (most + 1, Verdict.FAIL)):
        found = {finding.rule_id: finding for finding in decide_parity(POLICY, compared(rows, differing))}
        if differing:
            assert found["parity:wind"].verdict is verdict
        assert "parity:hour" not in found


def test_a_failure_names_feature_share_limit_and_example_and_is_a_concern() -> None:
    """Whoever is called at night starts from one request."""
    whole, wind, _ = findings = decide_parity(POLICY, compared(200, 20))
    assert (whole.rule_id, whole.verdict) == ("parity", Verdict.FAIL)
    assert wind.reason == (
        "wind was served otherwise than stored events say in 20 of 200 answers (10.0%; 0.5% are tolerated), by up to "
        "0.9 of its value; prediction p1 was served 283.15 instead of the default 50"
    )
    (concern,) = parity_concerns(compared(200, 20), findings)
    assert (concern.kind, concern.subject, concern.then) == (AlarmKind.PARITY, "wind", "alarm")
    assert (concern.value, concern.limit, concern.onset_at) == (0.1, 0.005, FIRST)


def test_few_rows_fail_when_they_prove_it_and_never_pass() -> None:
    """Thin evidence holds; it does not acquit."""
    assert decide_parity(POLICY, compared(49, 0))[0].verdict is Verdict.INCONCLUSIVE
    assert decide_parity(POLICY, compared(50, 0))[0].verdict is Verdict.PASS
    assert decide_parity(POLICY, compared(10, 5))[0].verdict is Verdict.FAIL
    assert decide_parity(POLICY, Compared(0, 0, (), ()))[0].verdict is Verdict.INCONCLUSIVE


def test_what_was_late_is_said_and_fails_the_lag() -> None:
    """A view that was not pushed is told apart from one that was pushed wrongly."""
    _, wind, lag = decide_parity(POLICY, compared(200, 20, late=20))
    assert "20 of them had no row of weather within the limit while one stood stored" in wind.reason
    assert (lag.rule_id, lag.verdict, lag.value, lag.limit) == ("lag:weather", Verdict.FAIL, 0.5, 6)


def test_rounding_near_zero_is_measured_by_the_features_own_size() -> None:
    """A mean delay of exactly nothing, and of a billionth of a minute, is the same; a thousandth is not."""
    recomputed = np.array([[0.0], [10.0], [0.0]], np.float32)
    served = np.array([[1e-9], [10.000001], [1e-3]], np.float32)
    nothing = np.zeros((3, 1), bool)
    assert differences(served, recomputed, nothing, nothing, 1e-6).differ[:, 0].tolist() == [False, False, True]


def test_a_stand_in_for_an_equal_value_and_no_number_differ() -> None:
    """A default that happens to be right was still served for a value that was there."""
    ones = np.ones((2, 1), np.float32)
    nothing, first = np.zeros((2, 1), bool), np.array([[True], [False]])
    assert differences(ones, ones, first, nothing, 1e-6).differ[:, 0].tolist() == [True, False]
    broken = np.array([[1.0], [np.nan]], np.float32)
    assert differences(broken, ones, nothing, nothing, 1e-6).differ[:, 0].tolist() == [False, True]


@pytest.mark.parametrize(
    ("rows", "missing", "beyond", "verdict"),
    [
        (1000, 0.0, 0.5, Verdict.PASS),
        (1000, 0.0, 0.6, Verdict.FAIL),
        (25, 0.0, 0.6, Verdict.PASS),
        (25, 0.0, 1.0, Verdict.FAIL),
        (1000, 0.99, 1.0, Verdict.INCONCLUSIVE),
    ],
)
def test_a_view_is_stale_when_more_rows_outlived_the_limit_than_chance_explains(
    rows: int, missing: float, beyond: float, verdict: Verdict
) -> None:
    """Some entities always rest for long; a whole view does not."""
    view = ViewFreshness(6, rows, 3.0, 7.0, 0.5, missing, beyond)
    (finding,) = decide_freshness(Freshness(rows, {"weather": view}, {}))
    assert (finding.rule_id, finding.verdict) == ("stale:weather", verdict)
