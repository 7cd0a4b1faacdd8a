"""Readmit: examine the quarantined rows that people asked for again, and store those that may come in.

A row comes in when it passes its suite as it is today, or when the person who asked forced it with a reason; even
then every value must be of its column's kind, or the event store could not hold it.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from prefect import flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from expectations.suite import Examination, Suite, examine, load_suites
from feature_repo.definition import ModelDefinition, Stream, load_definition
from flows.shelves import Shelves, open_shelves
from flows.turns import take_turns
from lifecycle.errors import HoldfastError
from lifecycle.quarantine import RowState
from stores.clock import ReplayClock
from stores.policies import policy_models
from stores.quarantine import Move, QuarantinedRow, frame_of
from stores.settings import settings

WHO = "flow readmit"

log = structlog.get_logger()


@dataclass(frozen=True)
class Settled:
    """What became of one row that somebody asked for; `why` names what it still fails when it is not in."""

    model: str
    entry_id: str
    readmitted: bool
    why: str


@flow(name="readmit")
def readmit(model: str | None = None) -> tuple[Settled, ...]:
    """Settle every row asked for, of every model that has a policy or of one, and return what became of each.

    Raises Conflict, after every model had its turn, while an ingest of one is running.
    """
    shelves = open_shelves(settings())

    def act(name: str) -> tuple[Settled, ...]:
        with shelves.leases.hold(f"ingest:{name}"):
            return settle(load_definition(name), load_suites(name), shelves)

    turns = take_turns(policy_models(settings().policies) if model is None else (model,), act)
    return tuple(settled for turn in turns for settled in turn)


def settle(definition: ModelDefinition, suites: Mapping[str, Suite], shelves: Shelves) -> tuple[Settled, ...]:
    """Settle the asked rows of one model. A run that died halfway is simply run again."""
    asked = shelves.quarantine.rows(definition.name, (RowState.ASKED,))
    settled: list[Settled] = []
    for stream in definition.streams:
        for forced in (False, True):
            rows = [row for row in asked if row.stream == stream.name and row.moves[-1].forced is forced]
            if rows:
                settled += _settle_rows(definition.name, stream, suites[stream.name], rows, shelves)
    return tuple(settled)


def _settle_rows(
    model: str, stream: Stream, suite: Suite, rows: Sequence[QuarantinedRow], shelves: Shelves
) -> list[Settled]:
    forced = rows[0].moves[-1].forced
    frame = frame_of(rows)
    found = examine(replace(suite, rows=(), batch=()) if forced else suite, frame)
    good = found.good
    if len(good):
        shelves.events.merge(model, stream.name, stream.key, good)
        # What was built from the days since then was built without these rows.
        log.info("rows_readmitted", model=model, stream=stream.name, rows=len(good), since=str(good["known_at"].min()))
    at = ReplayClock(shelves.progress).now()
    settled = [_judged(model, row, place, found) for place, row in enumerate(rows)]
    for each in settled:
        state = RowState.READMITTED if each.readmitted else RowState.WAITING
        shelves.quarantine.move(model, [each.entry_id], Move(state, WHO, each.why, forced=forced, at=at))
    return settled


def _judged(model: str, row: QuarantinedRow, place: int, found: Examination) -> Settled:
    if place in found.good.index:
        ask = row.moves[-1]
        how = "forced" if ask.forced else "passes its suite"
        return Settled(model, row.entry_id, readmitted=True, why=f"{how}; {ask.who}: {ask.why}")
    failed = ", ".join(found.bad.get(place, ())) or found.reason
    return Settled(model, row.entry_id, readmitted=False, why=f"still fails {failed}")


def main() -> None:
    """Settle what was asked for one model and print what became of it; an error of ours is one readable line."""
    parser = argparse.ArgumentParser(prog="python -m flows.readmit", description=__doc__)
    parser.add_argument("model")
    options = parser.parse_args()
    try:
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            settled = readmit(options.model)
    except (HoldfastError, RuntimeError) as error:
        # Prefect says with a RuntimeError that its server cannot be reached.
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(1)
    for each in settled:
        sys.stdout.write(f"{each.entry_id} {'readmitted' if each.readmitted else 'refused'}: {each.why}\n")


if __name__ == "__main__":
    main()
