"""Counts what this replica's workers did with jobs and with the messages about them."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from lifecycle.jobs import JobState
from serving.metrics.figures import Figures
from serving.metrics.job_families import DELIVERIES, ENDED

PUT_BACK = "put_back"
"""A job that is to be tried again, and a message likewise."""


@dataclass
class JobMeter:
    """Counts since the replica started, from any thread."""

    _ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    _delivered: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ended(self, model: str, state: JobState) -> None:
        """Count what became of a job that a worker here had."""
        with self._lock:
            self._ended[model, PUT_BACK if state is JobState.WAITING else str(state)] += 1

    def delivered(self, model: str, outcome: str) -> None:
        """Count an attempt to deliver a message: delivered, put_back or dead."""
        with self._lock:
            self._delivered[model, outcome] += 1

    def counters(self) -> Figures:
        """Return the counts so far."""
        figures = Figures()
        with self._lock:
            for labels, count in self._ended.items():
                figures.add(ENDED, labels, [count])
            for labels, count in self._delivered.items():
                figures.add(DELIVERIES, labels, [count])
        return figures
