"""What is gathered of each arm, counted by hand."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from flows.supervision.evidence import gather
from flows.supervision.latencies import BATCHES_FOR_THE_MARK
from lifecycle.errors import NotFound, Unavailable
from lifecycle.evidence import Evidence, Latencies, Level, Means, Rates, Series, Tally
from lifecycle.plan import CanaryArm, ShadowArm, TrafficPlan
from lifecycle.policy import Policy
from lifecycle.rollout_policy import ArmName
from stores.events import EventStore
from tests.flows import toy
from tests.flows.supervision.conftest import NOW, SERVED, Workshop, rule

DAY = toy.START + timedelta(days=1)
SHADOWED = TrafficPlan("toy", 3, "1", None, 1, NOW, shadow=ShadowArm("2", 3, NOW))
CANARIED = TrafficPlan("toy", 3, "1", None, 1, NOW, canary=CanaryArm("2", 0, 0.5, 3, NOW, 3))
ALONE = TrafficPlan("toy", 3, "1", None, 2, NOW)
FAILED: dict[str, object] = {"outcome": "failed", "score": None, "decision": None}


def see(workshop: Workshop, plan: TrafficPlan, arm: ArmName, policy: Policy, until: datetime | None = None) -> Evidence:
    """Return the evidence of an arm."""
    return gather(workshop.sources(), plan, arm, policy, until)


def only(evidence: Evidence) -> object:
    """Return what the one rule measured, of all rows."""
    ((part,),) = [each.slices for each in evidence.rules]
    assert part.where == ""
    return part.measured


def canary(**row: object) -> dict[str, object]:
    """Return a row of the canary."""
    return {"arm": "canary", "version": "2", "plan_revision": 3, **row}


def control(**row: object) -> dict[str, object]:
    """Return a row of the control group."""
    return {"arm": "control", "plan_revision": 3, **row}


ERRORS = {"worse_than": "champion", "by_more_than": 0.1}


def test_canary_is_compared_with_the_control_group_alone(workshop: Workshop) -> None:
    """The champion's other rows, other versions and those of an older revision are nobody's evidence."""
    workshop.write([canary(), canary(**FAILED), canary(), control(), control(**FAILED)])
    workshop.write([{"plan_revision": 3}, canary(plan_revision=2), canary(version="9"), canary(model="other")])
    evidence = see(workshop, CANARIED, "canary", workshop.policy(rule("errors", "canary", "error_rate", **ERRORS)))
    expected = Rates(candidate=Tally(events=1, observations=3), baseline=Tally(events=1, observations=2))
    assert only(evidence) == expected
    assert (evidence.version, evidence.baseline, evidence.answers) == ("2", "1", 3)
    assert (evidence.since_revision, evidence.since_at, evidence.until_at) == (3, NOW, NOW)


def test_unit_that_asks_again_within_the_hour_counts_once_and_fails_if_any_did(workshop: Workshop) -> None:
    """Ten retries are not ten users; another hour is another question."""
    again = [canary(unit="u", **FAILED), *[canary(unit="u")] * 9]
    workshop.write([*again, canary(unit="u", moment_at=DAY + timedelta(hours=1)), canary(unit="v")])
    policy = workshop.policy(rule("errors", "canary", "error_rate", **ERRORS))
    evidence = see(workshop, CANARIED, "canary", policy)
    rates = only(evidence)
    assert isinstance(rates, Rates)
    assert (rates.candidate, evidence.answers) == (Tally(events=1, observations=3), 12)


def test_row_without_a_unit_stands_for_its_example(workshop: Workshop) -> None:
    """What cannot be told apart by unit is told apart by what was asked."""
    workshop.write([canary(unit=None, example_id="a"), canary(unit=None, example_id="a"), canary(unit=None)])
    rates = only(see(workshop, CANARIED, "canary", workshop.policy(rule("e", "canary", "error_rate", **ERRORS))))
    assert isinstance(rates, Rates)
    assert rates.candidate == Tally(events=0, observations=2)


def test_shadow_is_judged_on_pairs_and_what_only_one_of_the_two_did(workshop: Workshop) -> None:
    """Both failed is nobody's fault; an attempt whose pair is not in the log is not counted."""
    at: dict[str, object] = {"plan_revision": 3}
    workshop.pair(
        ({**at}, {}),
        ({**at, **FAILED}, dict(FAILED)),
        ({**at}, dict(FAILED)),
        ({**at}, dict(FAILED)),
        ({**at, **FAILED}, {}),
    )
    workshop.write([{**at, "arm": "shadow", "version": "2", "pairs_with": "nobody", **FAILED}])
    evidence = see(workshop, SHADOWED, "shadow", workshop.policy(rule("errors", "shadow", "error_rate", **ERRORS)))
    expected = Rates(candidate=Tally(events=2, observations=5), baseline=Tally(events=1, observations=5))
    assert only(evidence) == expected
    assert evidence.answers == 6


