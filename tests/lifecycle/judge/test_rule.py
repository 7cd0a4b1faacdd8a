"""A rule's finding: its verdict, its numbers, and a reason that a person reads cold."""

import pytest

from lifecycle.evidence import (
    Latencies,
    Level,
    Means,
    Measured,
    Rates,
    RuleEvidence,
    Series,
    SliceEvidence,
    Tally,
)
from lifecycle.judge.rule import judge_rule
from lifecycle.rollout_policy import RolloutPolicy, RolloutRule
from lifecycle.verdict import Finding, Verdict
from tests.policies import small_rollout

SMALL = small_rollout("unit")
BY_PLACE: dict[str, object] = {"in_slices_of": ["place"], "slices_at_most": 2}


def rule(arm: str, metric: str, **when: object) -> RolloutRule:
    """Return a rule named "it"; compared unless it says above."""
    compared = {} if "above" in when else {"worse_than": "champion"}
    return RolloutRule.model_validate(
        {
            "id": "it",
            "when": {"metric": metric, "arm": arm, **compared, **when},
            "then": "reject" if arm == "shadow" else "roll_back",
            "veto_only": False,
            "because": "So it was decided.",
        }
    )


def judged(asked: RolloutRule, *measured: Measured) -> Finding:
    """Return the finding of a rule in a policy that has it too; many measured are slices place=0, place=1 and so on."""
    policy: RolloutPolicy = SMALL.model_copy(update={"rules": (*SMALL.rules, asked)})
    sliced = bool(asked.when.in_slices_of)
    slices = tuple(
        SliceEvidence(where=f"place={number}" if sliced else "", measured=one) for number, one in enumerate(measured)
    )
    return judge_rule(policy, asked, RuleEvidence(rule_id="it", slices=slices))


def rates(ours: int, of: int, theirs: int, beside: int) -> Rates:
    """Return counts of both arms."""
    return Rates(candidate=Tally(events=ours, observations=of), baseline=Tally(events=theirs, observations=beside))


def means(ours: float, theirs: float, clusters: int = 48, wobble: float = 1.0) -> Means:
    """Return hours of 100 rows whose two means wobble apart and together from hour to hour."""
    totals, products = [0.0] * 4, [0.0] * 16
    for hour in range(clusters):
        shift = wobble if hour % 2 else -wobble
        vector = (100 * ours + shift, 100.0, 100 * theirs, 100.0)
        totals = [total + part for total, part in zip(totals, vector, strict=True)]
        products = [total + part for total, part in zip(products, (a * b for a in vector for b in vector), strict=True)]
    return Means(clusters=clusters, totals=(totals[0], totals[1], totals[2], totals[3]), products=tuple(products))


def latencies(beyond: int, ours: int, theirs: int, of: int = 1000) -> Latencies:
    """Return counts of slow micro-batches, around a mark of 10 ms."""
    return Latencies(mark_ms=10.0, at_mark=rates(ours, of, theirs, of), beyond=Tally(events=beyond, observations=of))


ERRORS = rule("canary", "error_rate", by_more_than=0.01)
PAIRED = rule("shadow", "error_rate", by_more_than=0.01)
SLOWER = rule("canary", "latency_p95_ms", by_more_than_percent=20)
QUALITY = rule("shadow", "log_loss", by_more_than=0.05)
DISAGREE = rule("shadow", "decision_disagreement", above=0.3)
TOO_SLOW = rule("shadow", "latency_p95_ms", above=200)
MEMORY = rule("shadow", "memory_mb", above=900)
FAR = rule("shadow", "score_difference", above=0.1)
CHAMPION = rule("champion", "error_rate", above=0.02)
SPAN = Tally(events=0, observations=50)


