"""A shadow process whose version does something wrong: `python misbehaving.py HOW …`, started as the real one is.

It proves itself, as a version that goes wrong in use does, and misbehaves from the first batch on. A row asks for it
by its first feature: GOOD rows are answered.
"""

import ctypes
import os
import sys
import time
from collections.abc import Callable
from itertools import count

import numpy as np

from lifecycle.errors import ArtifactInvalid
from lifecycle.resources_policy import Device
from serving.shadow.process import main
from stores.predictor import Predictor
from stores.versions import VersionFiles

GOOD = 0.0
Predict = Callable[[np.ndarray], np.ndarray]
leaked: list[bytearray] = []


def crash(_: np.ndarray) -> np.ndarray:
    """Write to address 0."""
    ctypes.memset(0, 1, 1)
    raise AssertionError("unreachable")


def leave(_: np.ndarray) -> np.ndarray:
    """End the process in the middle."""
    sys.stderr.write("out of licences\n")
    sys.stderr.flush()
    os._exit(3)


def hang(_: np.ndarray) -> np.ndarray:
    """Hold Python's lock for ever, so that no other thread of the process gets a turn."""
    ctypes.PyDLL(None).sleep(3600)
    raise AssertionError("unreachable")


def spin(_: np.ndarray) -> np.ndarray:
    """Use up a core for ever."""
    while True:
        pass


def leak(matrix: np.ndarray) -> np.ndarray:
    """Keep 64 MB more of memory."""
    leaked.append(bytearray(os.urandom(1024) * 65_536))
    return np.full(len(matrix), 0.5)


def gorge(_: np.ndarray) -> np.ndarray:
    """Take memory, 4 MB at a time and all of it used, for as long as there is any."""
    while True:
        leaked.append(bytearray(b"x" * 4_194_304))


def slow(matrix: np.ndarray) -> np.ndarray:
    """Compute for 20 ms, some 50 times what the real one takes."""
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
    return np.full(len(matrix), 0.5)


def fail(_: np.ndarray) -> np.ndarray:
    """Raise what a model's own code would."""
    raise RuntimeError("no tree for this carrier")


def chatter(matrix: np.ndarray) -> np.ndarray:
    """Print where messages go, and give no probability."""
    print('{"type":"Ack"}', flush=True)  # noqa: T201 - a model that prints
    return np.full(len(matrix), np.nan)


def beyond(matrix: np.ndarray) -> np.ndarray:
    """Give more than certainty."""
    return np.full(len(matrix), 1.5)


def misshapen(matrix: np.ndarray) -> np.ndarray:
    """Give two columns."""
    return np.full((len(matrix), 2), 0.5)


WAYS: dict[str, Predict] = {
    way.__name__: way for way in (crash, leave, hang, spin, leak, gorge, slow, fail, chatter, beyond, misshapen)
}


class Misbehaving(Predictor):
    """The real predictor until it has proven itself."""

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """Return scores, or do what the process was started for."""
        scores = super().score(matrix)
        if next(CALLS) and (matrix[:, 0] != GOOD).any():
            return WAYS[sys.argv[1]](matrix)
        return scores


CALLS = count()


def load(files: VersionFiles, device: Device) -> Predictor:
    """Return the version with a fault in it."""
    from serving.isolation.pinned import load_version  # noqa: PLC0415 - as process imports it

    if sys.argv[1] == "broken":
        raise ArtifactInvalid("the file holds no model")
    if sys.argv[1] == "crash-loading":
        crash(np.empty(0))
    if sys.argv[1] == "gorge-loading":
        gorge(np.empty(0))
    real = load_version(files, device)
    return Misbehaving(**{field: getattr(real, field) for field in real.__dataclass_fields__})


if __name__ == "__main__":
    sys.exit(main(load))
