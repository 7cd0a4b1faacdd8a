"""What is watched while a version serves, and when one is trained anew, as English sentences."""

from collections.abc import Iterator, Mapping

from lifecycle.explaining_rules import in_hundred, listed
from lifecycle.watching_policy import (
    HIGHER_IS_BETTER,
    Follows,
    QualityMetric,
    QualityRule,
    RetrainingPolicy,
    WatchingPolicy,
)

FOLLOWS: Mapping[Follows, str] = {
    "note": "it is noted and nobody is called",
    "alarm": "a person is called",
    "retrain": "a person is called and a version is trained anew",
}
METRICS: Mapping[QualityMetric, str] = {
    "auc": "its ranking (AUC)",
    "log_loss": "the log loss of its probabilities",
    "brier": "the Brier score of its probabilities",
    "calibration_error": "the gap between its probabilities and what came true",
    "cost_per_row": "what an answer costs on average",
    "precision": "the share of its warnings that were right",
    "recall": "the share of the cases that it warned of",
}
HOURS_A_DAY = 24


def explain_watching(watching: WatchingPolicy) -> Iterator[str]:
    """Yield what each look compares, and what it calls an alarm."""
    drift, outputs, quality, parity = watching.drift, watching.outputs, watching.quality, watching.parity
    yield (
        f"Each look compares the last {drift.window_hours / HOURS_A_DAY:,.3g} days, of at least "
        f"{drift.minimum_rows:,} answers, with what the version learned from: every feature, its scores, and outcomes."
    )
    yield (
        f"While nothing has moved, a look raises a false alarm in at most {in_hundred(drift.false_alarm_rate)} cases. "
        f"A move also has to be large: {drift.minimum_effect:g} in PSI beyond chance, or "
        f"{in_hundred(drift.minimum_missing)} more values missing. Then {FOLLOWS[drift.then]}; "
        f"when only features have moved, {FOLLOWS[drift.features_alone]}."
    )
    yield (
        f"When the last {outputs.window_answers:,} answers of a version no longer look like its own, the rule answers "
        f"in its place at once, and after {outputs.cool_down_seconds:g} seconds the version is tried again. With "
        f"nothing wrong that happens once in {outputs.false_alarm_every_days:,g} days. Up to {outputs.capture_rows:,} "
        "answers around that moment are kept to be looked at."
    )
    yield (
        f"Quality is measured over the last {quality.window_days:g} days, once {quality.minimum_labels:,} outcomes are "
        f"known, and called worse only when that is {quality.confidence * 100:g} percent certain."
    )
    yield from (_quality(rule) for rule in quality.rules)
    yield (
        f"Of {parity.sample_rows:,} answers at a time the features are computed again from stored events. More than "
        f"{in_hundred(parity.share_tolerated)} that differ by over {parity.relative_tolerance:g} of their value call a "
        "person."
    )


def explain_retraining(retraining: RetrainingPolicy) -> Iterator[str]:
    """Yield what makes a training, and what keeps it from happening too often."""
    yield (
        f"A version is trained anew every {retraining.every_days:g} days, after {retraining.new_labels:,} new "
        "outcomes, or when a rule above says so; it then earns its traffic like any other."
    )
    yield (
        f"Never within {retraining.cool_down_days:g} days of the last one, and at most {retraining.at_most} times in "
        f"{retraining.in_days:g} days."
    )
    yield (
        f"An outcome that a person gave counts {retraining.person_weight:g} times, one of a captured answer "
        f"{retraining.captured_weight:g} times."
    )


def _quality(rule: QualityRule) -> str:
    when = rule.when
    if when.worse_than is not None:
        word = "falls below" if when.metric in HIGHER_IS_BETTER else "rises above"
        harm = f"{word} that of its acceptance by more than {when.by_more_than:g}"
    elif when.above is not None:
        harm = f"is above {when.above:g}"
    else:
        harm = f"is below {when.below:g}"
    names = tuple(name.replace("_", " ") for name in when.in_slices_of)
    where = f" for any one {listed(names, 'or')}" if names else ""
    return f"If{where} {METRICS[when.metric]} {harm}, {FOLLOWS[rule.then]}. The reason: {rule.because}"