@pytest.mark.parametrize(
    ("asked", "measured", "verdict"),
    [
        (ERRORS, rates(62, 2000, 20, 1990), Verdict.FAIL),
        (ERRORS, rates(40, 5000, 41, 5000), Verdict.PASS),
        (ERRORS, rates(2, 100, 1, 100), Verdict.INCONCLUSIVE),
        (ERRORS, rates(400, 100_000, 200, 100_000), Verdict.PASS),
        (ERRORS, rates(0, 0, 0, 0), Verdict.INCONCLUSIVE),
        (ERRORS, Rates(candidate=Tally(events=9, observations=9), baseline=None), Verdict.INCONCLUSIVE),
        (PAIRED, rates(60, 2000, 4, 2000), Verdict.FAIL),
        (PAIRED, rates(4, 2000, 4, 2000), Verdict.PASS),
        (SLOWER, latencies(150, 220, 50), Verdict.FAIL),
        (SLOWER, latencies(10, 52, 50), Verdict.PASS),
        (SLOWER, latencies(1, 3, 2, 40), Verdict.INCONCLUSIVE),
        (QUALITY, means(0.6, 0.5), Verdict.FAIL),
        (QUALITY, means(0.5, 0.5), Verdict.PASS),
        (QUALITY, means(0.5, 0.5, wobble=30.0), Verdict.INCONCLUSIVE),
        (QUALITY, means(0.9, 0.5, clusters=5), Verdict.INCONCLUSIVE),
        (FAR, means(0.2, 0.0), Verdict.FAIL),
        (DISAGREE, Rates(candidate=Tally(events=500, observations=1000), baseline=None), Verdict.FAIL),
        (DISAGREE, Rates(candidate=Tally(events=100, observations=1000), baseline=None), Verdict.PASS),
        (TOO_SLOW, latencies(120, 120, 0), Verdict.FAIL),
        (TOO_SLOW, latencies(5, 5, 0), Verdict.PASS),
        (MEMORY, Level(value=901.0), Verdict.FAIL),
        (MEMORY, Level(value=900.0), Verdict.PASS),
        (MEMORY, Level(value=None), Verdict.INCONCLUSIVE),
        (CHAMPION, Series(span_seconds=60, tallies=(SPAN,) * 40), Verdict.PASS),
        (CHAMPION, Series(span_seconds=60, tallies=()), Verdict.INCONCLUSIVE),
        (
            CHAMPION,
            Series(span_seconds=60, tallies=(*(SPAN,) * 40, Tally(events=15, observations=50))),
            Verdict.FAIL,
        ),
        (ERRORS, Level(value=3.0), Verdict.INCONCLUSIVE),
        (MEMORY, rates(1, 2, 1, 2), Verdict.INCONCLUSIVE),
    ],
)
def test_each_kind_of_evidence_leads_to_its_verdict(asked: RolloutRule, measured: Measured, verdict: Verdict) -> None:
    """Harm, its absence and thin evidence are told apart for every metric, and each reason says something."""
    finding = judged(asked, measured)
    assert finding.verdict is verdict, finding.reason
    assert finding.rule_id == "it"
    assert len(finding.reason) > 20


def test_proven_but_within_the_margin_is_no_failure() -> None:
    """A difference that is certain and small is what the margin allows."""
    finding = judged(ERRORS, rates(600, 100_000, 300, 100_000))
    assert finding.verdict is Verdict.PASS
    assert finding.value == pytest.approx(0.003)


def test_reason_of_a_failure_says_counts_limit_and_certainty() -> None:
    """A person who was not there understands it."""
    finding = judged(ERRORS, rates(62, 2000, 20, 1990))
    assert finding.reason == (
        "62 of 2,000 unit-hours failed (3.1%) against 20 of 1,990 (1.0%) of the champion's control group: worse by 2.1 "
        "points, at most 1.0 allowed; as lopsided by chance once in 17,000, once in 300 is proof"
    )
    assert finding.value == pytest.approx(0.02095, abs=1e-5)
    assert finding.limit == 0.01


def test_reason_of_means_that_decide_nothing_says_what_proof_takes() -> None:
    """A lower bound beyond the limit at one certainty is no contradiction once the other certainty is named."""
    asked = rule("canary", "cost_per_row", by_more_than=0.1, **BY_PLACE)
    seen = means(1.3, 0.5, clusters=22, wobble=73.0)
    finding = judged(asked, seen, seen)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason == (
        "place=0: cost per row is 1.3000 over 2,200 rows in 22 hours against the champion's 0.5000: worse by 0.8000, "
        "at most 0.1 allowed; not yet proven worse, for which only a bound that is wrong at most once in 400 counts: "
        "at least -0.0148; not yet proven within what is allowed: certainly between 0.1133 and 1.4867 (wrong at most "
        "once in 100) (0 of 2 slices pass, 2 undecided)"
    )


