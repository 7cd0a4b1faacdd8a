"""An isolated version as the gateway calls it: a predictor whose computing happens in another process."""

import os
import time
import weakref
from collections.abc import Sequence

import numpy as np

from lifecycle.resources_policy import ArmResources
from serving.isolation.calls import Answer, Closed, Outcome, Task, TooLate
from serving.isolation.keeping import COMMAND, Charge, Keeping, ended, exhausted
from serving.isolation.lost import ProcessLost
from stores.predictor import Predictor
from stores.versions import VersionFiles

MS_PER_SECOND = 1000


class VersionRaised(Exception):
    """The version itself could not score a matrix, and said why; its process goes on."""


class Isolated:
    """The computing of a predictor, in a process of its own, which ends once nothing refers to this any more.

    It may be called on any thread; one call is made at a time.
    """

    def __init__(self, keeping: Keeping, deadline_ms: float) -> None:
        self._keeping = keeping
        self._deadline_ms = deadline_ms
        weakref.finalize(self, ended, keeping)

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """Return (n_rows,) float64 scores for an (n_rows, n_features) float32 matrix.

        Raises VersionRaised for what the version raised, and ProcessLost when its process died, was given no more
        memory, did not answer within its deadline, or is being started again.
        """
        keeping = self._keeping
        seconds = self._deadline_ms / MS_PER_SECOND
        until = time.monotonic() + seconds
        if not keeping.calling.acquire(timeout=seconds):
            raise ProcessLost(f"its process was busy for {self._deadline_ms:g} ms, which is its deadline_ms")
        try:
            return self._scores(matrix, until)
        finally:
            keeping.calling.release()

    def _scores(self, matrix: np.ndarray, until: float) -> np.ndarray:
        answer = self._answer(matrix, until)
        if answer.outcome is Outcome.SCORED:
            return answer.scores()
        raise VersionRaised(answer.reason())

    def _answer(self, matrix: np.ndarray, until: float) -> Answer:
        keeping = self._keeping
        apart = keeping.current
        if apart is None:
            raise self._none()
        try:
            answer = apart.call(matrix, until)
        except TooLate:
            lost = f"hung: no answer within {self._deadline_ms:g} ms, which is its deadline_ms"
        except Closed:
            lost = keeping.how_it_ended(apart)
        else:
            if answer.outcome is not Outcome.EXHAUSTED:
                return answer
            lost = exhausted(answer.reason(), keeping.charge.task.memory_mb)
        keeping.lose(apart, lost)
        raise ProcessLost(f"its process {lost}, while it worked on {len(matrix)} rows")

    def require_process(self) -> None:
        """Raise ProcessLost while there is no process; waits for nobody."""
        if self._keeping.current is None:
            raise self._none()

    def _none(self) -> ProcessLost:
        return ProcessLost(f"its process {self._keeping.trouble}, and is being started again")

    def losses(self) -> int:
        """Return how many of its processes were lost so far."""
        return self._keeping.losses

    def pid(self) -> int | None:
        """Return the process that answers just now, None while there is none."""
        apart = self._keeping.current
        return None if apart is None else apart.pid


def isolate(version: str, files: VersionFiles, needs: ArmResources, command: Sequence[str] = COMMAND) -> Predictor:
    """Return the predictor of a version that stands and has proven itself in a process of its own.

    Raises ArtifactInvalid when it does not, and Unavailable when that is not its fault.
    """
    if needs.deadline_ms is None:
        raise ValueError("an arm that shares the gateway's process is not isolated")
    task = Task(
        parent=os.getpid(),
        folder=str(files.folder),
        manifest=files.manifest.model_dump_json(),
        device=needs.device,
        memory_mb=needs.memory_mb,
    )
    keeping = Keeping(Charge(files.manifest.model, version, task, command))
    keeping.start()
    # What the version takes of the vector is for the process to know.
    return Predictor(files.manifest.vector, Isolated(keeping, needs.deadline_ms), None, needs.device)
