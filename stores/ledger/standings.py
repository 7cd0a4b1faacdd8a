"""Where each version of a model stands, and what was pinned of it when it was picked up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, Row, insert, select, update

from lifecycle.errors import NotFound
from lifecycle.manifest import Manifest
from lifecycle.outcome import StageChange
from lifecycle.stages import Stage, move
from stores.ledger.schema import standings


@dataclass(frozen=True)
class Standing:
    """One version's stage and why it is there; `manifest` is None until its files were checked."""

    model: str
    version: str
    stage: Stage
    reason: str
    manifest: Manifest | None
    changed_at: datetime


class Standings:
    """The stage of every version that Holdfast has met."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, model: str) -> Mapping[str, Standing]:
        """Return every known version of a model."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(standings).where(standings.c.model == model)).all()
        return {row.version: _standing(row) for row in sorted(rows, key=lambda row: (len(row.version), row.version))}

    def get(self, model: str, version: str) -> Standing:
        """Return where a version stands; raises NotFound for one that was never met."""
        known = self.of(model)
        if version not in known:
            there = ", ".join(known) or "none"
            raise NotFound(f"no version {version!r} of {model} was picked up; versions known: {there}")
        return known[version]

    def meet(self, model: str, version: str, manifest: Manifest | None, at: datetime) -> Standing:
        """Store a version as registered, with its pinned manifest; one that is known already stays as it is."""
        with self._engine.begin() as connection:
            return meet_version(connection, model, version, manifest, at)


def in_line(standings: Mapping[str, Standing]) -> tuple[str, ...]:
    """Return the versions that wait for shadow, the next first: registered, and their files checked and pinned.

    `standings` are oldest first.
    """
    return tuple(
        known.version for known in standings.values() if known.stage is Stage.REGISTERED and known.manifest is not None
    )


def meet_version(connection: Connection, model: str, version: str, manifest: Manifest | None, at: datetime) -> Standing:
    """Store a version as registered within a transaction, unless it is known; return where it stands."""
    row = _row(connection, model, version)
    if row is None:
        values = {"stage": Stage.REGISTERED, "reason": "", "changed_at": at}
        document = None if manifest is None else manifest.model_dump(mode="json")
        connection.execute(insert(standings).values(model=model, version=version, manifest=document, **values))
        row = _row(connection, model, version)
    return _standing(row)  # type: ignore[arg-type]


def change_stage(connection: Connection, model: str, change: StageChange, reason: str, at: datetime) -> None:
    """Move a version to a stage within a transaction.

    Raises TransitionRefused when the table of transitions does not list the move, NotFound for an unknown version.
    """
    row = _row(connection, model, change.version)
    if row is None:
        raise NotFound(f"version {change.version} of {model} cannot become {change.stage}: it was never picked up")
    stage = move(Stage(row.stage), change.stage)
    mine = update(standings).where(standings.c.model == model, standings.c.version == change.version)
    connection.execute(mine.values(stage=stage, reason=reason, changed_at=at))


def _row(connection: Connection, model: str, version: str) -> Row[tuple[object, ...]] | None:
    wanted = select(standings).where(standings.c.model == model, standings.c.version == version)
    return connection.execute(wanted).first()


def _standing(row: Row[tuple[object, ...]]) -> Standing:
    manifest = None if row.manifest is None else Manifest.model_validate(row.manifest)
    return Standing(row.model, row.version, Stage(row.stage), row.reason, manifest, row.changed_at)
