"""A replica's door put together."""

from sqlalchemy import Engine

from lifecycle.errors import NotFound
from lifecycle.tenants import Roster
from serving.demand import Demand, demand_of
from serving.doors.door import Door
from serving.doors.guest_list import GuestList
from serving.doors.head import HeadLimits
from serving.doors.sharing import Sharing
from serving.doors.slow_bodies import SlowBodies
from serving.policy_files import valid_policies
from stores.ledger.arms import Arms
from stores.ledger.tenants import Tenants
from stores.roster_file import RosterFile
from stores.settings import Settings


def open_door(chosen: Settings, engine: Engine) -> tuple[Door, GuestList]:
    """Return the door by the settings, and the list that it asks; whoever opens it starts and stops that.

    Raises SettingInvalid when the settings would let in everybody on the network.
    """
    chosen.require_door()
    tenants, sharing = Tenants(engine), Sharing(_demand(chosen), Arms(engine).replicas)

    def read() -> Roster:
        sharing.refresh()
        return tenants.roster()

    guests = GuestList(read, RosterFile(chosen.roster))
    door = Door(
        guests,
        required=chosen.auth == "required",
        head=HeadLimits(chosen.max_headers, chosen.max_header_bytes),
        bodies=SlowBodies(chosen.request_seconds),
        replicas=sharing,
    )
    return door, guests


def _demand(chosen: Settings) -> Demand:
    # The bounds change only with a new start of all replicas.
    try:
        return demand_of(valid_policies(chosen.policies))
    except NotFound:
        return demand_of(())
