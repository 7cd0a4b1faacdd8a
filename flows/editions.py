"""The edition of a model's definition that a version in the ledger was made for."""

from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition
from feature_repo.editions import edition_of
from stores.ledger.pins import Pins


def edition_of_version(engine: Engine, definition: ModelDefinition, version: str | None) -> ModelDefinition:
    """Return the edition of a version's contract; today's for no version, and for one of which nothing was pinned.

    Raises NotFound when this code does not have the version's contract, Unavailable when the ledger is away.
    """
    if version is None or not definition.older:
        return definition
    manifest = Pins(engine)(definition.name, version)
    return definition if manifest is None else edition_of(definition, manifest.contract.name)
