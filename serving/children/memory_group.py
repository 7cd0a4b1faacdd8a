"""A group of Linux (cgroup v2) with a limit of memory, for one process; where the system lets this program make one.

See Documentation/admin-guide/cgroup-v2.rst of the kernel. A group can be limited only below one whose
`cgroup.subtree_control` names memory, and that holds no process itself: so groups are tried below this program's own,
and beside it, as a service with `Delegate=yes` and a subgroup of its own can.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OWN = Path("/proc/self/cgroup")
ROOT = Path("/sys/fs/cgroup")
MEGABYTE = 1_000_000


class MemoryGroup:
    """A group in a folder of the cgroup file system, made and limited by `open_group`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, pid: int) -> None:
        """Put a process in; raises OSError when the system does not let it."""
        (self._folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def has_killed(self) -> bool:
        """Return whether the system has ended a process of the group for its memory."""
        try:
            events = (self._folder / "memory.events").read_text(encoding="ascii").split()
        except OSError:
            return False
        counts = dict(zip(events[::2], events[1::2], strict=False))
        return int(counts.get("oom_kill", "0")) > 0

    def close(self) -> None:
        """Remove the group; one that still holds a process stays."""
        with suppress(OSError):
            self._folder.rmdir()


def limited_group(pid: int, limit_mb: float) -> MemoryGroup | None:
    """Put a process that just began in a group of its own with a limit; None where this program may not."""
    group = open_group(str(pid), int(limit_mb * MEGABYTE))
    if group is None:
        return None
    try:
        group.add(pid)
    except OSError:
        group.close()
        return None
    return group


def open_group(name: str, limit_bytes: int, own: Path = OWN, root: Path = ROOT) -> MemoryGroup | None:
    """Return a new group with a limit and no swap, or None where this program may make none."""
    for above in _above(own, root):
        folder = above / f"holdfast-{os.getpid()}-{name}"
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            (folder / "memory.max").write_text(str(limit_bytes), encoding="ascii")
            with suppress(OSError):
                (folder / "memory.swap.max").write_text("0", encoding="ascii")
        except OSError:
            MemoryGroup(folder).close()
            continue
        return MemoryGroup(folder)
    return None


def _above(own: Path, root: Path) -> Iterator[Path]:
    """Yield the groups below which a limit of memory would hold."""
    try:
        lines = own.read_text(encoding="ascii").splitlines()
    except OSError:
        return
    for line in lines:
        if not line.startswith("0::/"):
            continue
        mine = root / line.removeprefix("0::/")
        for folder in (mine, mine.parent):
            with suppress(OSError):
                if folder.is_relative_to(root) and "memory" in (folder / "cgroup.subtree_control").read_text().split():
                    yield folder
