"""One process of an isolated version as the gateway holds it: started, called, ended."""

import io
import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from subprocess import PIPE, Popen

import numpy as np
import structlog

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
from serving.isolation.memory_group import limited_group
from serving.shadow.child import ONE_THREAD

log = structlog.get_logger()

LINES = 200
"""Lines of one process that are logged; what follows is read and thrown away."""
LINE_BYTES = 2_000


class Apart:
    """Starts a process and gives it its task; raises OSError when the system cannot start one.

    The thread that starts it must outlive it: on Linux the process dies with that thread. One thread at a time may
    call it.
    """

    def __init__(self, command: Sequence[str], model: str, version: str, task: Task) -> None:
        self._process = Popen(  # noqa: S603 - the gateway's own command
            # Model and version are for whoever lists processes; nobody reads them.
            [*command, model, version],
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            bufsize=0,
            env={**os.environ, **ONE_THREAD},
            process_group=0,
        )
        self.pid = self._process.pid
        self._group = limited_group(self.pid, task.memory_mb)
        pipes = (self._process.stdin, self._process.stdout)
        self._in, self._out = (pipe.fileno() for pipe in pipes if pipe is not None)
        for descriptor in (self._in, self._out):
            os.set_blocking(descriptor, False)
        self._number = 0
        self._names = {"model": model, "version": version}
        threading.Thread(target=self._pass_on, name=f"said-{self.pid}", daemon=True).start()
        told = encode_task(task)
        with suppress(Closed):
            # What it is told waits in the pipe, which is larger.
            send(self._in, TASK.pack(len(told)) + told, time.monotonic() + 1.0, time.monotonic)

    def loaded(self, until: float) -> Answer:
        """Return its answer to the task, by a moment of the monotonic clock; raises TooLate and Closed."""
        return receive_answer(self._out, until, time.monotonic)

    def call(self, matrix: np.ndarray, until: float) -> Answer:
        """Return its answer to a matrix, by then; raises TooLate and Closed, and is of no more use after either."""
        self._number = (self._number + 1) % 2**32 or 1
        send(self._in, call_bytes(self._number, matrix), until, time.monotonic)
        answer = receive_answer(self._out, until, time.monotonic)
        if answer.call != self._number:
            raise Closed(f"it answered call {answer.call} instead of {self._number}")
        return answer

    def wait(self, seconds: float) -> bool:
        """Return whether it has ended by itself within so long."""
        with suppress(Exception):
            self._process.wait(seconds)
        return self._process.poll() is not None

    def how_it_ended(self) -> str:
        """Return what became of a process that is gone."""
        code = self._process.poll()
        if self._group is not None and self._group.has_killed():
            return "was ended by the system for the memory it took"
        if code is None:
            return "runs"
        return f"died of {signal.Signals(-code).name}" if code < 0 else f"ended by itself with exit code {code}"

    def end(self) -> None:
        """End it and whatever runs in its group, at once."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def let_go(self) -> None:
        """Remove its group of the system, once nobody asks any more how it ended."""
        if self._group is not None:
            self._group.close()

    def _pass_on(self) -> None:
        """Log what it writes to stderr, so that its pipe never fills."""
        if self._process.stderr is None:
            return
        logged = 0
        # As it is, it would be read byte by byte.
        with io.BufferedReader(self._process.stderr) as said:  # type: ignore[type-var]
            while line := said.readline(LINE_BYTES):
                if logged < LINES and line.strip():
                    log.warning("isolated_said", **self._names, line=line.decode(errors="replace").rstrip())
                    logged += 1
