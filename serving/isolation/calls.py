"""What a gateway and an isolated version say to each other: a matrix there, scores or a reason back, and nothing else.

Every message is a head and a body. Of a call the head has its number, rows and columns, and the body is the matrix,
float32 by row. Of an answer it has the call's number, what came of it and the length of the body: scores in float64, or
a reason as text.
"""

import os
import select
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import msgspec
import numpy as np

from lifecycle.resources_policy import Device

CALL = struct.Struct("<III")
ANSWER = struct.Struct("<IBI")
TASK = struct.Struct("<I")


class Outcome(IntEnum):
    """What came of a call, or of loading: scores, a failure, or no more memory."""

    SCORED = 0
    FAILED = 1
    EXHAUSTED = 2
    ELSEWHERE = 3
    """The version could not be loaded, which is not its fault, such as for a GPU that is not there."""


KNOWN = frozenset(int(outcome) for outcome in Outcome)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What an isolated process is for; sent once. `parent` is the gateway's process id, `manifest` is JSON."""

    parent: int
    folder: str
    manifest: str
    device: Device
    memory_mb: float


@dataclass(frozen=True)
class Answer:
    """A call's number, what came of it, and the body."""

    call: int
    outcome: Outcome
    body: bytes

    def scores(self) -> np.ndarray:
        """Return the scores, (n_rows,) float64."""
        return np.frombuffer(self.body, dtype=np.float64)

    def reason(self) -> str:
        """Return why there are none."""
        return self.body.decode(errors="replace")


class TooLate(Exception):
    """The other end has not answered within the deadline."""


class Closed(Exception):
    """The other end is gone."""


encode_task = msgspec.json.Encoder().encode
decode_task = msgspec.json.Decoder(Task).decode


def answer_bytes(call: int, outcome: Outcome, body: bytes) -> bytes:
    """Return an answer as it is sent."""
    return ANSWER.pack(call, outcome, len(body)) + body


def call_bytes(number: int, matrix: np.ndarray) -> bytes:
    """Return a call for an (n_rows, n_columns) float32 matrix as it is sent."""
    return CALL.pack(number, *matrix.shape) + np.ascontiguousarray(matrix, dtype=np.float32).tobytes()


def send(descriptor: int, payload: bytes, until: float, monotonic: Callable[[], float]) -> None:
    """Write a payload to a descriptor that does not block; raises TooLate and Closed."""
    rest = memoryview(payload)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            _wait(descriptor, select.POLLOUT, until, monotonic)
        except OSError as error:
            raise Closed(str(error)) from error


def receive(descriptor: int, size: int, until: float, monotonic: Callable[[], float]) -> bytes:
    """Return so many bytes from a descriptor that does not block; raises TooLate and Closed."""
    parts: list[bytes] = []
    while size:
        try:
            part = os.read(descriptor, size)
        except BlockingIOError:
            _wait(descriptor, select.POLLIN, until, monotonic)
            continue
        except OSError as error:
            raise Closed(str(error)) from error
        if not part:
            raise Closed("it closed its end")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def receive_answer(descriptor: int, until: float, monotonic: Callable[[], float]) -> Answer:
    """Return the next answer; raises TooLate and Closed, the latter also for what is no answer."""
    call, outcome, size = ANSWER.unpack(receive(descriptor, ANSWER.size, until, monotonic))
    if outcome not in KNOWN:
        raise Closed(f"it wrote into its pipe what is no answer ({outcome})")
    return Answer(call, Outcome(outcome), receive(descriptor, size, until, monotonic))


def _wait(descriptor: int, event: int, until: float, monotonic: Callable[[], float]) -> None:
    left = until - monotonic()
    if left <= 0:
        raise TooLate
    poll = select.poll()
    poll.register(descriptor, event)
    poll.poll(max(1, int(left * 1000)))
