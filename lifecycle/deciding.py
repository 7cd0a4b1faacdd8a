"""From scores to actions: safety filters first, then overrides, then the threshold."""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from lifecycle.contract import Contract, Field, FieldType
from lifecycle.decision_policy import DecisionOverride, DecisionPolicy
from lifecycle.misfit import Misfit


def decide_actions(
    policy: DecisionPolicy, columns: Mapping[str, np.ndarray], scores: np.ndarray, defaulted: np.ndarray
) -> tuple[list[str], list[str | None]]:
    """Return each row's action and the id of the filter or override that decided, None for the threshold.

    `columns` holds the request's fields, text as object arrays of str or None; `scores` are probabilities in [0, 1],
    finite; `defaulted` counts each row's features that a declared default stood in for. All are (n_rows,).
    Of several that apply the first in the policy's order decides. Raises KeyError for an override of a field that
    `columns` lacks; `undecidable` finds that before anything is served.

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


def undecidable(policy: DecisionPolicy, contract: Contract) -> tuple[Misfit, ...]:
    """Return every override that no request of a contract could meet, with what is allowed; nothing when all could."""
    return tuple(misfit for at, override in enumerate(policy.overrides) for misfit in _misfits(at, override, contract))


def _misfits(position: int, override: DecisionOverride, contract: Contract) -> Iterator[Misfit]:
    texts = {field.name: field for field in contract.fields if field.type is FieldType.STRING}
    where, name = ("decision", "overrides", position, "when"), override.when.field
    if name not in texts:
        known = ", ".join(texts) or "none"
        reason = (
            f"{override.id} asks about {name!r}, which is no text field of contract {contract.name}; allowed: {known}"
        )
        yield Misfit((*where, "field"), reason)
        return
    for at, value in enumerate(override.when.is_one_of):
        if not _fits(texts[name], value):
            reason = (
                f"{override.id} waits for {name} {value!r}, which {contract.name} refuses; "
                f"allowed: {texts[name].allows()}"
            )
            yield Misfit((*where, "is_one_of", at), reason)


def _fits(field: Field, value: str) -> bool:
    if field.allowed is not None:
        return value in field.allowed
    return field.pattern is None or re.search(field.pattern, value) is not None
