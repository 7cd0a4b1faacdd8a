"""Where the flows that bring events in put what they take, what they set aside, and what they did."""

from dataclasses import dataclass

from stores.events import EventStore
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.quarantine import Quarantine
from stores.settings import Settings


@dataclass(frozen=True)
class Shelves:
    """The event store, the quarantine beside it, and the ledger of batches, watermarks and leases."""

    events: EventStore
    quarantine: Quarantine
    progress: Progress
    leases: Leases


def open_shelves(config: Settings) -> Shelves:
    """Return the stores that the settings name; raises Unavailable when the ledger cannot be opened."""
    engine = open_ledger(config.ledger_address)
    return Shelves(EventStore(config.events), Quarantine(config.quarantine), Progress(engine), Leases(engine))
