"""The audit log: every administrative deed with who did it, also those that were refused; and `holdfast audit`."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from console.identity import Actor, identify, named
from lifecycle.errors import HoldfastError, NotPermitted
from lifecycle.tenants import Role, parts_of
from stores.ledger.deeds import DONE, REFUSED, Deed, Deeds
from stores.ledger.failing import in_short
from stores.ledger.opening import open_ledger
from stores.settings import Settings, settings

log = structlog.get_logger()


@dataclass(frozen=True)
class Attempt:
    """What somebody is about to do: the word, what it is about, and what else they said."""

    action: str
    subject: str
    detail: str = ""


@contextmanager
def acting(
    attempt: Attempt, given: str | None, needs: Role, places: Settings, *, without_key: bool = False
) -> Iterator[Actor]:
    """Find out who acts, let them, and store the deed: done, or refused with the reason.

    `without_key` lets somebody act by name alone where keys are required. Raises NotPermitted before anything is done.
    """
    engine = open_ledger(places.ledger_address)
    try:
        actor = Actor(named(given, places)) if without_key else identify(given, needs, places, engine)
    except NotPermitted as error:
        _note(engine, attempt, _claimed(given, places), error)
        raise
    try:
        yield actor
    except HoldfastError as error:
        _note(engine, attempt, actor, error)
        raise
    _note(engine, attempt, actor, None)


def audit(
    who: Annotated[str | None, typer.Option("--who", help="Only this person's deeds.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """List who did what by hand, newest first: by which key, and what was refused and why."""
    found = Deeds(open_ledger(settings().ledger_address)).newest(limit, who)
    if as_json:
        typer.echo(json.dumps([asdict(deed) for deed in found], default=str, indent=2))
    elif found:
        Console().print(_table(found))
    else:
        typer.echo("Nobody has done anything by hand yet.")


def _claimed(given: str | None, places: Settings) -> Actor:
    """Return who somebody says they are, who could not show it."""
    key_id = None
    if places.key is not None:
        try:
            key_id, _ = parts_of(places.key.get_secret_value())
        except NotPermitted:
            key_id = None
    return Actor(named(given, places), key_id)


def _note(engine: Engine, attempt: Attempt, actor: Actor, error: HoldfastError | None) -> None:
    deed = Deed(
        at=datetime.now(UTC),
        action=attempt.action,
        subject=attempt.subject,
        detail=attempt.detail,
        who=actor.name,
        key_id=actor.key_id,
        tenant=actor.tenant,
        role=actor.role,
        outcome=DONE if error is None else REFUSED,
        reason="" if error is None else str(error),
    )
    try:
        Deeds(engine).note(deed)
    except SQLAlchemyError as lost:
        # What is done is done; its line must at least be somewhere.
        log.exception("deed_not_stored", deed=asdict(deed), error=in_short(lost))


def _table(found: Sequence[Deed]) -> Table:
    table = Table("at (UTC)", "who", "key", "did", "to", "said", "outcome", title=f"{len(found)} deeds")
    for deed in found:
        key = "" if deed.key_id is None else f"{deed.key_id} ({deed.role or '?'})"
        outcome = deed.outcome if not deed.reason else f"{deed.outcome}: {deed.reason}"
        row = (f"{deed.at:%Y-%m-%d %H:%M:%S}", deed.who, key, deed.action, deed.subject, deed.detail, outcome)
        table.add_row(*map(escape, row))
    return table
