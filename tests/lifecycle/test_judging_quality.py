"""A rule fails only on proof of harm, and thin evidence is never a pass."""

from datetime import UTC, datetime, timedelta

import pytest

from lifecycle.evaluation import Metrics
from lifecycle.judging_quality import asks, decide_estimate, decide_quality
from lifecycle.quality import Estimate, Figure, FigureName, Figures, Labelling, Quality, QualityDetail
from lifecycle.verdict import Finding, Verdict
from lifecycle.watching_policy import QualityPolicy, QualityRule

NOW = datetime(2013, 4, 8, tzinfo=UTC)
BASELINE = Metrics(
    rows=900, positives=200, auc=0.7, average_precision=0.4, brier=0.15, log_loss=0.45, calibration_error=0.02,
    cost_per_row=0.5,
)  # fmt: skip


def policy(**when: object) -> QualityPolicy:
    """Return a policy of one rule."""
    rule = QualityRule.model_validate({"id": "rule", "when": when, "then": "alarm", "because": "It matters."})
    return QualityPolicy(window_days=7, confidence=0.99, minimum_labels=100, rules=(rule,))


def figures(name: FigureName, value: float, low: float | None, high: float | None, rows: int = 500) -> Figures:
    """Return figures of one metric."""
    return Figures.model_validate(
        {"rows": rows, "positives": 90, "hours": 100, name: Figure(value=value, low=low, high=high)}
    )


def measured(
    overall: Figures,
    slices: dict[str, dict[str, Figures]] | None = None,
    thin: dict[str, dict[str, int]] | None = None,
    estimate: Estimate | None = None,
) -> Quality:
    """Return a measurement that found these figures."""
    detail = QualityDetail(
        confidence=0.99,
        asks=1,
        level=0.99,
        overall=overall,
        slices=slices or {},
        thin=thin or {},
        labels=Labelling(known=500, late=0, corrected=0, by_people=0),
        estimate=estimate,
    )
    return Quality("m", "1", NOW - timedelta(7), NOW, 600, overall.rows, overall.metrics(), NOW, detail)


def decide(rules: QualityPolicy, found: Quality, baseline: Metrics | None = BASELINE) -> Finding:
    """Return what the one rule says."""
    (finding,) = decide_quality(rules, found, baseline)
    return finding


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (0.60, 0.56, 0.65, Verdict.FAIL),
        (0.60, 0.54, 0.66, Verdict.INCONCLUSIVE),
        (0.50, 0.48, 0.56, Verdict.INCONCLUSIVE),
        (0.50, 0.46, 0.54, Verdict.PASS),
        (0.60, None, None, Verdict.INCONCLUSIVE),
    ],
)
def test_less_is_better_against_the_baseline(
    value: float, low: float | None, high: float | None, verdict: Verdict
) -> None:
    """The limit is 0.1 above the 0.45 of the acceptance; only the whole interval beyond it is proof."""
    rules = policy(metric="log_loss", worse_than="baseline", by_more_than=0.1)
    found = decide(rules, measured(figures("log_loss", value, low, high)))
    assert (found.verdict, found.value) == (verdict, value)
    assert found.limit == pytest.approx(0.55)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.5, 0.59, Verdict.FAIL), (0.5, 0.61, Verdict.INCONCLUSIVE), (0.6, 0.7, Verdict.PASS)],
)
def test_more_is_better_against_the_baseline(low: float, high: float, verdict: Verdict) -> None:
    """An AUC 0.1 below the 0.7 of the acceptance is the limit."""
    rules = policy(metric="auc", worse_than="baseline", by_more_than=0.1)
    assert decide(rules, measured(figures("auc", 0.58, low, high))).verdict is verdict


def test_reason_states_value_interval_certainty_labels_and_limit() -> None:
    """Whoever is called reads it all in one line."""
    found = decide(policy(metric="cost_per_row", above=0.85), measured(figures("cost_per_row", 0.95, 0.9, 1.0)))
    assert found.reason == (
        "cost_per_row is 0.95 over 500 labels, between 0.9 and 1 with 99% certainty; the limit is 0.85: proven above it"
    )


