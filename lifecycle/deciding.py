"""From scores to actions: safety filters first, then overrides, then the threshold."""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from lifecycle.contract import Contract, Field, FieldType
from lifecycle.decision_policy import DecisionOverride, DecisionPolicy
from lifecycle.errors import PolicyInvalid


def decide_actions(
    policy: DecisionPolicy, columns: Mapping[str, np.ndarray], scores: np.ndarray, defaulted: np.ndarray
) -> tuple[list[str], list[str | None]]:
    """Return each row's action and the id of the filter or override that decided, None for the threshold.

    `columns` holds the request's fields, text as object arrays of str or None; `scores` are probabilities in [0, 1],
    finite; `defaulted` counts each row's features that a declared default stood in for. All are (n_rows,).
    Of several that apply the first in the policy's order decides. Raises KeyError for an override of a field that
    `columns` lacks; `require_decidable` finds that before anything is served.

    >>> policy = DecisionPolicy(threshold=0.5, positive="yes", negative="no", overrides=(), safety_filters=())
    >>> decide_actions(policy, {}, np.array([0.5, 0.4]), np.array([0, 0]))
    (['yes', 'no'], [None, None])
    """
    actions = [policy.positive if positive else policy.negative for positive in (scores >= policy.threshold).tolist()]
    decided_by: list[str | None] = [None] * len(actions)
    # What stands first in the policy is applied last, over all that follows it.
    for override in reversed(policy.overrides):
        wanted = frozenset(override.when.is_one_of)
        for row, value in enumerate(columns[override.when.field].tolist()):
            if value in wanted:
                actions[row], decided_by[row] = override.decide, override.id
    for unsure in reversed(policy.safety_filters):
        for row in np.flatnonzero(defaulted >= unsure.when.defaulted_features_at_least).tolist():
            actions[row], decided_by[row] = unsure.decide, unsure.id
    return actions, decided_by


def require_decidable(policy: DecisionPolicy, contract: Contract) -> None:
    """Raise PolicyInvalid naming every override that no request of a contract could meet, and what is allowed."""
    problems = [problem for override in policy.overrides for problem in _problems(override, contract)]
    if problems:
        raise PolicyInvalid("\n".join(problems))


def _problems(override: DecisionOverride, contract: Contract) -> Iterator[str]:
    texts = {field.name: field for field in contract.fields if field.type is FieldType.STRING}
    name = override.when.field
    if name not in texts:
        known = ", ".join(texts) or "none"
        yield (
            f"decision.overrides: {override.id} asks about {name!r}, which is no text field of contract "
            f"{contract.name}; allowed: {known}"
        )
        return
    for value in override.when.is_one_of:
        if not _fits(texts[name], value):
            yield (
                f"decision.overrides: {override.id} waits for {name} {value!r}, which {contract.name} refuses; "
                f"allowed: {texts[name].allows()}"
            )


def _fits(field: Field, value: str) -> bool:
    if field.allowed is not None:
        return value in field.allowed
    return field.pattern is None or re.search(field.pattern, value) is not None