@pytest.mark.parametrize(
    ("asked", "measured", "said"),
    [
        (QUALITY, means(0.54, 0.5, wobble=4.0), "worse by at least 0.0"),
        (QUALITY, means(0.54, 0.5, clusters=20, wobble=30.0), "not yet proven worse, for which only a bound"),
        (FAR, means(0.11, 0.0, wobble=30.0), "not yet proven above, for which only a bound"),
        (
            DISAGREE,
            Rates(candidate=Tally(events=33, observations=100), baseline=None),
            "not yet proven above, for which only a bound that is wrong at most once in 300 counts: at least 1",
        ),
        (ERRORS, rates(6, 1000, 7, 1000), "not yet proven worse (by chance easily, once in 300 is proof)"),
        (
            rule("canary", "error_rate", by_more_than=0.01),
            rates(150, 10_000, 65, 10_000),
            "proven worse (by chance once in 5,000,000, once in 300 is proof), but by estimate within what is allowed",
        ),
        (SLOWER, latencies(45, 110, 50), "proven slower (by chance once in"),
    ],
)
def test_reason_of_what_is_undecided_says_how_certain_harm_must_be(
    asked: RolloutRule, measured: Measured, said: str
) -> None:
    """For every kind of proof; what is proven and small enough is told apart from what is not proven."""
    finding = judged(asked, measured)
    assert finding.verdict is Verdict.INCONCLUSIVE, finding.reason
    assert said in finding.reason
    assert "not yet proven within" in finding.reason


def test_reason_about_the_champion_says_what_proof_of_a_rise_takes() -> None:
    """As rarely as the policy wants false alarms."""
    finding = judged(CHAMPION, Series(span_seconds=60, tallies=(Tally(events=1, observations=50),) * 3))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "no lasting rise is proven, which takes what all rules together show by chance once in" in finding.reason


def test_sliced_rule_names_its_worst_slice_and_counts_the_others() -> None:
    """Slices beyond slices_at_most are left out, and the reason says how many."""
    asked = rule("canary", "error_rate", by_more_than=0.01, **BY_PLACE)
    finding = judged(asked, rates(10, 5000, 11, 5000), rates(90, 2000, 20, 2000), rates(500, 2000, 0, 2000))
    assert finding.verdict is Verdict.FAIL
    assert finding.reason.startswith("place=1: 90 of 2,000 unit-hours failed")
    assert finding.reason.endswith("(1 of 2 slices pass, 0 undecided, 1 beyond slices_at_most 2 not judged)")


def test_sliced_rule_passes_only_when_every_slice_does() -> None:
    """One thin slice is enough to be inconclusive."""
    asked = rule("canary", "error_rate", by_more_than=0.01, **BY_PLACE)
    good, thin = rates(10, 5000, 11, 5000), rates(0, 3, 0, 3)
    assert judged(asked, good, good).verdict is Verdict.PASS
    assert judged(asked, good, thin).verdict is Verdict.INCONCLUSIVE
    assert judged(asked).reason == "no place was seen yet"


def test_more_slices_ask_for_more_proof() -> None:
    """What one rule may conclude alone, one of many may not."""
    seen = rates(27, 1000, 6, 1000)
    assert judged(ERRORS, seen).verdict is Verdict.FAIL
    many = rule("canary", "error_rate", by_more_than=0.01, in_slices_of=["place"], slices_at_most=1000)
    assert judged(many, seen).verdict is Verdict.INCONCLUSIVE


def test_nothing_allowed_passes_only_a_better_candidate() -> None:
    """With a margin of 0 an equal is not proven not to be worse."""
    strict = rule("canary", "error_rate", by_more_than=0.0)
    assert judged(strict, rates(50, 5000, 50, 5000)).verdict is Verdict.INCONCLUSIVE
    assert judged(strict, rates(10, 5000, 50, 5000)).verdict is Verdict.PASS


def test_mark_that_is_not_known_yet_is_inconclusive() -> None:
    """Until the control group has shown what is slow, nothing is."""
    unknown = Latencies(mark_ms=None, at_mark=rates(0, 50, 0, 0), beyond=Tally(events=0, observations=50))
    assert judged(SLOWER, unknown).verdict is Verdict.INCONCLUSIVE
