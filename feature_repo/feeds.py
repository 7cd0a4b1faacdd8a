"""Which fields of a request decide what of a model, found by changing them one by one in the contract's example."""

from collections.abc import Callable, Collection, Iterator
from functools import partial

import numpy as np

from feature_repo.columns import columns_of
from feature_repo.definition import Columns, ModelDefinition
from feature_repo.editions import policy_terms
from feature_repo.examples import example_frame
from lifecycle.contract import Field, FieldType
from lifecycle.log_policy import Feeds, LogPolicy, hidden_by

SHIFTS_SECONDS = (60.0, 3600.0 * 5, 3600.0 * 11, 86_400.0 * 3)
"""So far a moment is moved: what is decided by the hour of the day shows, and what by the day."""


def feeds_of(definition: ModelDefinition) -> Feeds:
    """Return which fields make the example ids, the prediction moments and the slices of a model."""
    return Feeds(
        example_ids=_deciding(definition, lambda request: {"": definition.example_ids(request)}),
        moments=_deciding(definition, lambda request: {"": definition.prediction_moments(request)}),
        slices=_deciding(definition, definition.slices),
    )


def not_recomputable(
    definition: ModelDefinition, hidden_fields: Collection[str], dropped_features: Collection[str]
) -> frozenset[str]:
    """Return the features that cannot be computed again from a log that hides some fields, or compared with it.

    Those of views that are looked up by a hidden field; every derived one as soon as one field that any feature rests
    on is hidden; and those that the log does not keep.
    """
    by_entity = {entity: _deciding(definition, partial(_key, definition, entity)) for entity in definition.entities}
    zeros = {feature.name: np.zeros(1) for view in definition.views for feature in view.features}
    deriving = _deciding(definition, lambda request: definition.derive(request, zeros))
    hidden = frozenset(hidden_fields)
    lost = [view for view in definition.views if by_entity[view.entity] & hidden]
    names = {feature.name for view in lost for feature in view.features} | set(dropped_features)
    if lost or deriving & hidden:
        names |= {feature.name for feature in definition.derived}
    return frozenset(names)


def hidden_in(log: LogPolicy | None, definition: ModelDefinition, contract: str) -> frozenset[str]:
    """Return which fields of one of a model's contracts the log does not keep as they are; the policy has today's."""
    terms, names = policy_terms(definition, contract), tuple(hidden_by(log))
    return frozenset(names if terms is None else terms.names(names))


def _deciding(definition: ModelDefinition, function: Callable[[Columns], Columns]) -> frozenset[str]:
    before = dict(columns_of(definition.contract, example_frame(definition.contract)))
    said = function(before)
    return frozenset(
        field.name
        for field in definition.contract.fields
        if any(_differ(said, function({**before, field.name: other})) for other in _others(field, before[field.name]))
    )


def _others(field: Field, value: np.ndarray) -> Iterator[np.ndarray]:
    match field.type:
        case FieldType.STRING:
            others = field.allowed or (f"{value[0]}X", "X")
            yield from (np.array([other], dtype=object) for other in others if other != value[0])
        case FieldType.TIMESTAMP:
            yield from (value + shift for shift in SHIFTS_SECONDS)
        case FieldType.BOOLEAN:
            yield ~value
        case FieldType.INTEGER | FieldType.NUMBER:
            yield from (np.array([limit], dtype=value.dtype) for limit in (field.minimum, field.maximum))
            yield value + 1


def _key(definition: ModelDefinition, entity: str, request: Columns) -> Columns:
    return {entity: definition.entity_keys(request)[entity]}


def _differ(one: Columns, other: Columns) -> bool:
    return any(not np.array_equal(one[name], other[name], equal_nan=one[name].dtype.kind == "f") for name in one)
