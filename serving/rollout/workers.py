"""A few threads in which a version on trial scores, so that one that hangs holds up nothing but itself."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

IDLE_SECONDS = 10.0
"""A thread without work for so long ends; a version that is no longer asked thereby leaves none behind."""


class Job:
    """One call to make; `abandon` it when nobody waits for the result any more.

    `reading` is true while it waits for a store, which is then to blame, and not the version.
    """

    def __init__(self, call: Callable[[], object], *, reading: bool = False) -> None:
        self.call = call
        self.abandoned = False
        self.reading = reading

    def abandon(self) -> None:
        """Say that the result comes too late, if it ever comes."""
        self.abandoned = True


class _Idle:
    """A thread that waits for a job; `woken` is free once it has one."""

    __slots__ = ("job", "woken")

    def __init__(self) -> None:
        self.job: Job | None = None
        self.woken = threading.Lock()
        self.woken.acquire()


class Workers:
    """At most `size` daemon threads, which do not keep the process from ending; they start when needed.

    A job goes to the thread that became idle last, whose caches are still warm, and wakes no other.
    """

    def __init__(self, name: str, size: int, idle_seconds: float = IDLE_SECONDS) -> None:
        self._name = name
        self._size = size
        self._idle_seconds = idle_seconds
        self._jobs: deque[Job] = deque()
        self._running: set[Job] = set()
        self._idle: list[_Idle] = []
        self._threads = 0
        self._lock = threading.Lock()

    def submit(self, job: Job) -> bool:
        """Take a job, or return False when every thread is stuck in a job that was abandoned.

        Raises RuntimeError when the system gives no thread.
        """
        with self._lock:
            if self._idle:
                idle = self._idle.pop()
                idle.job = job
                self._running.add(job)
                idle.woken.release()
            elif self._threads < self._size:
                threading.Thread(target=self._work, args=(job,), name=self._name, daemon=True).start()
                self._threads += 1
                self._running.add(job)
            elif self._stuck():
                return False
            else:
                self._jobs.append(job)
        return True

    def stuck(self) -> bool:
        """Say whether every thread is in a job that nobody waits for any more."""
        with self._lock:
            return self._stuck()

    def stuck_reading(self) -> bool:
        """Say whether one of the threads waits for a store in a job that nobody waits for any more."""
        with self._lock:
            return any(job.abandoned and job.reading for job in self._running)

    def threads(self) -> int:
        """Return how many threads there are now."""
        return self._threads

    def _stuck(self) -> bool:
        return len(self._running) == self._size and all(job.abandoned for job in self._running)

    def _work(self, first: Job) -> None:
        me = _Idle()
        job: Job | None = first
        while job is not None:
            # A job tells of its failures itself; what is left here must not cost the version a thread.
            with suppress(BaseException):
                job.call()
            job = self._next(me, job)

    def _next(self, me: _Idle, done: Job) -> Job | None:
        """Return the next job that somebody waits for, or None when the thread is to end."""
        with self._lock:
            self._running.discard(done)
            while self._jobs:
                job = self._jobs.popleft()
                if not job.abandoned:
                    self._running.add(job)
                    return job
            me.job = None
            self._idle.append(me)
        if me.woken.acquire(timeout=self._idle_seconds):
            return me.job
        with self._lock:
            if me.job is None:
                self._idle.remove(me)
                self._threads -= 1
                return None
        # It was given one at the last moment.
        me.woken.acquire()
        return me.job
