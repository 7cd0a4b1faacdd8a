"""How good scores are: every metric, over all judged rows and by slice."""

import numpy as np

from feature_repo.definition import Columns
from flows.training.rivals import RivalScores
from flows.training.rows import Rows
from lifecycle.calibration import calibration_curve, calibration_error
from lifecycle.cost import cost_per_row
from lifecycle.evaluation import Evaluation, Measured, Metrics
from lifecycle.policy import Policy


def evaluate(judge: Rows, candidate: np.ndarray, rivals: RivalScores, policy: Policy) -> Evaluation:
    """Return the evaluation of a candidate's scores, (n_rows,), beside its rivals' on the same rows."""
    return Evaluation(
        candidate=measure(judge.labels, candidate, judge.slices, policy),
        rivals={rival: measure(judge.labels, scores, judge.slices, policy) for rival, scores in rivals.scores.items()},
        absent=rivals.absent,
        first_version=rivals.no_champion,
    )


def measure(labels: np.ndarray, scores: np.ndarray, slices: Columns, policy: Policy) -> Measured:
    """Return one scorer's metrics overall and for every value of every slice."""
    by_slice = {}
    for name, values in slices.items():
        texts = values.astype(str)
        by_slice[name] = {
            str(value): measure_rows(labels[texts == value], scores[texts == value], policy)
            for value in np.unique(texts)
        }
    return Measured(overall=measure_rows(labels, scores, policy), slices=by_slice)


def measure_rows(labels: np.ndarray, scores: np.ndarray, policy: Policy) -> Metrics:
    """Return the metrics of (n_rows,) scores; the ranking ones are None when only one class occurs."""
    from sklearn.metrics import (  # noqa: PLC0415 - a second that no replica needs to pay
        average_precision_score,
        brier_score_loss,
        log_loss,
        roc_auc_score,
    )

    rows, positives = len(labels), int(labels.sum())
    both = 0 < positives < rows
    return Metrics(
        rows=rows,
        positives=positives,
        auc=float(roc_auc_score(labels, scores)) if both else None,
        average_precision=float(average_precision_score(labels, scores)) if both else None,
        brier=float(brier_score_loss(labels, scores, pos_label=1)) if rows else None,
        log_loss=float(log_loss(labels, scores, labels=[0, 1])) if rows else None,
        calibration_error=calibration_error(calibration_curve(labels, scores)) if rows else None,
        cost_per_row=cost_per_row(labels, scores, policy.decision.threshold, policy.cost) if rows else None,
    )