def test_shadow_that_decides_otherwise_disagrees_where_both_answered(workshop: Workshop) -> None:
    """A failure is counted as one elsewhere."""
    at: dict[str, object] = {"plan_revision": 3}
    workshop.pair(({**at}, {"decision": "off"}), ({**at}, {}), ({**at}, {}), ({**at}, dict(FAILED)))
    policy = workshop.policy(rule("other", "shadow", "decision_disagreement", above=0.3))
    expected = Rates(candidate=Tally(events=1, observations=3), baseline=None)
    assert only(see(workshop, SHADOWED, "shadow", policy)) == expected


def test_score_differences_are_summed_by_the_hour_in_either_direction(workshop: Workshop) -> None:
    """Two hours: 0.2 and 0.1 apart in one, 0.4 in the other."""
    at: dict[str, object] = {"plan_revision": 3, "score": 0.5}
    later = {**at, "moment_at": DAY + timedelta(hours=5)}
    workshop.pair(({**at}, {"score": 0.7}), ({**at}, {"score": 0.4}), (later, {"score": 0.9}), (later, dict(FAILED)))
    means = only(see(workshop, SHADOWED, "shadow", workshop.policy(rule("d", "shadow", "score_difference", above=0.3))))
    assert isinstance(means, Means)
    assert means.clusters == 2
    assert means.totals == pytest.approx((0.7, 3, 0, 0))
    vectors = np.array([[0.3, 2, 0, 0], [0.4, 1, 0, 0]])
    assert means.products == pytest.approx(tuple((vectors.T @ vectors).ravel()))


def asked_on_day_two() -> tuple[list[str], list[int], list[datetime]]:
    """Return ids, answers and moments of what was asked on the second day."""
    asks = toy.read_asks(toy.START, toy.END)
    chosen = asks.loc[(asks["asked_at"] >= DAY) & (asks["asked_at"] < DAY + timedelta(days=1))].head(12)
    return [str(one) for one in chosen["ask"]], [int(one) for one in chosen["answer"]], list(chosen["asked_at"])


@pytest.mark.parametrize("metric", ["log_loss", "brier", "cost_per_row"])
def test_losses_are_those_of_the_labels_that_are_known(workshop: Workshop, events: EventStore, metric: str) -> None:
    """Both sides of a pair lose on the same rows; a row without a label says nothing."""
    ids, answers, moments = asked_on_day_two()
    champion = [
        {"plan_revision": 3, "example_id": one, "moment_at": at, "score": 0.6}
        for one, at in zip(ids, moments, strict=True)
    ]
    workshop.pair(*[(row, {"score": 0.2, "decision": "off"}) for row in champion])
    workshop.pair(({"plan_revision": 3, "example_id": "unknown", "moment_at": moments[0]}, {"score": 0.9}))
    policy = workshop.policy(rule("q", "shadow", metric, worse_than="champion", by_more_than=0.1))
    evidence = see(workshop, SHADOWED, "shadow", policy)
    means = only(evidence)
    assert isinstance(means, Means)
    label = np.array(answers)
    mine, its = {
        "log_loss": (-np.log(np.where(label, 0.2, 0.8)), -np.log(np.where(label, 0.6, 0.4))),
        "brier": ((0.2 - label) ** 2, (0.6 - label) ** 2),
        # Decided "off" misses every yes, "on" is a false alarm for every no; both cost 1.
        "cost_per_row": (label * 1.0, (1 - label) * 1.0),
    }[metric]
    assert means.totals == pytest.approx((mine.sum(), 12, its.sum(), 12))
    assert means.clusters == len({moment.floor("h") for moment in moments})  # type: ignore[attr-defined]
    assert (evidence.answers, evidence.labelled) == (13, 12)
    assert evidence.labels_until_at is not None
    assert evidence.labels_until_at <= NOW


