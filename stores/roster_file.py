"""A local copy of who may come in, for a gateway whose ledger is away."""

import os
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lifecycle.errors import ArtifactInvalid, NotFound
from lifecycle.tenants import Roster

_WHOLE = TypeAdapter(Roster)


class RosterFile:
    """The copy in one file that only its owner can read; it holds digests and no secrets."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, roster: Roster) -> None:
        """Replace the copy whole; raises OSError when the disk does not take it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # By a name of its own, because several replicas of one machine keep the same copy.
        part = self._path.with_suffix(f".{os.getpid()}.part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(_WHOLE.dump_json(roster))
        part.replace(self._path)

    def load(self) -> Roster:
        """Return the copy; raises NotFound, and ArtifactInvalid for one that is damaged."""
        try:
            return _WHOLE.validate_json(self._path.read_bytes())
        except FileNotFoundError as error:
            raise NotFound(f"no copy of tenants and keys in {self._path}") from error
        except (OSError, ValidationError) as error:
            raise ArtifactInvalid(f"the copy of tenants and keys in {self._path} cannot be read: {error}") from error
