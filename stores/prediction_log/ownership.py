"""Who owns a folder of segments: its living replica, or whoever adopts it after that replica's death."""

import fcntl
import os
import re
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from lifecycle.errors import InvalidInput

OWNER_FILE = "owner"
REPLICA_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.:#@-]*"


@dataclass(frozen=True)
class Ownership:
    """An exclusive hold on a folder; the kernel releases it when the holding process dies, however it dies.

    The hold is an flock, so it counts among processes on the machine that holds the folder's disk.
    """

    folder: Path
    descriptor: int

    @property
    def app_id(self) -> str:
        """Name under which the folder's segments are committed; no two folders ever share one."""
        return self.folder.name

    def release(self) -> None:
        """Let go of the folder; it is removed when nothing is left in it to ship."""
        try:
            if list(self.folder.iterdir()) == [self.folder / OWNER_FILE]:
                (self.folder / OWNER_FILE).unlink()
                self.folder.rmdir()
        finally:
            # A hold that outlives a failed removal would keep adopters away as long as this process lives.
            os.close(self.descriptor)


def claim_new(segments: Path, replica: str) -> Ownership:
    """Return a hold on a fresh folder `segments/<replica>.<12 hex digits>`.

    A replica that starts again gets another folder, so its segment numbers never repeat under one name.
    Raises InvalidInput when the replica's name cannot be part of a path.
    """
    if not re.fullmatch(REPLICA_PATTERN, replica):
        raise InvalidInput(f"replica name {replica!r} cannot name a folder; allowed: {REPLICA_PATTERN}")
    name = f"{replica}.{uuid4().hex[:12]}"
    # The folder gets its name only once it is held, so that nobody adopts it in between.
    unnamed = segments / f".{name}"
    unnamed.mkdir(parents=True)
    descriptor = os.open(unnamed / OWNER_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return Ownership(unnamed.rename(segments / name), descriptor)


def claim_dead(folder: Path) -> Ownership | None:
    """Return a hold on a dead replica's folder, or None when its owner or another adopter holds it."""
    try:
        descriptor = os.open(folder / OWNER_FILE, os.O_RDWR)
    except FileNotFoundError:
        _remove_emptied(folder)
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if not (folder / OWNER_FILE).exists():
        os.close(descriptor)
        return None
    return Ownership(folder, descriptor)


def owner_lives(folder: Path) -> bool:
    """Return whether a folder is held by its owner, or just now by whoever adopts it.

    Once this is false nobody will ever append to the folder again: the kernel let go of it for a dead process.
    """
    try:
        descriptor = os.open(folder / OWNER_FILE, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who look at once do not take each other for the owner.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def place_of(root: Path) -> str:
    """Return the name of the disk that holds a prediction log's segments, drawn when it is first asked for.

    Whoever sees the same name sees the same folders and the same holds on them.
    """
    named = root / "place"
    try:
        return named.read_text(encoding="utf-8")
    except FileNotFoundError:
        root.mkdir(parents=True, exist_ok=True)
    drawn = uuid4().hex
    part = root / f".place.{drawn}"
    part.write_text(drawn, encoding="utf-8")
    try:
        # Of two that draw at once one wins, and nobody reads half a name.
        named.hardlink_to(part)
    except FileExistsError:
        return named.read_text(encoding="utf-8")
    finally:
        part.unlink()
    return drawn


def _remove_emptied(folder: Path) -> None:
    # Left by a process that died between the two steps of `release`.
    try:
        folder.rmdir()
    except OSError:
        return
