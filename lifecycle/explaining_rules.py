"""One rule of a rollout as a sentence that can be read aloud."""

from lifecycle.rollout_policy import QUANTILES, Condition, RolloutRule

SCALES = {
    "log_loss": "its predictions fit what later happened worse than {whose}, on the scale of the logarithmic loss by",
    "brier": "its predictions fit what later happened worse than {whose}, on the scale of the squared error by",
}
LEVELS = {
    "log_loss": "its predictions miss what later happened, on the scale of the logarithmic loss by",
    "brier": "its predictions miss what later happened, on the scale of the squared error by",
    "cost_per_row": "an answer of it costs the business on average",
    "score_difference": "its probability is away from the champion's on average by",
}


def explain_rule(rule: RolloutRule) -> str:
    """Return a rule with its consequence and its reason.

    >>> when = Condition(metric="error_rate", arm="champion", above=0.02)
    >>> rule = RolloutRule(id="errors", when=when, then="roll_back", veto_only=True, because="It must answer.")
    >>> print(explain_rule(rule))
    If it fails to answer more than 2 in 100 requests, the version before it is put back. The reason: It must answer.
    """
    where = _where(rule.when)
    waits = ""
    if rule.when.arm != "champion":
        waits = (
            " Only proof of this counts against it; it need not prove the opposite."
            if rule.veto_only
            else " Until the opposite is proven, it does not move on."
        )
    return f"If {where}{_harm(rule.when)}, {_consequence(rule)}.{waits} The reason: {rule.because}"


def in_hundred(share: float) -> str:
    """Return a share of answers as people say it.

    >>> in_hundred(0.05)
    '5 in 100'
    """
    return f"{round(share * 100, 6):,g} in 100"


def listed(words: tuple[str, ...], last: str = "and") -> str:
    """Return words as a list in a sentence, without the underscores that programs put between them.

    >>> listed(("carrier", "origin", "hour_block"))
    'carrier, origin and hour block'
    """
    plain = [word.replace("_", " ") for word in words]
    return f" {last} ".join([", ".join(plain[:-1]), plain[-1]] if len(plain) > 1 else plain)


def _where(condition: Condition) -> str:
    if not condition.in_slices_of:
        return ""
    asked = listed(condition.in_slices_of, "or")
    return f"for any one {asked} (of the {condition.slices_at_most} seen first) "


def _harm(condition: Condition) -> str:
    if condition.worse_than is None:
        return _beyond(condition, condition.above or 0.0)
    more = condition.by_more_than or 0.0
    if condition.metric == "error_rate":
        return f"it fails to answer more requests than the champion does, by more than {in_hundred(more)}"
    if condition.metric in QUANTILES:
        percent = condition.by_more_than_percent or 0.0
        share = in_hundred(QUANTILES[condition.metric])
        return f"the time in which it gives {share} answers is more than {percent:g} percent longer than the champion's"
    if condition.metric == "cost_per_row":
        return f"an answer of it costs the business on average more than {more:g} above what the champion's costs"
    return SCALES[condition.metric].format(whose="the champion's") + f" more than {more:g}"


def _beyond(condition: Condition, limit: float) -> str:
    match condition.metric:
        case "error_rate":
            return f"it fails to answer more than {in_hundred(limit)} requests"
        case "decision_disagreement":
            return f"it decides otherwise than the champion in more than {in_hundred(limit)} requests"
        case "memory_mb":
            return f"its process needs more than {limit:,g} megabytes of memory"
    if condition.metric in QUANTILES:
        share = in_hundred(QUANTILES[condition.metric])
        return f"the time in which it gives {share} answers is more than {limit:,g} milliseconds"
    return f"{LEVELS[condition.metric]} more than {limit:g}"


def _consequence(rule: RolloutRule) -> str:
    if rule.then == "hold":
        return "nothing moves until a person decides"
    if rule.when.arm == "champion":
        return "the version before it is put back"
    return "it is rejected" if rule.then == "reject" else "it is taken back, and the champion answers everybody again"
