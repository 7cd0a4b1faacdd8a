"""Leases: one run at a time of what must not run twice at once, on any number of machines."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from lifecycle.errors import Conflict
from stores.ledger.failing import in_short
from stores.ledger.schema import leases

log = structlog.get_logger()

LEASE_SECONDS = 60.0
"""How long a holder that died without a word is waited for."""
RENEW_SECONDS = 15.0
WAIT_SECONDS = 300.0
POLL_SECONDS = 0.5


class Leases:
    """Named leases. A holder's thread renews its lease, so one that dies loses it within a minute.

    Leases guard machines against each other and run on the real clock, whatever is being replayed.
    """

    def __init__(self, engine: Engine, lease_seconds: float = LEASE_SECONDS) -> None:
        self._engine = engine
        self._length = timedelta(seconds=lease_seconds)

    @contextmanager
    def hold(self, name: str, wait_seconds: float | None = None) -> Iterator[None]:
        """Hold a lease for a block, waiting for its present holder to finish first.

        Raises Conflict when it is still held after `wait_seconds`, WAIT_SECONDS by default, and at the end of
        the block when the lease was lost meanwhile, so that a run which was not alone does not count as done.
        """
        wait_seconds = WAIT_SECONDS if wait_seconds is None else wait_seconds
        holder = uuid4().hex
        deadline = time.monotonic() + wait_seconds
        while not self._take(name, holder):
            if time.monotonic() > deadline:
                raise Conflict(
                    f"{name} is still being worked on by another run after {wait_seconds:g} s of waiting; "
                    "look for it in Prefect, and start again when it has ended"
                )
            time.sleep(POLL_SECONDS)
        done = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(name, holder, done), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            done.set()
            renewing.join()
            held = self._give_back(name, holder)
        if not held:
            raise Conflict(f"the lease of {name} was lost to another run before this one had ended; start it again")

    def _take(self, name: str, holder: str) -> bool:
        now = datetime.now(UTC)
        try:
            with self._engine.begin() as connection:
                connection.execute(delete(leases).where(leases.c.name == name, leases.c.expires_at <= now))
                if connection.execute(select(leases).where(leases.c.name == name)).first() is not None:
                    return False
                connection.execute(insert(leases).values(name=name, holder=holder, expires_at=now + self._length))
        except IntegrityError:
            # On Postgres two may find it free at once; the key lets one of them in.
            return False
        return True

    def _give_back(self, name: str, holder: str) -> bool:
        with self._engine.begin() as connection:
            mine = delete(leases).where(leases.c.name == name, leases.c.holder == holder)
            return bool(connection.execute(mine).rowcount)

    def _renew(self, name: str, holder: str, done: threading.Event) -> None:
        while not done.wait(min(RENEW_SECONDS, self._length.total_seconds() / 4)):
            mine = update(leases).where(leases.c.name == name, leases.c.holder == holder)
            try:
                with self._engine.begin() as connection:
                    connection.execute(mine.values(expires_at=datetime.now(UTC) + self._length))
            except SQLAlchemyError as error:
                # The next turn comes before the lease lapses; whether it was lost shows when it is given back.
                log.warning("lease_not_renewed", lease=name, error=in_short(error))
