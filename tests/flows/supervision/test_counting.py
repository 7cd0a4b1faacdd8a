"""The vectorised counts against the same counted row by row."""

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.definition import ModelDefinition
from flows.supervision.means import clustered
from flows.supervision.rates import tally
from flows.supervision.series import SPAN_US, error_series
from flows.supervision.slices import read_requests, slice_values
from tests.flows import toy
from tests.serving.contracts.parcels import DEFINITION

ROWS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=40)
VALUES = st.lists(st.tuples(st.integers(0, 4), st.floats(-5, 5) | st.just(float("nan"))), max_size=30)


@given(ROWS)
def test_observation_is_an_event_if_any_of_its_rows_was(rows: list[tuple[int, bool]]) -> None:
    """Whatever the order and however often it was asked."""
    found = tally(
        np.array([one for one, _ in rows], dtype=np.int64), np.array([event for _, event in rows], dtype=bool)
    )
    assert found.observations == len({one for one, _ in rows})
    assert found.events == len({one for one, event in rows if event})


@given(st.lists(st.tuples(st.integers(0, 6 * SPAN_US), st.integers(0, 3), st.booleans()), max_size=40))
def test_series_has_every_span_from_the_first_row_to_the_last(rows: list[tuple[int, int, bool]]) -> None:
    """A span counts each unit and hour once, and is empty when nothing was served in it."""
    counted: dict[int, dict[int, bool]] = defaultdict(lambda: defaultdict(bool))
    for served, asked, failed in rows:
        counted[served // SPAN_US][asked] |= failed
    frame = pd.DataFrame(sorted(rows), columns=["served_us", "asked", "failed"])
    found = error_series(frame.astype({"served_us": "int64", "asked": "int64", "failed": "bool"}))
    spans = range(min(counted), max(counted) + 1) if counted else []
    expected = [(sum(counted[span].values()), len(counted[span])) for span in spans]
    assert [(each.events, each.observations) for each in found.tallies] == expected


@given(VALUES, VALUES)
def test_sums_and_products_are_those_of_the_hours_vectors(
    mine: list[tuple[int, float]], its: list[tuple[int, float]]
) -> None:
    """Values that are nan are in neither."""
    vectors: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(4))
    for side, rows in ((0, mine), (2, its)):
        for hour, value in rows:
            if not np.isnan(value):
                vectors[hour] += np.eye(4)[side] * value + np.eye(4)[side + 1]
    arrays = [
        array
        for rows in (mine, its)
        for array in (np.array([hour for hour, _ in rows], np.int64), np.array([value for _, value in rows], float))
    ]
    found = clustered(*arrays)
    assert found.clusters == len(vectors)
    total = sum(vectors.values(), np.zeros(4))
    products = sum((np.outer(vector, vector) for vector in vectors.values()), np.zeros((4, 4)))
    assert found.totals == pytest.approx(tuple(total), abs=1e-9)
    assert found.products == pytest.approx(tuple(products.ravel()), abs=1e-9)


def test_logged_requests_are_read_as_the_contracts_columns() -> None:
    """Line breaks between keys, escapes in texts and other ways to write a moment change nothing."""
    definition: ModelDefinition = toy.DEFINITION
    requests = [
        '{"unit":"u1","site":"north","load":1,"asked_at":"2020-01-02T00:00:00Z"}',
        '{"unit":"u\\n2",\n "site":"south",\n "load":0.5, "asked_at":"2020-01-02T02:00:00.250+01:00", "more":[1]}',
    ]
    frame = read_requests(definition.contract, requests)
    assert frame["unit"].tolist() == ["u1", "u\n2"]
    assert frame["load"].tolist() == [1.0, 0.5]
    assert frame["asked_at"].dt.strftime("%H:%M:%S.%f").tolist() == ["00:00:00.000000", "01:00:00.250000"]


def test_row_without_a_request_is_in_no_slice() -> None:
    """Rows with one keep theirs."""
    request = '{"unit":"u1","site":"north","load":1,"asked_at":"2020-01-02T00:00:00Z"}'
    found = slice_values(toy.DEFINITION, pd.Series([request, None, request], index=[7, 8, 9]))
    assert found["site"].tolist() == ["north", None, "north"]
    assert list(found.index) == [7, 8, 9]
    assert slice_values(toy.DEFINITION, pd.Series([None], index=[7])).columns.empty


def test_request_that_another_contract_asked_is_in_no_slice() -> None:
    """After a change of the contract the old rows are still in the log, and must not end the watch over the new."""
    good = '{"unit":"u1","site":"north","load":1,"asked_at":"2020-01-02T00:00:00Z"}'
    odd = [
        '{"unit":"u1","site":"north","load":"much","asked_at":"2020-01-02T00:00:00Z"}',
        '{"unit":"u1","site":"north","load":1,"asked_at":"at noon"}',
        '{"unit":"u1","site":"north"}',
        "no JSON at all",
        "",
        f"{good} {good}",
    ]
    found = slice_values(toy.DEFINITION, pd.Series([good, *odd, good]))
    assert found["site"].tolist() == ["north", *[None] * 6, "north"]
    assert slice_values(toy.DEFINITION, pd.Series(odd)).columns.empty


def test_request_of_an_older_contract_is_read_by_its_own_definition() -> None:
    """While both are in use, a rule over slices sees the rows of both; a contract that is gone is in no slice."""
    asked = {"parcels_v1": '{"service":"road"', "parcels_v2": '{"service":"drone","fragile":true'}
    weights = {"parcels_v1": "weight", "parcels_v2": "weight_kg"}
    contracts = ["parcels_v1", "parcels_v2", None, "parcels_v0"]
    requests = [
        f'{asked[known]},"parcel":1,"sender":"s1","{weights[known]}":1,"asked_at":"2024-05-01T13:00:00Z"}}'
        for known in ("parcels_v1", "parcels_v2", "parcels_v2", "parcels_v1")
    ]
    found = slice_values(DEFINITION, pd.Series(requests, index=[5, 6, 7, 8]), pd.Series(contracts, index=[5, 6, 7, 8]))
    assert found["service"].tolist()[:3] == ["road", "drone", "drone"]
    assert pd.isna(found["service"].iloc[3])
    assert list(found.index) == [5, 6, 7, 8]
