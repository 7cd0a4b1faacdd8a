"""One shadow process as its keeper holds it: pipes that never block, its memory, and its end."""

import fcntl
import os
import signal
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from subprocess import PIPE, Popen

import psutil
import pyarrow as pa

from serving.isolation.memory_group import limited_group
from serving.shadow.frames import Message, Task, decode_message, encode_task, frame
from serving.shadow.waiting import CoreUse, core_use

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
"""Libraries read these as they are imported, so they cannot be told later."""
PIPE_BYTES = 1024 * 1024
READ_BYTES = 65_536
LINE_CHARACTERS = 2_000
MEGABYTE = 1_000_000


class Child:
    """Starts a process and gives it its task; raises OSError when the system cannot start one.

    The thread that starts it must outlive it: on Linux the child dies with that thread.
    """

    def __init__(self, command: Sequence[str], model: str, task: Task) -> None:
        self._process = Popen(  # noqa: S603 - the gateway's own command
            # Model and version are for whoever lists processes; nobody reads them.
            [*command, model, task.version],
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            bufsize=0,
            env={**os.environ, **ONE_THREAD},
            # A group of its own to be killed as one, in the gateway's session: Linux shares cores among sessions
            # first (sched(7), autogroup), and an idle process in one of its own would take half of a busy core.
            process_group=0,
        )
        self.pid = self._process.pid
        self._group = limited_group(self.pid, task.memory_limit_mb)
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._in, self._out, self._err = (pipe.fileno() for pipe in pipes if pipe is not None)
        for descriptor in (self._in, self._out, self._err):
            os.set_blocking(descriptor, False)
        if sys.platform == "linux":
            with suppress(OSError):
                fcntl.fcntl(self._in, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._unsent: deque[memoryview] = deque([memoryview(frame(encode_task(task)))])
        self._said = _Lines(self._out)
        self._complained = _Lines(self._err)

    def send(self, batch: pa.RecordBatch) -> None:
        """Queue a batch for the pipe."""
        self._unsent.append(memoryview(frame(batch.serialize())))

    def pump(self) -> None:
        """Write as much as the pipe takes now."""
        while self._unsent:
            try:
                written = os.write(self._in, self._unsent[0])
            except OSError:
                # Full, or the process is gone, which its exit code will tell.
                return
            if written < len(self._unsent[0]):
                self._unsent[0] = self._unsent[0][written:]
                return
            self._unsent.popleft()

    def messages(self) -> list[Message]:
        """Return what it said since the last call; raises msgspec.DecodeError for what is no message."""
        return [decode_message(line) for line in self._said.read()]

    def complaints(self) -> list[str]:
        """Return the lines it wrote to stderr since the last call."""
        return [line.decode(errors="replace")[:LINE_CHARACTERS] for line in self._complained.read()]

    def memory_mb(self) -> float:
        """Return its resident memory; 0 once it is gone."""
        try:
            resident: int = psutil.Process(self.pid).memory_info().rss
        except psutil.Error:
            return 0.0
        return resident / MEGABYTE

    def core_use(self) -> CoreUse:
        """Return what it has of the cores."""
        return core_use(self.pid)

    def exit_code(self) -> int | None:
        """Return what it ended with, minus the signal's number for one that was killed; None while it runs."""
        return self._process.poll()

    def was_killed_for_memory(self) -> bool:
        """Return whether the system ended it because it had all the memory it is allowed."""
        return self._group is not None and self._group.has_killed()

    def close_input(self) -> None:
        """Tell it that nothing more comes: it ends once it has done what it was given whole."""
        self._unsent.clear()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        """End it and whatever runs in its group, at once; what it said can still be read."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Let go of the pipes, and of its group; to be called once it is gone."""
        if self._group is not None:
            self._group.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


class _Lines:
    """Whole lines from a pipe that does not block."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""

    def read(self) -> list[bytes]:
        """Return at most one read's lines; one that is overlong is cut there."""
        try:
            self._rest += os.read(self._descriptor, READ_BYTES)
        except OSError:
            return []
        *lines, self._rest = self._rest.split(b"\n")
        if len(self._rest) > READ_BYTES:
            lines.append(self._rest)
            self._rest = b""
        return lines
