"""The baseline of what a version serves when its small model answers a part of it."""

from dataclasses import replace
from datetime import datetime

import numpy as np

from lifecycle.cascade import sure_bands
from lifecycle.policy import Policy
from lifecycle.profile_counting import count_numbers
from stores.ledger.baselines import Baseline
from stores.prediction_log.counting import COUNTABLE
from stores.prediction_log.table import PredictionLog
from stores.small import judged_rows
from stores.versions import VersionFiles

ANSWERED = f"""
SELECT count(*) AS rows, count(*) FILTER (WHERE tier = 'small') AS small
FROM predictions
WHERE model = ? AND version = ? AND moment_at >= ? AND moment_at < ? AND {COUNTABLE}
"""  # noqa: S608 - our own condition


def small_share(log: PredictionLog, baseline: Baseline, width: int, since: datetime, until: datetime) -> float:
    """Return the share of a version's answers that its small model gave, for moments in [since, until)."""
    (found,) = log.query(ANSWERED, (baseline.model, baseline.version, since, until, width))
    return float(found["small"] / found["rows"]) if found["rows"] else 0.0


def as_served(baseline: Baseline, files: VersionFiles, policy: Policy, share: float) -> Baseline:
    """Return a baseline whose scores are those to be expected while the small model gives such a share of the answers.

    A small model's scores lie closer together than its version's, which is no move of the world. The cascade rests at
    times, so the expected scores are mixed of both ways by how much of the time it worked. Without a cascade, and for a
    version without a small model, the baseline stays as it is.
    """
    cascade, judged = policy.serving.cascade, judged_rows(files)
    if cascade is None or judged is None or not share:
        return baseline
    version, small = judged[:, 1], judged[:, 2]
    sure = sure_bands(version, small, policy.decision.threshold, cascade).sure(small)
    if not sure.any():
        return baseline
    worked = min(1.0, share / float(sure.mean()))
    own = baseline.profile.score
    alone, cascaded = (
        np.array(count_numbers(own.edges, scores, np.zeros(len(scores), dtype=bool)).counts)
        for scores in (version, np.where(sure, small, version))
    )
    counts = np.rint(worked * cascaded + (1 - worked) * alone).astype(int)
    score = own.model_copy(update={"counts": tuple(counts.tolist()), "missing": 0})
    profile = baseline.profile.model_copy(update={"score": score, "score_rows": int(counts.sum())})
    return replace(baseline, profile=profile)
