"""An isolated version that does something wrong when a row asks for it: `python unruly.py …`, started as the real one.

A row whose first feature is one of the numbers below gets what it asks for; every other is scored by the real version.
"""

import ctypes
import sys
import time
from collections.abc import Callable

import numpy as np

from lifecycle.resources_policy import Device
from serving.isolation.pinned import load_version
from serving.isolation.process import main
from stores.predictor import Predictor
from stores.versions import VersionFiles

CRASH, HANG, GORGE, FAIL, CHATTER = 9001.0, 9002.0, 9003.0, 9004.0, 9005.0
taken: list[bytearray] = []


def crash() -> None:
    """Write to address 0."""
    ctypes.memset(0, 1, 1)


def hang() -> None:
    """Hold Python's lock for ever."""
    ctypes.PyDLL(None).sleep(3600)


def gorge() -> None:
    """Take memory for as long as there is any."""
    while True:
        # Not touched, which takes long on a busy machine.
        taken.append(bytearray(67_108_864))


def fail() -> None:
    """Raise what a model's own code would."""
    raise RuntimeError("no tree for this carrier")


def chatter() -> None:
    """Print where answers go, and complain."""
    print("a" * 100, flush=True)  # noqa: T201 - a model that prints
    time.sleep(0)


WAYS: dict[float, Callable[[], None]] = {CRASH: crash, HANG: hang, GORGE: gorge, FAIL: fail, CHATTER: chatter}


class Unruly(Predictor):
    """The real predictor, but for the rows that ask for something else."""

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """Do what the first row asks for, or return scores."""
        way = WAYS.get(float(matrix[0, 0])) if len(matrix) else None
        if way is not None:
            way()
        return super().score(matrix)


def load(files: VersionFiles, device: Device) -> Predictor:
    """Return the version with faults in it, or none at all."""
    if "crash-loading" in sys.argv:
        crash()
    if "gorge-loading" in sys.argv:
        gorge()
    real = load_version(files, device)
    return Unruly(**{field: getattr(real, field) for field in real.__dataclass_fields__})


if __name__ == "__main__":
    sys.exit(main(load))
