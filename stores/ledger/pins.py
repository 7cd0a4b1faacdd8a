"""What was pinned of a version when it was picked up, for those who open its files."""

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import NotFound, Unavailable
from lifecycle.manifest import Manifest
from stores.ledger.failing import in_short
from stores.ledger.standings import Standings


class Pins:
    """The pinned manifests in the ledger, in the form that stores/versions.py asks for."""

    def __init__(self, engine: Engine) -> None:
        self._standings = Standings(engine)

    def __call__(self, model: str, version: str) -> Manifest | None:
        """Return a version's pinned manifest, None when nothing was pinned; raises Unavailable."""
        try:
            return self._standings.get(model, version).manifest
        except NotFound:
            return None
        except SQLAlchemyError as error:
            raise Unavailable(f"the ledger cannot be reached ({in_short(error)}); check HOLDFAST_LEDGER_URL") from error
