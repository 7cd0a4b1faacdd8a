"""Counting of one gateway put together."""

import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine

from feature_repo.definition import load_definition
from feature_repo.editions import edition_of
from serving.watching.counting import Counting
from serving.watching.known_baselines import KnownBaselines
from stores.clock import SystemClock
from stores.ledger.baselines import Baselines
from stores.ledger.pins import Pins
from stores.ledger.profiles import Profiles
from stores.versions import Versions


def open_counting(engine: Engine, versions: Path, name: str) -> Counting:
    """Return the counting of a process, not started yet; `name` is unlike that of any process before it."""
    return Counting(
        vector_of=_vector_of,
        baselines=known_baselines(engine, versions),
        profiles=Profiles(engine),
        name=name,
        clock=SystemClock(),
    )


def known_baselines(engine: Engine, versions: Path) -> KnownBaselines:
    """Return the baselines of the versions in a folder."""
    # Without a registry: what answers is here already, and nobody waits for anything.
    return KnownBaselines(Versions(versions, None, Pins(engine)).open, Baselines(engine), time.monotonic)


def _vector_of(model: str, contract: str | None) -> Sequence[str]:
    definition = load_definition(model)
    return definition.vector if contract is None else edition_of(definition, contract).vector
