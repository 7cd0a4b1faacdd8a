"""Who was late, the process or the machine: what a process had of the cores, and how long it waited for one."""

from dataclasses import dataclass
from pathlib import Path

NANOSECONDS = 1_000_000_000
OWN = Path("/proc/thread-self/schedstat")


@dataclass(frozen=True)
class CoreUse:
    """Whether a thread runs or waits for a core at this moment, and the seconds all threads have run so far."""

    wanted: bool
    used_seconds: float


def core_use(pid: int) -> CoreUse:
    """Return what a process has of the cores; where the system does not say, it never wants any."""
    threads = list(Path(f"/proc/{pid}/task").glob("*"))
    wanted = any(_state(thread / "stat") == b"R" for thread in threads)
    return CoreUse(wanted, sum(_figure(thread / "schedstat", 0) for thread in threads))


def thread_use(thread: int) -> CoreUse:
    """Return what one thread of this process has of the cores, by the system's number of it.

    A thread that waits for a disk, as in a swapping machine, wants a core, too.
    """
    task = Path(f"/proc/self/task/{thread}")
    return CoreUse(_state(task / "stat") in (b"R", b"D"), _figure(task / "schedstat", 0))


def own_wait_seconds() -> float:
    """Return the seconds this thread has waited for a core since it began; 0 where the system does not say."""
    return _figure(OWN, 1)


def _state(path: Path) -> bytes:
    """Read a thread's state, which follows its name in brackets; see proc_pid_stat(5)."""
    try:
        return path.read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return b""


def _figure(path: Path, column: int) -> float:
    """Read the seconds run (0) or waited (1), as the kernel's Documentation/scheduler/sched-stats.rst has them."""
    try:
        return int(path.read_bytes().split()[column]) / NANOSECONDS
    except (OSError, IndexError):
        return 0.0
