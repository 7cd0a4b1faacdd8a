"""Ages and defaults are read off the log as they were at serving."""

from datetime import timedelta

import pytest

from flows.parity.freshness import freshness
from lifecycle.freshness import decide_freshness
from lifecycle.verdict import Verdict
from stores.prediction_log.table import PredictionLog
from tests.flows import toy
from tests.flows.parity.serving import Served

MOMENT = toy.START + timedelta(days=3)
WINDOW = (MOMENT - timedelta(hours=1), MOMENT)


def answer(served: Served, ages: list[float | None], **more: object) -> None:
    """Log one answer for each age in hours."""
    served.log(
        [
            {
                "prediction_id": f"p{age}",
                "model": "toy",
                "contract": toy.CONTRACT.name,
                "tier": "model",
                "moment_at": MOMENT,
                "served_at": MOMENT,
                "defaulted": ["level"] if age is None or age > 24 else [],
                "feature_at": [None if age is None else MOMENT - timedelta(hours=age)],
                **more,
            }
            for age in ages
        ]
    )


def test_ages_are_quantiles_over_the_rows_that_found_one(served: Served) -> None:
    """A missing row has no age, and counts in the share of the missing."""
    answer(served, [1.0, 2.0, 3.0, 30.0, None])
    found = freshness(PredictionLog(served.config.prediction_log), toy.DEFINITION, *WINDOW)
    view = found.views["unit_state"]
    assert (found.rows, view.rows, view.limit_hours) == (5, 5, 24)
    assert (view.median_hours, view.newest_hours) == (2.5, 1.0)
    assert view.p95_hours == pytest.approx(3 + 0.85 * 27)
    assert view.missing == pytest.approx(0.2)
    assert view.beyond_limit == 0.25
    assert found.defaulted == {"level": 0.4, "late_share": 0.0, "asked_load": 0.0}


def test_only_what_clients_were_shown_by_the_model_counts(served: Served) -> None:
    """Neither a shadow's rows, nor failed ones, nor another contract's, nor those outside the window."""
    answer(served, [1.0])
    answer(served, [50.0], shown=False)
    answer(served, [50.0], outcome="failed")
    answer(served, [50.0], contract="toy_v0")
    answer(served, [50.0], tier="rule")
    answer(served, [50.0], moment_at=WINDOW[0])
    found = freshness(PredictionLog(served.config.prediction_log), toy.DEFINITION, *WINDOW)
    assert (found.rows, found.views["unit_state"].median_hours) == (1, 1.0)


def test_a_window_without_answers_is_no_pass(served: Served) -> None:
    """Nothing is known of the view then."""
    found = freshness(PredictionLog(served.config.prediction_log), toy.DEFINITION, *WINDOW)
    assert (found.rows, found.views["unit_state"].median_hours) == (0, None)
    (finding,) = decide_freshness(found)
    assert (finding.rule_id, finding.verdict) == ("stale:unit_state", Verdict.INCONCLUSIVE)
