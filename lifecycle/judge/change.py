"""Whether a rate that was within its limit has begun to exceed it: an e-detector."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lifecycle.evidence import Series, Tally

Array = npt.NDArray[np.float64]

ODDS = np.array([1.5, 2.0, 4.0, 10.0])
"""How many times the limit's odds the new rate may have; the detector is the mean over them."""
SMALLEST_ODDS = 1e-9
SECONDS_PER_DAY = 86400.0


@dataclass(frozen=True)
class Change:
    """The evidence for a change, and the stretch of latest spans that speaks for it most strongly."""

    log_evidence: float
    spans: int
    stretch: Tally


def detect(series: Series, limit: float) -> Change:
    """Return the evidence that the rate rose above `limit` in some span and has stayed there.

    A Shiryaev-Roberts sum over every possible start of the change, of likelihood ratios against `limit`, averaged
    over ODDS (Shin, Ramdas & Rinaldo, E-detectors: a nonparametric framework for sequential change detection, 2024).
    While the rate is within the limit, the mean number of spans with data until it exceeds A is at least A. Spans
    without data change nothing. A limit of 0 is broken by one event, a limit of 1 never.

    >>> quiet = Series(span_seconds=60, tallies=(Tally(events=1, observations=100),) * 20)
    >>> worse = (Tally(events=9, observations=100),) * 3
    >>> noisy = Series(span_seconds=60, tallies=(*quiet.tallies, *worse))
    >>> detect(quiet, 0.02).log_evidence < 1 < detect(noisy, 0.02).log_evidence, detect(noisy, 0.02).stretch.events
    (True, 27)
    """
    ratios = _log_ratios(series, limit)
    total, best, starts = np.full(ODDS.shape, -np.inf), np.zeros(ODDS.shape), np.zeros(ODDS.shape, dtype=int)
    for at, step in enumerate(ratios):
        if series.tallies[at].observations == 0:
            continue
        total = np.logaddexp(0.0, total) + step
        starts = np.where(best > 0, starts, at)
        best = np.maximum(best, 0.0) + step
    start = int(starts[int(np.argmax(best))])
    latest = series.tallies[start:]
    stretch = Tally(
        events=sum(tally.events for tally in latest), observations=sum(tally.observations for tally in latest)
    )
    evidence = float(np.logaddexp.reduce(total) - np.log(ODDS.size))
    return Change(log_evidence=evidence, spans=len(latest), stretch=stretch)


def log_threshold(false_alarm_every_days: float, span_seconds: float, detectors: int) -> float:
    """Return the log of A at which `detectors` together give a false alarm every so many days, or more rarely.

    >>> round(log_threshold(1, 86400, 1), 9)
    0.0
    """
    return float(np.log(false_alarm_every_days * SECONDS_PER_DAY / span_seconds * detectors))


def _log_ratios(series: Series, limit: float) -> Array:
    """Return (spans, len(ODDS)) log likelihood ratios of each rate beyond the limit against the limit."""
    events = np.array([tally.events for tally in series.tallies], dtype=np.float64)[:, None]
    others = np.array([tally.observations for tally in series.tallies], dtype=np.float64)[:, None] - events
    if limit >= 1.0:
        return np.zeros((len(series.tallies), ODDS.size))
    if limit <= 0.0:
        # Any rate above nothing is another world: its odds stand beside the least that can be written.
        odds, worse = SMALLEST_ODDS, ODDS / 100.0
    else:
        odds = limit / (1.0 - limit)
        worse = ODDS * odds
    return np.asarray(events * np.log(worse / odds) - (events + others) * (np.log1p(worse) - np.log1p(odds)))
