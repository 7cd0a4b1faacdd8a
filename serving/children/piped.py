"""One process beside the gateway as its keeper holds it: pipes that never block, its memory, and its end."""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from subprocess import PIPE, Popen, TimeoutExpired
from typing import IO

from serving.children.memory_group import limited_group

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
"""Libraries read these as they are imported, so they cannot be told later."""


class Piped:
    """Starts a process; raises OSError when the system cannot start one.

    `named` follows the command for whoever lists processes; nobody reads it. The process inherits the descriptors of
    `kept`. The thread that starts it must outlive it: on Linux it dies with that thread. Its stdout and stdin never
    block here; what it writes to stderr must be read.
    """

    def __init__(
        self, command: Sequence[str], named: Sequence[str], memory_mb: float | None = None, kept: Sequence[int] = ()
    ) -> None:
        self._process = Popen(  # noqa: S603 - the gateway's own command
            [*command, *named],
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            bufsize=0,
            env={**os.environ, **ONE_THREAD},
            pass_fds=kept,
            # A group of its own to be killed as one, in the gateway's session: Linux shares cores among sessions
            # first (sched(7), autogroup), and an idle process in one of its own would take half of a busy core.
            process_group=0,
        )
        self.pid = self._process.pid
        self._group = None if memory_mb is None else limited_group(self.pid, memory_mb)
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self.stdin, self.stdout, self.stderr = (pipe.fileno() for pipe in pipes if pipe is not None)
        for descriptor in (self.stdin, self.stdout):
            os.set_blocking(descriptor, False)

    def take_stderr(self) -> IO[bytes]:
        """Return its stderr for a thread that reads it to its end and closes it."""
        stderr, self._process.stderr = self._process.stderr, None
        if stderr is None:
            raise ValueError("its stderr is taken already")
        return stderr

    def exit_code(self) -> int | None:
        """Return what it ended with, minus the signal's number for one that was killed; None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> bool:
        """Return whether it has ended by itself within so long."""
        with suppress(TimeoutExpired):
            self._process.wait(seconds)
        return self._process.poll() is not None

    def how_it_ended(self) -> str:
        """Return what became of a process that is gone."""
        code = self._process.poll()
        if self.was_killed_for_memory():
            return "was ended by the system for the memory it took"
        if code is None:
            return "runs"
        return f"died of {signal.Signals(-code).name}" if code < 0 else f"ended by itself with exit code {code}"

    def was_killed_for_memory(self) -> bool:
        """Return whether the system ended it because it had all the memory it is allowed."""
        return self._group is not None and self._group.has_killed()

    def close_input(self) -> None:
        """Tell it that nothing more comes."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        """End it and whatever runs in its group, at once; what it said can still be read."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Let go of the pipes, and of its group of the system; to be called once it is gone."""
        if self._group is not None:
            self._group.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
