"""A replica's list of who may come in outlives the ledger it was read from."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from lifecycle.priority import Priority
from lifecycle.tenants import Role, Roster, Tenant
from serving.doors.guest_list import GuestList
from stores.ledger.opening import open_ledger
from stores.ledger.tenants import Tenants
from stores.roster_file import RosterFile
from tests.serving.test_server import until


@dataclass
class Ledger:
    """A real ledger that can be out of reach."""

    tenants: Tenants
    away: bool = False
    asked: list[bool] = field(default_factory=list)

    def read(self) -> Roster:
        """Return the roster."""
        self.asked.append(self.away)
        if self.away:
            raise OperationalError("SELECT", {}, ConnectionRefusedError("refused"))
        return self.tenants.roster()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return one with a tenant."""
    tenants = Tenants(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}"))
    tenants.add(Tenant("acme", 1.0, 1, Priority.STANDARD))
    return Ledger(tenants)


def test_new_key_and_revoked_one_are_heard_of_by_themselves(ledger: Ledger, tmp_path: Path) -> None:
    """In a thread, so that nobody waits for it."""
    listed = GuestList(ledger.read, RosterFile(tmp_path / "copy.json"), refresh_seconds=0.01)
    listed.start()
    try:
        key, _ = ledger.tenants.issue("acme", Role.PREDICT, None)
        until(lambda: listed.guests is not None and key.key_id in listed.guests.by_key, 5)
        ledger.tenants.revoke(key.key_id)
        until(lambda: listed.guests is not None and listed.guests.by_key[key.key_id].key.revoked_at is not None, 5)
    finally:
        listed.stop()


def test_what_was_known_stands_while_the_ledger_is_away(ledger: Ledger, tmp_path: Path) -> None:
    """And a fresh replica begins with the copy on this machine."""
    copy = RosterFile(tmp_path / "copy.json")
    listed = GuestList(ledger.read, copy)
    listed.refresh()
    known = listed.guests
    ledger.away = True
    listed.refresh()
    assert listed.guests is known
    fresh = GuestList(ledger.read, copy)
    fresh.refresh()
    assert fresh.guests == known
    assert (tmp_path / "copy.json").stat().st_mode & 0o077 == 0


def test_without_ledger_and_copy_nobody_is_known(ledger: Ledger, tmp_path: Path) -> None:
    """Also when the copy is damaged; once the ledger is back, it counts."""
    ledger.away = True
    (tmp_path / "copy.json").write_text('{"tenants": 7}')
    listed = GuestList(ledger.read, RosterFile(tmp_path / "copy.json"))
    listed.refresh()
    assert listed.guests is None
    ledger.away = False
    listed.refresh()
    assert listed.guests is not None
    assert list(listed.guests.tenants) == ["acme"]


def test_disk_that_takes_no_copy_closes_no_door(ledger: Ledger, tmp_path: Path) -> None:
    """It is tried again with the next reading."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    copy = RosterFile(blocked / "copy.json")
    listed = GuestList(ledger.read, copy)
    listed.refresh()
    assert listed.guests is not None
    blocked.unlink()
    listed.refresh()
    assert copy.load() == ledger.tenants.roster()
