"""Whether a policy speaks of what its model has: fields, units and slices."""

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches

from lifecycle.contract import Contract
from lifecycle.deciding import undecidable
from lifecycle.misfit import Misfit, Where
from lifecycle.policy import Policy


def misfits_of(policy: Policy, contract: Contract, slices: Collection[str]) -> tuple[Misfit, ...]:
    """Return every place that speaks of something a model does not have; nothing when the policy fits.

    `slices` are the names of the slices that its definition gives. A rule over another one would find nothing to
    judge, for ever, and a veto that judges nothing vetoes nothing.
    """
    return (
        *unit_misfits(policy.rollout.unit, contract),
        *undecidable(policy.decision, contract),
        *(misfit for asked in _asked_slices(policy) for misfit in _slice_misfits(*asked, policy.model, slices)),
    )


def tolerance_misfits(policy: Policy, vector: Sequence[str]) -> Iterator[Misfit]:
    """Yield each feature that the cache has a tolerance for and the model does not have."""
    cache = policy.serving.cache
    for position, one in enumerate(() if cache is None else cache.tolerances):
        if one.feature not in vector:
            reason = f"{one.feature!r} is no feature of {policy.model}; {_allowed(one.feature, vector)}"
            yield Misfit(("serving", "cache", "tolerances", position, "feature"), reason)


def unit_misfits(names: Sequence[str], contract: Contract) -> Iterator[Misfit]:
    """Yield each field of a rollout's unit that a contract does not have."""
    known = [field.name for field in contract.fields]
    for position, name in enumerate(names):
        if name not in known:
            reason = f"{name!r} is no field of contract {contract.name}; {_allowed(name, known)}"
            yield Misfit(("rollout", "unit", position), reason)


def _asked_slices(policy: Policy) -> Iterator[tuple[Where, str, Sequence[str]]]:
    """Yield where each rule's slices are written, its id, and their names."""
    for position, gate in enumerate(policy.offline_gate):
        yield ("offline_gate", position, "require", "in_slices_of"), gate.id, gate.require.in_slices_of
    for position, rule in enumerate(policy.rollout.rules):
        yield ("rollout", "rules", position, "when", "in_slices_of"), rule.id, rule.when.in_slices_of
    for position, watched in enumerate(policy.watching.quality.rules):
        where = ("watching", "quality", "rules", position, "when", "in_slices_of")
        yield where, watched.id, watched.when.in_slices_of


def _slice_misfits(
    where: Where, rule_id: str, names: Sequence[str], model: str, slices: Collection[str]
) -> Iterator[Misfit]:
    for position, name in enumerate(names):
        if name not in slices:
            reason = f"{rule_id} asks for slices of {name!r}, which {model} does not have; {_allowed(name, slices)}"
            yield Misfit((*where, position), reason)


def _allowed(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"{f'did you mean {close[0]}? ' if close else ''}Allowed: {', '.join(known) or 'none'}"