def test_label_that_comes_in_later_is_not_known_yet(workshop: Workshop, events: EventStore) -> None:
    """The clock of a replay decides what is known, not the wall's."""
    ids, _, moments = asked_on_day_two()
    workshop.pair(({"plan_revision": 3, "example_id": ids[0], "moment_at": moments[0]}, {}))
    policy = workshop.policy(rule("q", "shadow", "brier", worse_than="champion", by_more_than=0.1))
    before = gather(workshop.sources(moments[0] + timedelta(minutes=59)), SHADOWED, "shadow", policy)
    after = gather(workshop.sources(moments[0] + timedelta(minutes=61)), SHADOWED, "shadow", policy)
    assert (before.labelled, after.labelled) == (0, 1)


def test_override_that_warns_costs_what_a_warning_costs(workshop: Workshop, events: EventStore) -> None:
    """The decision is what people act on; the score below the threshold does not matter."""
    ids, answers, moments = asked_on_day_two()
    quiet = answers.index(0)
    workshop.write([canary(example_id=ids[quiet], moment_at=moments[quiet], score=0.01, decision="on")])
    workshop.write([control(example_id=ids[quiet], moment_at=moments[quiet], score=0.99, decision="off")])
    policy = workshop.policy(rule("c", "canary", "cost_per_row", worse_than="champion", by_more_than=0.1))
    means = only(see(workshop, CANARIED, "canary", policy))
    assert isinstance(means, Means)
    assert means.totals == (1.0, 1.0, 0.0, 1.0)


def batches(workshop: Workshop, first: int, milliseconds: list[float], **row: object) -> None:
    """Log micro-batches of two rows, a second apart."""
    for place, took in enumerate(milliseconds):
        at = SERVED + timedelta(seconds=first + place)
        shared = {"served_at": at, "features_us": 0, "predict_us": 0, **row}
        workshop.write([{**shared, "queue_us": int(took * 1000)}, {**shared, "queue_us": 0}])


def test_first_batches_of_the_control_group_set_the_mark_and_count_nowhere_else(workshop: Workshop) -> None:
    """A micro-batch is one observation, by its longest wait; both sides count from when the mark stands."""
    batches(workshop, 0, [float(1 + place % 100) for place in range(BATCHES_FOR_THE_MARK)], **control())
    batches(workshop, 0, [500.0] * 3, **canary())
    batches(workshop, 300, [10.0, 95.0], **control())
    batches(workshop, 300, [10.0, 95.0, 150.0], **canary())
    policy = workshop.policy(rule("slow", "canary", "latency_p90_ms", worse_than="champion", by_more_than_percent=50))
    expected = Latencies(
        mark_ms=90.0,
        at_mark=Rates(candidate=Tally(events=2, observations=3), baseline=Tally(events=1, observations=2)),
        beyond=Tally(events=1, observations=3),
    )
    assert only(see(workshop, CANARIED, "canary", policy)) == expected


def test_too_few_batches_of_the_control_group_set_no_mark(workshop: Workshop) -> None:
    """Nothing is counted against a mark that does not stand."""
    batches(workshop, 0, [1.0] * 5, **control())
    batches(workshop, 0, [500.0] * 5, **canary())
    policy = workshop.policy(rule("s", "canary", "latency_p90_ms", worse_than="champion", by_more_than_percent=50))
    latencies = only(see(workshop, CANARIED, "canary", policy))
    assert isinstance(latencies, Latencies)
    assert (latencies.mark_ms, latencies.beyond) == (None, Tally(events=0, observations=0))


