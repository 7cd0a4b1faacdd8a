"""A replica's door put together."""

from sqlalchemy import Engine

from lifecycle.errors import NotFound
from serving.demand import demand_of
from serving.doors.door import Door
from serving.doors.guest_list import GuestList
from serving.doors.head import HeadLimits
from serving.doors.slow_bodies import SlowBodies
from serving.policy_files import valid_policies
from stores.ledger.tenants import Tenants
from stores.roster_file import RosterFile
from stores.settings import Settings


def open_door(chosen: Settings, engine: Engine) -> tuple[Door, GuestList]:
    """Return the door by the settings, and the list that it asks; whoever opens it starts and stops that.

    Raises SettingInvalid when the settings would let in everybody on the network.
    """
    chosen.require_door()
    guests = GuestList(Tenants(engine).roster, RosterFile(chosen.roster))
    door = Door(
        guests,
        required=chosen.auth == "required",
        head=HeadLimits(chosen.max_headers, chosen.max_header_bytes),
        bodies=SlowBodies(chosen.request_seconds),
        replicas=_replicas(chosen),
    )
    return door, guests


def _replicas(chosen: Settings) -> int:
    # The most there may be, so that together they never allow more than the limit.
    try:
        return demand_of(valid_policies(chosen.policies)).maximum
    except NotFound:
        return 1
