"""Who answers which row where something cheaper may, and what is in the log of it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lifecycle.plan import ShadowArm, TrafficPlan
from tests.serving.cheap.conftest import CACHE, CASCADE, NOW, SURE, UNSURE, bands, counted, on_trial, stand, tiers
from tests.serving.conftest import MODEL, Bench, Row, flight


def test_small_model_answers_what_it_is_sure_of_and_the_version_the_rest(make_bench: Callable[..., Bench]) -> None:
    """In one request, in its order; the version never sees the sure rows."""
    bench = stand(make_bench(cascade=CASCADE))
    asked = counted(bench)
    rows = [flight(distance_miles=float(one)) for one in range(50, 3000, 100)]
    said = tiers(bench, *rows)
    assert set(said) == {"small", "model"}
    assert asked == [said.count("model")]
    scores = np.array([row["score"] for row in bench.log.rows()])
    sure = bands(bench).sure(scores)
    assert sure[np.array(said) == "small"].all()
    assert said[0] == said[-1] == "small"


def test_sure_rows_alone_do_not_ask_the_version_at_all(make_bench: Callable[..., Bench]) -> None:
    """And the answer as a whole is the small model's."""
    bench = stand(make_bench(cascade=CASCADE))
    asked = counted(bench)
    assert tiers(bench, SURE, SURE) == ["small", "small"]
    assert asked == []
    inputs = bench.ask("POST", f"/v2/models/{MODEL}/predict", json={"rows": [SURE]}).json()
    assert inputs["version"] == "2"


def test_without_a_cascade_the_version_answers_everything(make_bench: Callable[..., Bench]) -> None:
    """Off by default, though the small model stands."""
    bench = stand(make_bench())
    assert tiers(bench, SURE, UNSURE) == ["model", "model"]
    assert bench.models.lane(MODEL, None)[1].arm.small is not None


def test_version_asked_for_by_its_name_answers_itself(make_bench: Callable[..., Bench]) -> None:
    """Whoever names a version wants that version."""
    bench = stand(make_bench(cascade=CASCADE, cache=CACHE))
    path = f"/v2/models/{MODEL}/versions/1/predict"
    for _ in range(2):
        answer = bench.ask("POST", path, json={"rows": [SURE]}).json()
        assert answer["predictions"][0]["tier"] == "model"


def test_several_requests_of_one_batch_get_their_own_rows(make_bench: Callable[..., Bench]) -> None:
    """Requests that arrive together are told apart."""
    bench = stand(make_bench(cascade=CASCADE))
    path = f"/v2/models/{MODEL}/predict"
    bodies = [[SURE], [UNSURE, SURE], [UNSURE]]
    answers = bench.ask_all([("POST", path, {"json": {"rows": rows}}) for rows in bodies])
    said = [[one["tier"] for one in answer.json()["predictions"]] for answer in answers]
    assert said == [["small"], ["model", "small"], ["model"]]


def test_small_model_rests_while_a_version_is_in_shadow(make_bench: Callable[..., Bench]) -> None:
    """The rows that it would leave to the champion are not like the others."""
    bench = stand(make_bench(cascade=CASCADE))
    plan = TrafficPlan(MODEL, revision=3, champion="2", previous=None, shadow=ShadowArm("1", 3, NOW))
    assert tiers(stand(bench, plan), SURE) == ["model"]


def test_rows_of_a_canary_s_request_are_cheap_where_the_champion_answers(make_bench: Callable[..., Bench]) -> None:
    """Parts of parts come back to their own places, and under their own numbers in the log."""
    bench = make_bench(cascade=CASCADE)
    on_trial(bench, 0.4)
    rows = [
        flight(tail_number=f"N{number}", distance_miles=float(SURE["distance_miles"] or 0) if number % 2 else 1336.0)
        for number in range(100, 130)
    ]
    said = tiers(bench, *rows)
    logged = sorted(bench.log.rows(), key=lambda row: row["row"])
    assert [row["row"] for row in logged] == list(range(len(rows)))
    assert [row["tier"] for row in logged] == said
    assert [row["request"] for row in logged] == [
        row["request"] for row in sorted(logged, key=lambda row: rows.index(_asked(row, rows)))
    ]
    assert {row["tier"] for row in logged if row["arm"] == "champion"} == {"small", "model"}
    assert {row["tier"] for row in logged if row["arm"] != "champion"} == {"model"}


def _asked(logged: dict[str, Any], rows: list[Row]) -> Row:
    (found,) = (row for row in rows if f'"{row["tail_number"]}"' in logged["request"])
    return found
