"""One shadow process as its keeper holds it: batches in without blocking, messages out."""

import fcntl
import os
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import psutil
import pyarrow as pa

from serving.children.lines import Lines
from serving.children.piped import Piped
from serving.shadow.frames import Message, Task, decode_message, encode_task, frame
from serving.shadow.waiting import CoreUse, core_use

PIPE_BYTES = 1024 * 1024
MEGABYTE = 1_000_000


class Child(Piped):
    """Starts a process and gives it its task; raises OSError when the system cannot start one.

    The thread that starts it must outlive it: on Linux the child dies with that thread.
    """

    def __init__(self, command: Sequence[str], model: str, task: Task) -> None:
        super().__init__(command, (model, task.version), task.memory_limit_mb)
        if sys.platform == "linux":
            with suppress(OSError):
                fcntl.fcntl(self.stdin, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._unsent: deque[memoryview] = deque([memoryview(frame(encode_task(task)))])
        self._said = Lines(self.stdout)

    def send(self, batch: pa.RecordBatch) -> None:
        """Queue a batch for the pipe."""
        self._unsent.append(memoryview(frame(batch.serialize())))

    def pump(self) -> None:
        """Write as much as the pipe takes now."""
        while self._unsent:
            try:
                written = os.write(self.stdin, self._unsent[0])
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

    def close_input(self) -> None:
        """Tell it that nothing more comes: it ends once it has done what it was given whole."""
        self._unsent.clear()
        super().close_input()
