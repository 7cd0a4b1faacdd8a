"""What a failure of the ledger says to a person, in one line."""

from sqlalchemy.exc import SQLAlchemyError

MOST_CHARACTERS = 200


def in_short(error: BaseException) -> str:
    """Return the first line of what the database itself said, cut to MOST_CHARACTERS; of other errors all they say.

    SQLAlchemy adds the whole statement, which may be pages long. A database puts the values that it complains about on
    further lines, and they are what somebody asked.

    >>> from sqlalchemy.exc import OperationalError
    >>> in_short(OperationalError("SELECT a, b", {}, Exception("no such table: reviews")))
    'no such table: reviews'
    """
    if not isinstance(error, SQLAlchemyError):
        return str(error)
    said = str(getattr(error, "orig", None) or error).strip()
    line = said.splitlines()[0] if said else type(error).__name__
    return line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]}…"