def test_latency_above_a_limit_counts_the_candidates_batches(workshop: Workshop) -> None:
    """There is nobody to compare with, and none is needed."""
    batches(workshop, 0, [10.0, 30.0], **canary())
    policy = workshop.policy(rule("slow", "canary", "latency_p50_ms", above=20))
    slow = Tally(events=1, observations=2)
    expected = Latencies(mark_ms=20.0, at_mark=Rates(candidate=slow, baseline=None), beyond=slow)
    assert only(see(workshop, CANARIED, "canary", policy)) == expected


def request(site: str) -> str:
    """Return a logged request from a site."""
    return f'{{"unit":"u1","site":"{site}","load":0.5,"asked_at":"2020-01-02T00:00:00+00:00"}}'


def test_slices_come_in_the_order_in_which_they_were_first_seen_on_either_side(workshop: Workshop) -> None:
    """South was seen first, by the control group; only the first ones are asked about."""
    for second, row in enumerate(
        [
            control(request=request("south")),
            canary(request=request("north"), **FAILED),
            canary(request=request("south")),
        ]
    ):
        workshop.write([{**row, "served_at": SERVED + timedelta(seconds=second)}])
    sliced = {**ERRORS, "in_slices_of": ["site"]}
    both = workshop.policy(rule("e", "canary", "error_rate", **sliced, slices_at_most=2))
    (found,) = see(workshop, CANARIED, "canary", both).rules
    assert [part.where for part in found.slices] == ["site=south", "site=north"]
    south, north = (part.measured for part in found.slices)
    one, none = Tally(events=0, observations=1), Tally(events=0, observations=0)
    assert south == Rates(candidate=one, baseline=one)
    assert north == Rates(candidate=Tally(events=1, observations=1), baseline=none)
    first = workshop.policy(rule("e", "canary", "error_rate", **sliced, slices_at_most=1))
    assert [part.where for part in see(workshop, CANARIED, "canary", first).rules[0].slices] == ["site=south"]


