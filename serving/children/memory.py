"""Holds this very process to a limit of memory, by the operating system: what is beyond it is not given."""

import resource
import sys
from contextlib import suppress
from pathlib import Path

import psutil

MEGABYTE = 1_000_000
UNUSED_MB = 128
"""The stacks of threads that start later: measured 150 MB with a shadow's log being shipped."""
STATUS = Path("/proc/self/status")
TOLD = ("MemoryError", "bad_alloc", "bad allocation", "Cannot allocate memory", "malloc of size", "out of memory")
"""How Python, C++, the system, Arrow and XGBoost say that they were given no memory."""


class MemoryExhausted(BaseException):
    """This process was given no more memory.

    No Exception, because nothing on the way may take it for an ordinary failure: the process is to end.
    """


def limit_memory(limit_mb: float) -> None:
    """Have the system give this process no more memory than brings it to `limit_mb` in all.

    Called once the libraries are there and before the version is. What is mapped counts for the system, used or not
    (RLIMIT_DATA, see getrlimit(2)), so what is mapped by now is let through, and only what is used of it counts, with
    UNUSED_MB for what is mapped later and never used. Where a system has no such limit the keeper's own look remains.
    Raises MemoryExhausted when the process is beyond its limit already.
    """
    used = psutil.Process().memory_info().rss
    left = int(limit_mb * MEGABYTE) - used
    if left <= 0:
        raise MemoryExhausted
    if sys.platform == "linux":
        ceiling = _mapped() + left + UNUSED_MB * MEGABYTE
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        ceiling = ceiling if hard == resource.RLIM_INFINITY else min(ceiling, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_DATA, (ceiling, ceiling))


def is_exhaustion(error: BaseException) -> bool:
    """Return whether an error says that memory was asked for in vain."""
    said = f"{type(error).__name__}: {error}"
    return isinstance(error, MemoryError | MemoryExhausted) or any(word in said for word in TOLD)


def used_mb() -> float:
    """Return this process's resident memory."""
    resident: int = psutil.Process().memory_info().rss
    return resident / MEGABYTE


def _mapped() -> int:
    """Return what counts for RLIMIT_DATA, in bytes."""
    lines = STATUS.read_text(encoding="ascii").splitlines()
    (kilobytes,) = [line.split()[1] for line in lines if line.startswith("VmData:")]
    return int(kilobytes) * 1024
