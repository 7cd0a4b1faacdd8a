"""An unsure answer goes out as provisional, and the log says who is to look at what."""

from collections.abc import Callable
from typing import Any

from lifecycle.plan import TrafficPlan
from lifecycle.review_policy import ReviewPolicy
from tests.serving.conftest import MODEL, Bench, flight

INFER = f"/v2/models/{MODEL}/infer"


def served(make_bench: Callable[..., Bench], review: ReviewPolicy | None, **more: Any) -> Bench:
    """Return an application whose policy has these reviews."""
    bench = make_bench(review=review, **more)
    bench.models.put(bench.stand_up(TrafficPlan(MODEL, revision=2, champion="2", previous="1")))
    return bench


def reviews(within: float, share: float = 0.0) -> ReviewPolicy:
    """Return a policy of reviews."""
    return ReviewPolicy(
        unsure_within=within,
        unsure_decided_by=("hardly-anything-known",),
        audit_share=share,
        most_open=1000,
        answer_within_hours=1,
        claim_minutes=5,
        escalate_to="on-call",
    )


def test_unsure_answer_says_so_and_the_log_does(make_bench: Callable[..., Bench]) -> None:
    """Every score is within 1 of the threshold."""
    bench = served(make_bench, reviews(1.0))
    predictions = bench.predict(flight(), flight(flight=7)).json()["predictions"]
    assert [one["provisional"] for one in predictions] == [True, True]
    assert [row["review"] for row in bench.log.rows()] == ["provisional", "provisional"]


def test_sure_answer_that_is_audited_is_final_to_its_caller(make_bench: Callable[..., Bench]) -> None:
    """People look at it all the same."""
    bench = served(make_bench, reviews(0.0, share=1.0))
    (prediction,) = bench.predict(flight()).json()["predictions"]
    assert prediction["provisional"] is False
    assert [row["review"] for row in bench.log.rows()] == ["audit"]


def test_without_reviews_no_answer_is_provisional(make_bench: Callable[..., Bench]) -> None:
    """Nor is anything logged about it."""
    bench = served(make_bench, None)
    assert bench.predict(flight()).json()["predictions"][0]["provisional"] is False
    assert [row["review"] for row in bench.log.rows()] == [None]


def test_v2_response_lists_provisional_rows_only_when_there_are_some(make_bench: Callable[..., Bench]) -> None:
    """Comma-separated in row order, as the other parameters by row."""
    tensors = [
        {"name": name, "shape": [1], "datatype": kind, "data": [value]}
        for (name, value), kind in zip(flight().items(), ("BYTES", "INT64", *["BYTES"] * 5, "FP64"), strict=True)
    ]
    for within, said in ((1.0, "true"), (0.0, None)):
        answer = served(make_bench, reviews(within)).ask("POST", INFER, json={"inputs": tensors}).json()
        assert answer["parameters"].get("provisional") == said
