"""A policy as English sentences that a manager can read aloud: no keys, every number with its unit."""

from collections.abc import Iterator
from dataclasses import dataclass

from lifecycle.decision_policy import DecisionPolicy
from lifecycle.explaining_costs import explain_costs
from lifecycle.explaining_gate import explain_requirement
from lifecycle.explaining_idempotency import explain_idempotency
from lifecycle.explaining_jobs import explain_jobs
from lifecycle.explaining_log import explain_log
from lifecycle.explaining_resources import explain_resources
from lifecycle.explaining_review import explain_review
from lifecycle.explaining_rules import explain_rule, in_hundred, listed
from lifecycle.explaining_watch import explain_retraining, explain_watching
from lifecycle.people import Override, Person
from lifecycle.policy import Policy, ServingPolicy
from lifecycle.rollout_policy import PickUpPolicy, RolloutPolicy

FORMATS = {
    "xgboost-ubj": "XGBoost (UBJ)",
    "xgboost-json": "XGBoost (JSON)",
    "sklearn-skops": "scikit-learn in a skops file",
    "sklearn-pickle": "scikit-learn in a pickle, which runs code when it is opened",
    "onnx": "ONNX",
}
WORDS = {
    Override.ROLL_BACK: "take a version back",
    Override.HOLD: "stop everything from moving on",
    Override.RESUME: "let it go on",
    Override.PROMOTE: "make a version champion",
    Override.PIN: "keep a champion whatever the rules find",
    Override.RECALIBRATE: "let a proposed number take the place of a written one",
    Override.REVIEW: "answer for the model where it is unsure",
}
HOURS_A_DAY = 24


@dataclass(frozen=True)
class Chapter:
    """Sentences on one subject."""

    title: str
    sentences: tuple[str, ...]


def explain_policy(policy: Policy) -> tuple[Chapter, ...]:
    """Return everything that decides about a version's life, in the order of that life."""
    return (
        Chapter("How a version gets in", tuple(_door(policy))),
        Chapter("In shadow, where nobody sees its answers", tuple(_shadow(policy.rollout))),
        Chapter("As canary, beside the champion", tuple(_canary(policy.rollout))),
        Chapter("The watch over the champion", tuple(_champion(policy.rollout))),
        Chapter("Who answers when the champion cannot", tuple(policy.tiers.sentences())),
        Chapter("What an answer says", tuple(_decision(policy.decision))),
        Chapter("Which answers people look at", tuple(explain_review(policy.review))),
        Chapter("What is written down of each answer", tuple(explain_log(policy.log))),
        *(
            (Chapter("What answers cost, and which are cheap", costs),)
            if (costs := explain_costs(policy.serving))
            else ()
        ),
        Chapter("When a request is sent twice", tuple(explain_idempotency(policy.idempotency))),
        Chapter("How the world is watched", tuple(explain_watching(policy.watching))),
        Chapter("When a version is trained anew", tuple(explain_retraining(policy.retraining))),
        Chapter("What serving it may take", tuple(explain_resources(policy.resources))),
        Chapter("What is answered later", tuple(explain_jobs(policy.jobs))),
        Chapter("Who may overrule the rules", tuple(_people(policy.people))),
    )


def _door(policy: Policy) -> Iterator[str]:
    training = policy.training
    yield (
        f"A version that Holdfast trains learns from {training.window_days - training.validation_days} days and is "
        f"measured on the {training.validation_days} days after them, on at least "
        f"{training.minimum_validation_rows:,} rows; all of the following must hold there."
    )
    yield from (explain_requirement(rule) for rule in policy.offline_gate)
    if training.small is not None:
        yield (
            f"A small model of {training.small.rounds:,} trees learns to give the probabilities that it gives, "
            "and comes with it, for answers that must be cheap."
        )
    yield from _pick_up(policy.pick_up)


def _pick_up(pick_up: PickUpPolicy) -> Iterator[str]:
    formats = listed(tuple(FORMATS[name] for name in pick_up.allowed_formats), "or")
    yield (
        f"A version that anybody registers must be {formats}, of at most {pick_up.max_artifact_mb:,g} megabytes, take "
        "nothing but features that are known here, and give probabilities on its own example: the same each time, and "
        "for a row alone the same as among others."
    )
    yield "Wherever it is loaded from then on, it must first give those answers again."
    yield (
        f"Alone, it must answer one row within {pick_up.max_latency_ms_1_row:,g} milliseconds and 64 rows within "
        f"{pick_up.max_latency_ms_64_rows:,g}."
    )


