"""The offline gate as sentences that can be read aloud."""

from lifecycle.evaluation import HIGHER_IS_BETTER
from lifecycle.explaining_rules import listed
from lifecycle.policy import GateRule

FIGURES = {
    "auc": "share of pairs that it ranks rightly",
    "average_precision": "average precision of its ranking",
    "brier": "squared error of its probabilities",
    "log_loss": "logarithmic loss of its probabilities",
    "calibration_error": "distance between what it predicts and what happens",
    "cost_per_row": "cost to the business of an answer",
}
RIVALS = {
    "logistic_regression": "a plain straight-line model's",
    "rule": "the rule of thumb's",
    "champion": "the champion's",
}


def explain_requirement(rule: GateRule) -> str:
    """Return one requirement of the gate with its reason.

    >>> from lifecycle.policy import GateRequirement
    >>> require = GateRequirement(metric="auc", at_least=0.62)
    >>> print(explain_requirement(GateRule(id="ranks", require=require, because="Below are coin flips.")))
    The share of pairs that it ranks rightly must be at least 0.62. The reason: Below are coin flips.
    """
    require = rule.require
    figure = FIGURES[require.metric]
    if require.at_least is not None:
        asked = f"be at least {require.at_least:g}"
    elif require.at_most is not None:
        asked = f"be at most {require.at_most:g}"
    else:
        way = "above" if require.metric in HIGHER_IS_BETTER else "below"
        margin = f", by at least {require.by_at_least:g}" if require.by_at_least else ""
        asked = f"be {way} {RIVALS[str(require.better_than)]} on the same rows{margin}"
    where = ""
    if require.in_slices_of:
        where = f" for every {listed(require.in_slices_of)} with {require.minimum_rows:,} rows or more"
    return f"The {figure} must {asked}{where}. The reason: {rule.because}"
