"""Whether a policy speaks of what a model's definition has."""

from collections.abc import Iterator

import pandas as pd

from feature_repo.columns import columns_of
from feature_repo.definition import ModelDefinition
from feature_repo.editions import editions_of
from lifecycle.contract import Contract, FieldType
from lifecycle.errors import PolicyInvalid
from lifecycle.fitting import misfits_of, tolerance_misfits
from lifecycle.misfit import Misfit
from lifecycle.policy import Policy


def policy_misfits(policy: Policy, definition: ModelDefinition) -> tuple[Misfit, ...]:
    """Return every place of a policy that speaks of a field, slice or feature which its model does not have.

    It speaks of today's contract; a unit must be there in every older one, too, and so must a slice.
    """
    slices = [slice_names(edition) for edition in editions_of(definition)]
    shared = tuple(name for name in slices[0] if all(name in others for others in slices[1:]))
    return (
        *misfits_of(policy, definition.contract, shared),
        *_without_unit(policy, definition),
        *tolerance_misfits(policy, definition.vector),
    )


def require_fit(policy: Policy, definition: ModelDefinition) -> None:
    """Raise PolicyInvalid naming every place at which a policy does not fit its model, and what is allowed there."""
    misfits = policy_misfits(policy, definition)
    if misfits:
        raise PolicyInvalid("\n".join(map(str, misfits)))


def _without_unit(policy: Policy, definition: ModelDefinition) -> Iterator[Misfit]:
    for older in definition.older:
        for position, name in enumerate(policy.rollout.unit):
            if name in older.projection.constants:
                reason = f"{name!r} is a constant for requests of {older.definition.contract.name}, so they are all one"
                yield Misfit(("rollout", "unit", position), f"{reason}; allowed: a field that every contract has")


def slice_names(definition: ModelDefinition) -> tuple[str, ...]:
    """Return the slices that a definition gives, found by asking it for those of its contract's example."""
    return tuple(definition.slices(columns_of(definition.contract, _example(definition.contract))))


def _example(contract: Contract) -> pd.DataFrame:
    frame = pd.DataFrame([contract.example_row()])
    for field in contract.fields:
        if field.type is FieldType.TIMESTAMP:
            moments = pd.to_datetime(frame[field.name], utc=True, format="ISO8601")
            frame[field.name] = moments.astype("datetime64[us, UTC]")
    return frame