def _shadow(rollout: RolloutPolicy) -> Iterator[str]:
    shadow = rollout.shadow
    yield (
        "First it runs in shadow: it is asked what the champion is asked, and its answers are compared and shown to "
        "nobody."
    )
    enough = _enough(shadow.minimum_hours, shadow.minimum_answers, shadow.minimum_labels)
    yield f"It stays there {enough}, and until the rules below let it go on."
    yield (f"After {_span(shadow.longest_hold_hours)} without proof everything stands still and a person is called.")
    yield (
        f"Beyond {shadow.memory_limit_mb:,g} megabytes of memory, or {shadow.batch_deadline_ms:,g} milliseconds for "
        f"one batch, it is ended and counts as failed. While {shadow.queue_batches:,} batches wait for it, more are "
        "dropped and counted."
    )
    yield from (explain_rule(rule) for rule in rollout.rules_of("shadow"))


def _canary(rollout: RolloutPolicy) -> Iterator[str]:
    canary = rollout.canary
    yield (
        f"Then it answers for a share of the traffic. What has the same {listed(rollout.unit)} is always answered by "
        "the same version, and as many others are answered by the champion in the same way, to compare with."
    )
    for number, step in enumerate(canary.steps, start=1):
        enough = _enough(step.minimum_hours, step.minimum_answers, step.minimum_labels)
        yield f"Step {number}: {in_hundred(step.share)}, {enough}, and until the rules below let it go on."
    yield "After the last step it is champion."
    yield (
        f"What it has not answered within {canary.deadline_ms:,g} milliseconds the champion answers, so that nobody "
        "waits; it counts as a failure of the canary."
    )
    yield (
        f"After {_span(canary.longest_hold_hours)} in one step without proof everything stands still and a person is "
        "called."
    )
    yield (
        f"A version that is no worse is taken back by mistake in at most {in_hundred(rollout.error_probability)} "
        "rollouts, all rules together."
    )
    yield from (explain_rule(rule) for rule in rollout.rules_of("canary"))


def _champion(rollout: RolloutPolicy) -> Iterator[str]:
    champion = rollout.champion
    yield (
        f"The champion is watched over the last {_span(champion.window_hours)}. With nothing wrong, its rules may fire "
        f"once in {champion.false_alarm_every_days:,g} days."
    )
    yield from (explain_rule(rule) for rule in rollout.rules_of("champion"))
    yield (
        "A version that does not stand or run on a replica is taken back at once, at every stage. Without an earlier "
        "champion to put back, a person is called."
    )


def _decision(decision: DecisionPolicy) -> Iterator[str]:
    for unsure in decision.safety_filters:
        yield (
            f"When {unsure.when.defaulted_features_at_least} or more of the facts about a case are unknown, the answer "
            f'is "{unsure.decide}". The reason: {unsure.because}'
        )
    for override in decision.overrides:
        values = listed(override.when.is_one_of, "or")
        field = override.when.field.replace("_", " ")
        yield (
            f'When the {field} is {values}, the answer is "{override.decide}" whatever the model says. '
            f"The reason: {override.because}"
        )
    otherwise = "Otherwise the" if decision.safety_filters or decision.overrides else "The"
    yield (
        f'{otherwise} answer is "{decision.positive}" from a probability of {decision.threshold * 100:g} percent on, '
        f'and "{decision.negative}" below.'
    )


def _costs(serving: ServingPolicy) -> Iterator[Chapter]:
    sentences = explain_costs(serving)
    if sentences:
        yield Chapter("What answers cost, and which are cheap", sentences)


def _people(people: tuple[Person, ...]) -> Iterator[str]:
    if not people:
        yield "Nobody: only the rules move versions."
    for person in people:
        yield f"{person.name} may {listed(tuple(WORDS[word] for word in person.may))}."


def _enough(hours: float, answers: int, labels: int) -> str:
    outcomes = f", {labels:,} of them with a known outcome" if labels else ""
    return f"for at least {_span(hours)} and {answers:,} answers{outcomes}"


def _span(hours: float) -> str:
    if hours > HOURS_A_DAY and hours % HOURS_A_DAY == 0:
        return f"{hours / HOURS_A_DAY:g} days"
    return f"{hours:g} hour{'' if hours == 1 else 's'}"
