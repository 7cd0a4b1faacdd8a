"""Whether a policy speaks of what a model's definition has."""

from collections.abc import Iterator

from feature_repo.columns import columns_of
from feature_repo.definition import ModelDefinition
from feature_repo.editions import PolicyTerms, editions_of
from feature_repo.examples import example_frame
from feature_repo.feeds import feeds_of
from lifecycle.errors import PolicyInvalid
from lifecycle.fitting import misfits_of, tolerance_misfits
from lifecycle.log_policy import LogPolicy, broken_by, log_misfits
from lifecycle.misfit import Misfit
from lifecycle.policy import Policy


def policy_misfits(policy: Policy, definition: ModelDefinition) -> tuple[Misfit, ...]:
    """Return every place of a policy that speaks of a field, slice or feature which its model does not have.

    It speaks of today's contract; a unit must be there in every older one, too, and so must a slice. And every value
    that the log must keep, and would not.
    """
    slices = [slice_names(edition) for edition in editions_of(definition)]
    shared = tuple(name for name in slices[0] if all(name in others for others in slices[1:]))
    misfits = (
        *misfits_of(policy, definition.contract, shared),
        *_without_unit(policy, definition),
        *tolerance_misfits(policy, definition.vector),
    )
    return misfits if policy.log is None else (*misfits, *_hiding_too_much(policy, policy.log, definition))


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


def _hiding_too_much(policy: Policy, log: LogPolicy, definition: ModelDefinition) -> Iterator[Misfit]:
    unit = policy.rollout.unit
    yield from log_misfits(log, definition.contract, definition.vector, unit, feeds_of(definition))
    for older in definition.older:
        edition, terms = older.definition, PolicyTerms(older.projection)
        fields = {field.name: field for field in edition.contract.fields}
        feeds = feeds_of(edition)
        for position, hidden in enumerate(log.fields):
            (name,) = terms.names((hidden.name,))
            if name not in fields:
                continue
            reason = broken_by(fields[name], hidden.keep, terms.names(unit), feeds)
            if reason:
                yield Misfit(("log", "fields", position, "name"), f"{reason}, in {edition.contract.name}")


def slice_names(definition: ModelDefinition) -> tuple[str, ...]:
    """Return the slices that a definition gives, found by asking it for those of its contract's example."""
    return tuple(definition.slices(columns_of(definition.contract, example_frame(definition.contract))))
