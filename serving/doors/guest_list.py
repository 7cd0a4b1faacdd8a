"""A replica's own list of who may come in: read from the ledger each second, and kept while that is away."""

import threading
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import ArtifactInvalid, NotFound
from lifecycle.tenants import Roster
from serving.doors.guests import Guests, guests_of
from stores.ledger.failing import in_short
from stores.roster_file import RosterFile

log = structlog.get_logger()

REFRESH_SECONDS = 1.0
"""How long a revoked key still opens the door."""


class GuestList:
    """The newest roster that could be read: the ledger's, else the local copy's; `guests` is None before any.

    `read` may block and raises SQLAlchemyError while the ledger is away. It runs in a thread of its own, so that no
    request ever waits for it.
    """

    def __init__(self, read: Callable[[], Roster], copy: RosterFile, refresh_seconds: float = REFRESH_SECONDS) -> None:
        self.guests: Guests | None = None
        self._read = read
        self._copy = copy
        self._refresh_seconds = refresh_seconds
        self._roster: Roster | None = None
        self._unsaved = False
        self._away = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="guest-list", daemon=True)

    def start(self) -> None:
        """Read the roster once, then again and again."""
        self.refresh()
        self._thread.start()

    def stop(self) -> None:
        """End the reading."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def refresh(self) -> None:
        """Read the roster now; while the ledger is away, what was known stands."""
        try:
            roster = self._read()
        except SQLAlchemyError as error:
            if not self._away:
                log.warning(
                    "roster_not_read", error=in_short(error), means="tenants and keys stand as they were last read"
                )
            self._away = True
            if self._roster is None:
                self._take_copy()
            return
        self._away = False
        if roster != self._roster:
            self._roster, self.guests = roster, guests_of(roster)
            self._unsaved = True
        if self._unsaved:
            self._save(roster)

    def _take_copy(self) -> None:
        try:
            roster = self._copy.load()
        except NotFound:
            return
        except ArtifactInvalid as error:
            log.warning("roster_copy_damaged", error=str(error))
            return
        self._roster, self.guests = roster, guests_of(roster)

    def _save(self, roster: Roster) -> None:
        try:
            self._copy.save(roster)
        except OSError as error:
            log.warning("roster_not_saved", error=str(error))
        else:
            self._unsaved = False

    def _run(self) -> None:
        while not self._stopped.wait(self._refresh_seconds):
            try:
                self.refresh()
            except Exception as error:  # noqa: BLE001 - a thread that ends would freeze the list for good
                log.warning("roster_not_read", error=str(error))