@pytest.mark.parametrize(
    ("found", "baseline", "said"),
    [
        (measured(figures("precision", 0.1, 0.05, 0.2, rows=99)), BASELINE, "99 labels; 100 are needed"),
        (measured(figures("auc", 0.1, 0.05, 0.2)), BASELINE, "precision is undefined"),
        (measured(figures("precision", 0.1, 0.05, 0.2)), None, "no precision is kept"),
        (measured(figures("precision", 0.1, 0.05, 0.2)), BASELINE, "no precision is kept"),
        (Quality("m", "1", NOW, NOW, 9, 9, BASELINE, NOW), BASELINE, "before intervals were kept"),
    ],
    ids=["few labels", "undefined", "no baseline", "a baseline without it", "an old record"],
)
def test_what_cannot_be_known_is_inconclusive(found: Quality, baseline: Metrics | None, said: str) -> None:
    """However bad the value looks."""
    finding = decide(policy(metric="precision", worse_than="baseline", by_more_than=0.1), found, baseline)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert said in finding.reason


SLICED = {"metric": "auc", "below": 0.55, "in_slices_of": ["origin"]}
GOOD, UNSURE = figures("auc", 0.7, 0.65, 0.75), figures("auc", 0.57, 0.5, 0.64)
BAD, WORSE = figures("auc", 0.51, 0.5, 0.53), figures("auc", 0.4, 0.38, 0.42)


@pytest.mark.parametrize(
    ("slices", "thin", "verdict", "said"),
    [
        ({"EWR": GOOD, "JFK": BAD, "LGA": WORSE}, {}, Verdict.FAIL, "in origin=LGA"),
        ({"EWR": GOOD, "JFK": BAD}, {"LGA": 9}, Verdict.FAIL, "in origin=JFK"),
        ({"EWR": GOOD, "JFK": UNSURE}, {}, Verdict.INCONCLUSIVE, "in origin=JFK"),
        ({"EWR": GOOD}, {"LGA": 9}, Verdict.INCONCLUSIVE, "origin=LGA has fewer than 100 labels"),
        ({"EWR": GOOD}, {}, Verdict.PASS, "in origin=EWR"),
        ({}, {"LGA": 9, "JFK": 8}, Verdict.INCONCLUSIVE, "origin=LGA, origin=JFK have fewer than 100 labels"),
        ({}, {}, Verdict.INCONCLUSIVE, "no answer with a label is in such a slice"),
    ],
)
def test_the_worst_slice_speaks_and_a_thin_one_keeps_from_passing(
    slices: dict[str, Figures], thin: dict[str, int], verdict: Verdict, said: str
) -> None:
    """The average, good here, is not asked."""
    finding = decide(policy(**SLICED), measured(GOOD, {"origin": slices}, {"origin": thin}))
    assert finding.verdict is verdict
    assert said in finding.reason


@pytest.mark.parametrize(
    ("learned", "low", "verdict"),
    [(900, 0.9, Verdict.FAIL), (900, 0.8, Verdict.INCONCLUSIVE), (0, 0.9, Verdict.INCONCLUSIVE)],
    ids=["proven", "not proven", "scores at their word"],
)
def test_an_estimate_alarms_without_a_single_label(learned: int, low: float, verdict: Verdict) -> None:
    """It says that it is one, and scores that nobody checked prove nothing."""
    told = Estimate(figures=figures("cost_per_row", 0.95, low, 1.0), calibrated_on=learned)
    found = measured(Figures(rows=0, positives=0, hours=0), estimate=told)
    (finding,) = decide_estimate(policy(metric="cost_per_row", above=0.85), found, BASELINE)
    assert finding.verdict is verdict
    assert finding.reason.startswith("estimated from scores, without outcomes: cost_per_row is 0.95 over 500 answers")
    assert ("taken at their word" in finding.reason) is (learned == 0)


def test_an_estimate_is_silent_on_what_it_cannot_know() -> None:
    """Slices, and the gap between scores and outcomes."""
    told = Estimate(figures=figures("auc", 0.4, 0.38, 0.42), calibrated_on=900)
    for rules in (policy(**SLICED), policy(metric="calibration_error", above=0.1)):
        assert decide_estimate(rules, measured(GOOD, estimate=told), BASELINE) == ()
    assert decide_estimate(policy(metric="auc", below=0.5), measured(GOOD), BASELINE) == ()


def test_every_slice_that_is_asked_about_shares_the_error() -> None:
    """Three airports are three chances of a false alarm."""
    assert asks(policy(**SLICED), {"origin": 3, "carrier": 16}) == 3
    assert asks(policy(metric="auc", below=0.5), {"origin": 3}) == 1
