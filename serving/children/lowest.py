"""Makes this process the one that yields to all others, and that does not outlive the one that started it."""

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1
"""linux/prctl.h: the signal a process gets when the thread that started it ends."""
PARENT_SECONDS = 0.5


def take_lowest_priority() -> None:
    """Ask for a core, a disk and memory only when nobody else wants them; what a system lacks is passed over."""
    os.nice(19)
    if sys.platform == "linux":
        # Threads that libraries start later inherit this; without the right to it, nice stays.
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        with suppress(psutil.Error):
            psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)
        # A leak faster than the keeper looks must cost this process, not the gateway.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")
    leave_no_core()


def leave_no_core() -> None:
    """Write no image of this process's memory: a version that crashes again and again would fill the disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def die_with_parent() -> None:
    """Be killed by the kernel when the thread that started this process ends; on Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def watch_parent(parent: int) -> None:
    """End this process within a second once `parent` has: also where the kernel does not, or did too early."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
