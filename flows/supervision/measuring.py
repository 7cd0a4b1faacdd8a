"""One rule's question asked of some rows."""

from flows.supervision.latencies import against_control, against_limit
from flows.supervision.means import loss_means, score_differences
from flows.supervision.rates import disagreement, error_rates
from flows.supervision.rows import Sides
from flows.supervision.series import error_series, slow_series
from lifecycle.evidence import Latencies, Means, Rates, Series
from lifecycle.policy import Policy
from lifecycle.rollout_policy import QUANTILES, Condition


def measure(condition: Condition, sides: Sides, policy: Policy) -> Rates | Latencies | Means | Series:
    """Return what the rows say to a rule's condition; without `worse_than` the baseline is left out."""
    compared = sides if condition.worse_than else sides.alone()
    if condition.metric in QUANTILES:
        return _latencies(condition, compared)
    match condition.metric:
        case "error_rate":
            return error_series(sides.candidate) if condition.arm == "champion" else error_rates(compared)
        case "decision_disagreement":
            return disagreement(sides)
        case "score_difference":
            return score_differences(sides)
    return loss_means(condition.metric, compared, policy)


def _latencies(condition: Condition, sides: Sides) -> Latencies | Series:
    if condition.above is None:
        return against_control(sides, QUANTILES[condition.metric], condition.by_more_than_percent or 0.0)
    if condition.arm == "champion":
        return slow_series(sides.candidate, condition.above)
    return against_limit(sides, condition.above)
