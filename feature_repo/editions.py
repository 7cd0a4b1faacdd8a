"""A model's definitions of today's and of earlier contracts: which reads which version, and how requests pass between.

A model that moves to a new contract keeps the old definition in `ModelDefinition.older`, beside the declared
projection, for as long as clients speak it or a version of it may answer. Every edition has its own contract,
vector and functions; what is looked up is shared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from feature_repo.definition import Columns, ModelDefinition, Older
from lifecycle.contract import Contract
from lifecycle.errors import ArtifactInvalid, InvalidInput, NotFound
from lifecycle.manifest import Manifest
from lifecycle.projection import Projection, Values


def editions_of(definition: ModelDefinition) -> tuple[ModelDefinition, ...]:
    """Return today's definition, then the older ones."""
    return (definition, *(older.definition for older in definition.older))


def edition_of(definition: ModelDefinition, contract: str) -> ModelDefinition:
    """Return the edition whose contract has a name; raises NotFound saying which there are."""
    for edition in editions_of(definition):
        if edition.contract.name == contract:
            return edition
    known = ", ".join(edition.contract.name for edition in editions_of(definition))
    raise NotFound(
        f"no contract {contract!r} of {definition.name}; this code has: {known}. Keep the definition of an older "
        "contract in `older` while it is in use"
    )


def edition_for(definition: ModelDefinition, contract: Contract) -> ModelDefinition | None:
    """Return the edition of a contract that takes the same requests, None when there is none."""
    for edition in editions_of(definition):
        if edition.contract.accepts_the_same(contract):
            return edition
    return None


@dataclass(frozen=True)
class Way:
    """How requests of one contract become requests of another: forward to today's, then back to an older one."""

    forward: Projection | None
    back: Projection | None

    @property
    def total(self) -> bool:
        """Whether every request can go it; a way back may have no word for some."""
        return self.back is None

    def __call__(self, rows: Sequence[Values]) -> list[Values]:
        """Return the rows in the other contract.

        Raises ContractViolation naming every value that an older contract has no word for.
        """
        todays: list[Values] = [row if self.forward is None else self.forward.forward(row) for row in rows]
        return todays if self.back is None else [*self.back.back(todays)]


def way(definition: ModelDefinition, source: str, target: str) -> Way | None:
    """Return how requests pass from one of a model's contracts to another, None where nothing is declared.

    Every older contract has a declared way to today's; the way back is there where the projection is reversible.
    """
    today = definition.contract.name
    projections = {older.definition.contract.name: older.projection for older in definition.older}
    if source == target or not {source, target} <= {today, *projections}:
        return None
    back = projections.get(target)
    if back is not None and not back.reversible:
        return None
    return Way(projections.get(source), back)


def require_asked(definition: ModelDefinition, champion: Contract, version: str, manifest: Manifest) -> None:
    """Raise ArtifactInvalid unless a version can be asked everything that a champion of some contract is asked."""
    theirs = manifest.contract
    if theirs.name == champion.name:
        return
    found = way(definition, champion.name, theirs.name)
    if found is None or not found.total:
        raise ArtifactInvalid(
            f"version {version} answers by {theirs.name}, and not every request of the champion's contract "
            f"{champion.name} can become one of it; declare {champion.name} in `older` with its projection, or train "
            f"the version for {champion.name}"
        )
    for contract in (champion, theirs):
        if edition_for(definition, contract) is None:
            raise ArtifactInvalid(
                f"version {version} answers by {theirs.name}, the champion by {champion.name}, and {contract.name} "
                "says something else in this code; give a changed contract a version of its own"
            )


@dataclass(frozen=True)
class PolicyTerms:
    """An older contract's fields under the names and values of today's, which the policy speaks of."""

    projection: Projection

    def columns(self, request: Columns) -> Columns:
        """Return today's fields for rows of the older contract, (n_rows,) each."""
        n_rows = len(next(iter(request.values())))
        found: dict[str, np.ndarray] = {}
        for name, old in self.projection.origins.items():
            values = self.projection.values.get(name)
            found[name] = request[old]
            if values is not None:
                found[name] = np.array([values.get(one, one) for one in request[old].tolist()], dtype=object)
        for name, value in self.projection.constants.items():
            found[name] = np.full(n_rows, value, dtype=object)
        return found

    def names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the older contract's names of today's fields; one that it does not have keeps today's."""
        return tuple(self.projection.origins.get(name, name) for name in names)


def policy_terms(definition: ModelDefinition, contract: str) -> PolicyTerms | None:
    """Return how a policy's words are read for rows of a contract; None for today's, which it speaks itself."""
    for older in definition.older:
        if older.definition.contract.name == contract:
            return PolicyTerms(older.projection)
    return None


def require_editions(definition: ModelDefinition) -> None:
    """Raise InvalidInput naming everything in which a model's older definitions do not go with today's."""
    misfits = [misfit for older in definition.older for misfit in _misfits(definition, older)]
    names = [edition.contract.name for edition in editions_of(definition)]
    if len(set(names)) != len(names):
        misfits.append(f"its contracts have the names {', '.join(names)}; each must have its own version")
    if misfits:
        raise InvalidInput(f"the definition of {definition.name} cannot be used: {'; '.join(misfits)}")


def _misfits(today: ModelDefinition, older: Older) -> Iterator[str]:
    old, name = older.definition, older.definition.contract.name
    if old.name != today.name:
        yield f"{name} belongs to {old.name}"
    if old.older:
        yield f"{name} has older contracts of its own; list every older contract in today's definition"
    if old.contract.version >= today.contract.version:
        yield f"{name} is older than {today.contract.name} and must have a lower version"
    ends = (older.projection.source.digest(), older.projection.target.digest())
    if ends != (old.contract.digest(), today.contract.digest()):
        yield (
            f"the projection of {name} leads from {older.projection.source.name} to {older.projection.target.name}; "
            f"allowed: from its own contract to {today.contract.name}, both as they stand in the definitions"
        )
    views = {view.name: view for view in today.views}
    for view in old.views:
        if views.get(view.name) != view:
            yield f"{name} looks up {view.name}, which {today.contract.name} lacks or has changed; keep it as it is"
