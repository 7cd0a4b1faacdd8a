"""The moments people hand to a flow: nobody knows which hour is meant by one without a zone."""

from datetime import datetime

from lifecycle.errors import InvalidInput


def require_zone(*moments: datetime | None) -> None:
    """Raise InvalidInput for a moment without a time zone, saying how to write it in UTC."""
    for moment in moments:
        if moment is not None and moment.tzinfo is None:
            raise InvalidInput(f"{moment.isoformat()} has no time zone; write it as {moment.isoformat()}Z for UTC")
