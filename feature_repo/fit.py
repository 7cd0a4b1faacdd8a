"""Whether a policy speaks of what a model's definition has."""

from feature_repo.columns import columns_of
from feature_repo.definition import ModelDefinition
from feature_repo.examples import example_frame
from feature_repo.feeds import feeds_of
from lifecycle.errors import PolicyInvalid
from lifecycle.fitting import misfits_of
from lifecycle.log_policy import log_misfits
from lifecycle.misfit import Misfit
from lifecycle.policy import Policy


def policy_misfits(policy: Policy, definition: ModelDefinition) -> tuple[Misfit, ...]:
    """Return every place of a policy that speaks of a field or slice which its model does not have.

    And every value that the log must keep, and would not.
    """
    misfits = misfits_of(policy, definition.contract, slice_names(definition))
    if policy.log is None:
        return misfits
    unit = policy.rollout.unit
    return (*misfits, *log_misfits(policy.log, definition.contract, definition.vector, unit, feeds_of(definition)))


def require_fit(policy: Policy, definition: ModelDefinition) -> None:
    """Raise PolicyInvalid naming every place at which a policy does not fit its model, and what is allowed there."""
    misfits = policy_misfits(policy, definition)
    if misfits:
        raise PolicyInvalid("\n".join(map(str, misfits)))


def slice_names(definition: ModelDefinition) -> tuple[str, ...]:
    """Return the slices that a definition gives, found by asking it for those of its contract's example."""
    return tuple(definition.slices(columns_of(definition.contract, example_frame(definition.contract))))
