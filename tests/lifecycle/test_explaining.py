"""A policy as sentences: everything that is written is said, and no key is."""

import re
from pathlib import Path
from typing import get_args

import pytest

from lifecycle.decision_policy import DecisionOverride, FieldCondition
from lifecycle.explaining import explain_policy
from lifecycle.explaining_gate import explain_requirement
from lifecycle.explaining_rules import explain_rule
from lifecycle.policy import GateRequirement, GateRule, MetricName, Rival
from lifecycle.rollout_policy import NEVER_COMPARED, ONLY_PAIRED, QUANTILES, Condition, RolloutMetric, RolloutRule
from stores.policies import read_policy
from tests.lifecycle.rollouts import two_steps

SHIPPED = read_policy(Path(__file__).parents[2] / "policies" / "flight_delay.yaml")
METRICS = [str(word) for kind in get_args(RolloutMetric) for word in (get_args(kind) or (kind,))]


def told(policy: object = SHIPPED) -> str:
    """Return everything that is said about a policy."""
    assert isinstance(policy, type(SHIPPED))
    return "\n".join(f"{chapter.title}\n" + "\n".join(chapter.sentences) for chapter in explain_policy(policy))


def test_no_key_and_no_machine_word_is_read_aloud() -> None:
    """A manager meets no underscore, bracket or missing value; the answers' own words are quoted."""
    text = re.sub(r'"[a-z_]+"', "", told())
    assert not re.search(r"[_{}\[\]]|None|True|False|nan", text)


def test_everything_a_manager_must_know_is_said() -> None:
    """Each number of the shipped policy that moves a version or an answer, with its unit."""
    text = told()
    for words in (
        "A small model of 60 trees learns to give the probabilities that it gives",
        "at least 24 hours and 500 answers, 400 of them with a known outcome",
        "Step 1: 10 in 100, for at least 12 hours and 40 answers",
        "Step 2: 50 in 100, for at least 24 hours and 300 answers, 200 of them with a known outcome",
        "After 7 days without proof everything stands still and a person is called",
        "within 50 milliseconds the champion answers",
        "the same tail number is always answered by the same version",
        "by mistake in at most 1 in 100 rollouts",
        "once in 365 days",
        "over the last 1 hour.",
        '"unsure"',
        'is "likely_late" from a probability of 25 percent on',
        "on-call may take a version back, stop everything from moving on and let it go on.",
    ):
        assert words in text


def test_what_a_registered_version_is_tried_by_is_said_as_it_is() -> None:
    """A stranger's version comes with no answers; it is asked for its own, and held to them from then on."""
    text = told()
    assert "stored with" not in text
    assert "give probabilities on its own example: the same each time, and for a row alone the same as among" in text
    assert "Wherever it is loaded from then on, it must first give those answers again." in text


def test_every_rule_is_said_with_its_reason() -> None:
    """Nothing that is written is left out."""
    text = told()
    reasons = [rule.because for rule in SHIPPED.offline_gate]
    reasons += [rule.because for rule in SHIPPED.rollout.rules]
    reasons += [rule.because for rule in SHIPPED.watching.quality.rules]
    reasons += [unsure.because for unsure in SHIPPED.decision.safety_filters]
    assert all(f"The reason: {reason}" in text for reason in reasons)
    assert text.count("The reason:") == len(reasons)


def conditions() -> list[Condition]:
    """Return every metric in every form and arm that a policy allows."""
    found = []
    for metric in METRICS:
        for arm in ("shadow",) if metric in NEVER_COMPARED else ("shadow", "canary", "champion"):
            found.append({"metric": metric, "arm": arm, "above": 0.07})
            if metric in NEVER_COMPARED or arm == "champion" or (metric in QUANTILES and arm == "shadow"):
                continue
            margin = "by_more_than_percent" if metric in QUANTILES else "by_more_than"
            found.append({"metric": metric, "arm": arm, "worse_than": "champion", margin: 0.07})
    return [Condition.model_validate(each) for each in found]


@pytest.mark.parametrize("condition", conditions(), ids=lambda condition: condition.model_dump_json(exclude_none=True))
def test_every_condition_is_one_sentence_with_its_limit(condition: Condition) -> None:
    """Every metric, compared or limited, in every arm; who is meant is clear when it is the champion's too."""
    for then in ("hold", "reject" if condition.arm == "shadow" else "roll_back"):
        rule = RolloutRule.model_validate(
            {"id": "r", "when": condition, "then": then, "veto_only": False, "because": "So it is."}
        )
        sentence = explain_rule(rule)
        limit = "7 in 100" if condition.metric in {"error_rate", "decision_disagreement"} else "0.07"
        assert re.match(r"If it[s ]|If the time|If an answer", sentence)
        assert limit in sentence
        assert "_" not in sentence
        assert ("champion" in sentence.split(", ")[0]) == (
            condition.worse_than is not None or condition.metric in ONLY_PAIRED
        )


def test_slices_and_vetoes_are_said() -> None:
    """For one slice, of so many; and who has to prove what."""
    when = Condition(
        metric="error_rate", arm="canary", above=0.5, in_slices_of=("hour_block", "origin"), slices_at_most=4
    )
    rule = RolloutRule(id="r", when=when, then="roll_back", veto_only=True, because="So it is.")
    sentence = explain_rule(rule)
    assert sentence.startswith("If for any one hour block or origin (of the 4 seen first) it fails to answer more than")
    assert "need not prove the opposite" in sentence


@pytest.mark.parametrize("metric", get_args(MetricName))
@pytest.mark.parametrize(
    "limit",
    [{"at_least": 0.5}, {"at_most": 0.5}, *({"better_than": name, "by_at_least": 0.5} for name in get_args(Rival))],
)
def test_every_requirement_of_the_gate_is_a_sentence(metric: str, limit: dict[str, object]) -> None:
    """Every metric with every limit and every rival."""
    require = GateRequirement.model_validate({"metric": metric, **limit})
    sentence = explain_requirement(GateRule(id="r", require=require, because="So it is."))
    assert "at least 0.5" in sentence or "at most 0.5" in sentence
    assert "_" not in sentence


def test_overrides_and_nobody_are_said() -> None:
    """A fixed answer names its cases, and a policy without people says so."""
    policy = two_steps()
    fixed = DecisionOverride(
        id="o", when=FieldCondition(field="home_port", is_one_of=("A", "B")), decide="ask", because="It was agreed."
    )
    decision = policy.decision.model_copy(update={"overrides": (fixed,)})
    text = told(policy.model_copy(update={"decision": decision, "people": ()}))
    assert 'When the home port is A or B, the answer is "ask" whatever the model says. The reason: It was' in text
    assert "Nobody: only the rules move versions." in text
