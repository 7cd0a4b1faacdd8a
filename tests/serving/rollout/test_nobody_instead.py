"""Failures that nobody stands in for: the caller is told, and the log has them as shown."""

from collections.abc import Callable

import numpy as np

from lifecycle.assignment import Arm
from tests.serving.conftest import MODEL, Bench, flight
from tests.serving.rollout.trials import (
    CANARY,
    CHAMPION,
    NAMED,
    SHORT_MS,
    Hanging,
    fails,
    plan,
    put,
    put_with,
    rows_in,
)


def test_named_canary_that_fails_says_so(make_bench: Callable[..., Bench]) -> None:
    """Who asks for a version gets that version's failure, and the log shows it as what was shown."""
    bench = make_bench()
    put_with(bench, CANARY, fails)
    answer = bench.ask("POST", NAMED, json={"rows": [flight()]})
    assert (answer.status_code, answer.json()["title"]) == (500, "version failed")
    assert "carrier" not in answer.text
    (row,) = bench.log.rows()
    assert (row["arm"], row["outcome"], row["shown"], row["pairs_with"]) == ("named", "failed", True, None)


def test_named_canary_that_hangs_says_so(make_bench: Callable[..., Bench], hanging: Hanging) -> None:
    """By the canary's deadline."""
    bench = make_bench(deadline_ms=SHORT_MS)
    put_with(bench, CANARY, hanging)
    assert bench.ask("POST", NAMED, json={"rows": [flight()]}).status_code == 500
    assert bench.log.rows()[0]["error"] == "no answer within 150 ms"


def test_failing_champion_asked_for_by_name_is_logged_as_shown_and_answered_as_a_500(
    make_bench: Callable[..., Bench],
) -> None:
    """Each request of its batch is tried by itself before it counts."""
    bench = make_bench()
    put(bench, plan(0.01))
    rows = rows_in(bench, Arm.CHAMPION, 3)
    served = bench.models.find(MODEL)
    assert served is not None
    column = served.definition.vector.index("scheduled_minutes")

    def predict(matrix: np.ndarray) -> np.ndarray:
        return np.where(matrix[:, column] == 236.0, np.nan, 0.25)

    put_with(bench, CHAMPION, predict, share=0.01)
    odd = rows[1] | {"scheduled_arrival_at": "2013-04-01T18:26:00Z"}
    path = f"/v2/models/{MODEL}/versions/{CHAMPION}/predict"
    answers = bench.ask_all([("POST", path, {"json": {"rows": [row]}}) for row in (rows[0], odd, rows[2])])
    assert [answer.status_code for answer in answers] == [200, 500, 200]
    assert "prediction log has the reason" in answers[1].json()["detail"]
    logged = bench.log.rows()
    assert [(row["outcome"], row["shown"]) for row in logged] == [
        ("answered", True),
        ("answered", True),
        ("failed", True),
    ]
    assert "nan" in logged[2]["error"]
    assert logged[2]["pairs_with"] is None
