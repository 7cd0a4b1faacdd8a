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


class Workers:
    """At most `size` daemon threads, which do not keep the process from ending; they start when needed."""

    def __init__(self, name: str, size: int, idle_seconds: float = IDLE_SECONDS) -> None:
        self._name = name
        self._size = size
        self._idle_seconds = idle_seconds
        self._jobs: deque[Job] = deque()
        self._running: set[Job] = set()
        self._idle = 0
        self._threads = 0
        self._condition = threading.Condition()

    def submit(self, job: Job) -> bool:
        """Take a job, or return False when every thread is stuck in a job that was abandoned.

        Raises RuntimeError when the system gives no thread.
        """
        with self._condition:
            if self._stuck():
                return False
            if self._idle <= len(self._jobs) and self._threads < self._size:
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
                self._threads += 1
            self._jobs.append(job)
            self._condition.notify()
        return True

    def stuck(self) -> bool:
        """Say whether every thread is in a job that nobody waits for any more."""
        with self._condition:
            return self._stuck()

    def stuck_reading(self) -> bool:
        """Say whether one of the threads waits for a store in a job that nobody waits for any more."""
        with self._condition:
            return any(job.abandoned and job.reading for job in self._running)

    def threads(self) -> int:
        """Return how many threads there are now."""
        return self._threads

    def _stuck(self) -> bool:
        return len(self._running) == self._size and all(job.abandoned for job in self._running)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            # A job tells of its failures itself; what is left here must not cost the version a thread.
            with suppress(BaseException):
                job.call()
            with self._condition:
                self._running.discard(job)

    def _next(self) -> Job | None:
        """Return the next job that somebody waits for, or None when the thread is to end."""
        with self._condition:
            while True:
                while self._jobs:
                    job = self._jobs.popleft()
                    if not job.abandoned:
                        self._running.add(job)
                        return job
                self._idle += 1
                came = self._condition.wait(self._idle_seconds)
                self._idle -= 1
                if not came and not self._jobs:
                    self._threads -= 1
                    return None