def test_champions_errors_are_a_series_of_spans_of_wall_time(workshop: Workshop) -> None:
    """Empty spans between stay; a control's failed attempt is told by the champion's answer in its place."""
    start = datetime.fromtimestamp(SERVED.timestamp() // 30 * 30, UTC)
    for seconds, row in (
        (0, {}),
        (1, dict(FAILED)),
        (61, {"arm": "control"}),
        (62, {"arm": "control", "shown": False, **FAILED}),
        (63, {"shown": None, "arm": "champion"}),
        (64, {"arm": "shadow", **FAILED}),
    ):
        workshop.write([{"plan_revision": 2, "served_at": start + timedelta(seconds=seconds), **row}])
    workshop.write([{"plan_revision": 1, "served_at": start, **FAILED}])
    window = timedelta(hours=workshop.policy().rollout.champion.window_hours)
    policy = workshop.policy(rule("e", "champion", "error_rate", above=0.1))
    series = only(see(workshop, ALONE, "champion", policy, until=start + window - timedelta(seconds=1)))
    tallies = ((1, 2), (0, 0), (0, 2))
    assert series == Series(
        span_seconds=30, tallies=tuple(Tally(events=events, observations=seen) for events, seen in tallies)
    )
    later = see(workshop, ALONE, "champion", policy, until=start + window + timedelta(seconds=1))
    assert later.answers == 2


def test_champions_slow_batches_are_a_series_too(workshop: Workshop) -> None:
    """One observation is a micro-batch."""
    start = datetime.now(UTC) - timedelta(minutes=5)
    for took in (10, 300):
        workshop.write([{"plan_revision": 2, "served_at": start, "replica": f"r{took}", "queue_us": took * 1000}] * 3)
    policy = workshop.policy(rule("slow", "champion", "latency_p95_ms", above=200))
    series = only(see(workshop, ALONE, "champion", policy))
    assert isinstance(series, Series)
    assert series.tallies == (Tally(events=1, observations=2),)


def test_what_replicas_say_of_the_shadow_is_summed_and_trouble_named(workshop: Workshop) -> None:
    """Reports on another trial of the same version say nothing about this one."""
    word = {"version": "2", "since_revision": 3, "dropped_rows": 4, "memory_mb": 300.0, "trouble": ""}
    workshop.report(replica="a", plan_revision=3, shadow=word)
    workshop.report(replica="b", plan_revision=3, shadow={**word, "memory_mb": 700.5, "trouble": "killed by signal 9"})
    workshop.report(replica="c", plan_revision=3, shadow={**word, "since_revision": 2, "memory_mb": 9000.0})
    stale = datetime.now(UTC) - timedelta(minutes=1)
    workshop.report(replica="d", plan_revision=3, shadow={**word, "dropped_rows": 100}, reported_at=stale)
    evidence = see(workshop, SHADOWED, "shadow", workshop.policy(rule("m", "shadow", "memory_mb", above=900)))
    assert only(evidence) == Level(value=700.5)
    assert (evidence.dropped, evidence.trouble) == (8, ("b: killed by signal 9",))


def test_version_that_a_replica_left_out_is_in_trouble(workshop: Workshop) -> None:
    """By a report on this plan; an older one spoke of another."""
    policy = workshop.policy(rule("e", "canary", "error_rate", **ERRORS))
    workshop.report(replica="a", plan_revision=2, left_out={"2": "of old"})
    assert see(workshop, CANARIED, "canary", policy).trouble == ()
    workshop.report(replica="b", plan_revision=3, left_out={"2": "its example gives another score", "7": "gone"})
    assert see(workshop, CANARIED, "canary", policy).trouble == ("b: its example gives another score",)
    assert see(workshop, CANARIED, "canary", policy, until=SERVED).trouble == ()


def test_champion_is_looked_at_without_labels_that_no_rule_of_it_asks_for(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A canary beside it may wait for them; events that are away must not keep the champion from its way back."""
    workshop.write([{"plan_revision": 3, "served_at": datetime.now(UTC)}])
    monkeypatch.setattr(EventStore, "load", lambda *_: pytest.fail("labels were read"))
    policy = workshop.policy(rule("e", "champion", "error_rate", above=0.1))
    steps = tuple(step.model_copy(update={"minimum_labels": 9}) for step in policy.rollout.canary.steps)
    demanding = policy.rollout.canary.model_copy(update={"steps": steps})
    policy = policy.model_copy(update={"rollout": policy.rollout.model_copy(update={"canary": demanding})})
    assert see(workshop, CANARIED, "champion", policy).answers == 1


def test_events_that_cannot_be_read_leave_the_rules_that_need_no_label(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A canary that fails is seen to fail, whatever became of the labels."""

    def away(*_: object) -> pd.DataFrame:
        raise Unavailable("the events cannot be read")

    monkeypatch.setattr(EventStore, "load", away)
    workshop.write([canary(), canary(**FAILED), control()])
    cost = rule("cost", "canary", "cost_per_row", worse_than="champion", by_more_than=0.1)
    evidence = see(
        workshop, CANARIED, "canary", workshop.policy(rule("errors", "canary", "error_rate", **ERRORS), cost)
    )
    errors = evidence.rules[0].slices[0].measured
    assert isinstance(errors, Rates)
    assert (errors.candidate, evidence.labelled) == (Tally(events=1, observations=2), 0)


def test_arm_in_which_nothing_stands_is_refused(workshop: Workshop) -> None:
    """There is nothing to look at."""
    with pytest.raises(NotFound, match=r"toy has no canary \(plan revision 3\)"):
        see(workshop, ALONE, "canary", workshop.policy())


def test_trial_of_which_nothing_is_logged_yet_has_empty_evidence(workshop: Workshop) -> None:
    """The first look comes before the first answer."""
    rules = [
        rule("e", "shadow", "error_rate", **ERRORS, in_slices_of=["site"], slices_at_most=2),
        rule("q", "shadow", "log_loss", worse_than="champion", by_more_than=0.1),
        rule("l", "shadow", "latency_p95_ms", above=10),
    ]
    evidence = see(workshop, SHADOWED, "shadow", workshop.policy(*rules))
    assert (evidence.answers, evidence.labelled, evidence.rules[0].slices) == (0, 0, ())
    means = evidence.rules[1].slices[0].measured
    assert isinstance(means, Means)
    assert means.clusters == 0
    assert all(math.isfinite(product) for product in means.products)
