"""The process that ships as its replica holds it: asked for rounds, heard, ended."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from serving.children.complaints import Complaints
from serving.children.lines import Lines
from serving.children.piped import Piped
from serving.shipping.words import ASK, Round, Task, decode_round, encode

LOOK_SECONDS = 0.02


class Beside(Piped):
    """Starts the process and gives it its task; raises OSError when the system cannot start one.

    `wants_round` is set for another round; those that are wanted while one is under way become one. `names` say in the
    log whose process it is. The thread that starts it must outlive it.
    """

    def __init__(self, command: Sequence[str], task: Task, names: Mapping[str, object]) -> None:
        super().__init__(command, (task.name,), kept=(task.descriptor,))
        self.wants_round = True
        self._began = time.monotonic()
        self._asked_at: float | None = None
        self._said = Lines(self.stdout)
        self._complaints = Complaints(self.stderr, "shipping", names)
        self._write(encode(task) + b"\n")

    def tick(self) -> Round | None:
        """Ask for a round when one is wanted, and return how the last one ended, once."""
        self._complaints.pass_on()
        ended = None
        for line in self._said.read():
            said = decode_round(line)
            if said.is_over:
                ended, self._asked_at = said, None
            else:
                self._asked_at = time.monotonic()
        if self.wants_round and self._asked_at is None:
            self.wants_round, self._asked_at = False, time.monotonic()
            self._write(ASK)
        return ended

    def trouble(self, silence_seconds: float) -> str | None:
        """Return why it is of no use any more, None while it is; a round that gets no further for so long hangs."""
        if self.exit_code() is not None:
            self._complaints.pass_on()
            return self.how_it_ended() + self._complaints.last_words()
        if self._asked_at is not None and time.monotonic() - self._asked_at > silence_seconds:
            return f"said nothing for {silence_seconds:g} s"
        return None

    def seconds(self) -> float:
        """Return how long ago it was started."""
        return time.monotonic() - self._began

    def finish(self, seconds: float) -> bool:
        """Have it ship what is sealed and end; return whether it did both within so long."""
        self.close_input()
        until = time.monotonic() + seconds
        while self.exit_code() is None and time.monotonic() < until:
            self._complaints.pass_on()
            time.sleep(LOOK_SECONDS)
        return self.exit_code() == 0

    def _write(self, line: bytes) -> None:
        # Lines are far shorter than a pipe. Should the process be gone, its exit code will tell.
        with suppress(OSError):
            os.write(self.stdin, line)
