"""One process of an isolated version as the gateway holds it: started, called, ended."""

import io
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

import numpy as np
import structlog

from serving.children.piped import Piped
from serving.isolation.calls import (
    TASK,
    Answer,
    Closed,
    Task,
    call_bytes,
    encode_task,
    receive_answer,
    send,
)

log = structlog.get_logger()

LINES = 200
"""Lines of one process that are logged; what follows is read and thrown away."""
LINE_BYTES = 2_000


class Apart(Piped):
    """Starts a process and gives it its task; raises OSError when the system cannot start one.

    The thread that starts it must outlive it: on Linux the process dies with that thread. One thread at a time may
    call it.
    """

    def __init__(self, command: Sequence[str], model: str, version: str, task: Task) -> None:
        super().__init__(command, (model, version), task.memory_mb)
        self._number = 0
        self._names = {"model": model, "version": version}
        threading.Thread(target=self._pass_on, args=(self.take_stderr(),), name=f"said-{self.pid}", daemon=True).start()
        told = encode_task(task)
        with suppress(Closed):
            # What it is told waits in the pipe, which is larger.
            send(self.stdin, TASK.pack(len(told)) + told, time.monotonic() + 1.0, time.monotonic)

    def loaded(self, until: float) -> Answer:
        """Return its answer to the task, by a moment of the monotonic clock; raises TooLate and Closed."""
        return receive_answer(self.stdout, until, time.monotonic)

    def call(self, matrix: np.ndarray, until: float) -> Answer:
        """Return its answer to a matrix, by then; raises TooLate and Closed, and is of no more use after either."""
        self._number = (self._number + 1) % 2**32 or 1
        send(self.stdin, call_bytes(self._number, matrix), until, time.monotonic)
        answer = receive_answer(self.stdout, until, time.monotonic)
        if answer.call != self._number:
            raise Closed(f"it answered call {answer.call} instead of {self._number}")
        return answer

    def _pass_on(self, stderr: IO[bytes]) -> None:
        """Log what it writes to stderr, so that its pipe never fills."""
        logged = 0
        # As it is, it would be read byte by byte.
        with io.BufferedReader(stderr) as said:  # type: ignore[type-var]
            while line := said.readline(LINE_BYTES):
                if logged < LINES and line.strip():
                    log.warning("isolated_said", **self._names, line=line.decode(errors="replace").rstrip())
                    logged += 1
