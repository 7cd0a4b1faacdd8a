"""Where the judge's own maths says that something may follow, for all looks of a stage at once.

The decision itself is `decide_rollout`'s: it is asked at every look that is found here. A look is only left out when
no rule's evidence reaches proof there, by the same functions that the rules use.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from lifecycle.judge import coin, margin, means
from lifecycle.judge.split import Proof
from tests.bench.judge.bench_policy import ERROR_MARGIN, QUALITY_MARGIN, SLICE_QUALITY_MARGIN, SLICES
from tests.bench.judge.canary_stream import CanaryStream
from tests.bench.judge.shadow_stream import ShadowStream

Looks = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def canary_looks(stream: CanaryStream, proofs: Proof, start: int, stop: int) -> Looks:
    """Return the batches of a part of a step after which some rule may fail or all may pass."""
    part = slice(start, stop)
    ours, theirs = (side[part] for side in stream.events)
    of_ours, of_theirs = (side[part] for side in stream.observations)
    share = of_ours / np.maximum(of_ours + of_theirs, 1)
    # A mixture of likelihood ratios is below the largest of them, which is cheaper: most counts need no more.
    at, column = np.nonzero(_largest_ratio(ours, theirs, share) >= -np.log(proofs.of_harm))
    harmful = np.zeros(ours.shape[0], dtype=bool)
    evidence = coin.log_evidence(ours[at, column], theirs[at, column], share[at, column])
    harmful[at[evidence >= -np.log(proofs.of_harm)]] = True
    slow, slow_theirs, beyond = stream.at_mark[0][part], stream.at_mark[1][part], stream.beyond[part]
    batches, of_control = stream.batches[0][part], stream.batches[1][part]
    batch_share = batches / np.maximum(batches + of_control, 1)
    harmful |= coin.log_evidence(slow, slow_theirs, batch_share) >= -np.log(proofs.of_harm)
    safe = coin.log_evidence(slow_theirs, beyond, 1.0 - batch_share) >= -np.log(proofs.of_safety)
    where = np.flatnonzero(safe)
    ours, of_ours, theirs, of_theirs = (side[where, SLICES] for side in (ours, of_ours, theirs, of_theirs))
    safe[where] = margin.log_evidence(ours, of_ours, theirs, of_theirs, ERROR_MARGIN) >= -np.log(proofs.of_safety)
    return np.asarray(start + np.flatnonzero(harmful | safe), dtype=np.int64)


def _largest_ratio(ours: Looks, theirs: Looks, share: Floats) -> Floats:
    events = np.maximum(ours + theirs, 1)
    part = ours / events
    ratio = xlogy(ours, part / np.maximum(share, 1e-9)) + xlogy(theirs, (1 - part) / np.maximum(1 - share, 1e-9))
    return np.where(part > share, ratio, 0.0)


def shadow_looks(stream: ShadowStream, proofs: Proof) -> Looks:
    """Return the looks of a shadow stage at which some mean is proven worse, or all are proven within their margin."""
    value, error = means.spread(stream.totals, stream.products, stream.clusters[:, None])
    clusters = stream.clusters[:, None]
    margins = np.array([SLICE_QUALITY_MARGIN] * SLICES + [QUALITY_MARGIN])
    harmful = (value - means.radius(error, clusters, proofs.of_harm) > 0) & (value > margins)
    safe = value + means.radius(error, clusters, proofs.of_safety) < margins
    return np.flatnonzero(harmful.any(axis=1) | safe.all(axis=1))
