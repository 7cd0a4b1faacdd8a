"""A new champion gets its own threshold proposed, once, from its labelled answers; nothing is applied."""

import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import Engine, delete

from flows.recalibrate import recalibrate
from stores.events import EventStore
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.ledger.proposals import Proposals
from stores.ledger.schema import plans
from stores.policies import load_policy
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import adopt_orphans
from stores.settings import Settings, settings
from tests.flows import toy


@pytest.fixture
def places(home: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Return settings with the toy's policy, its twenty days of events, and version 1 as champion."""
    features = ModuleType("feature_repo.toy")
    vars(features)["DEFINITION"] = toy.DEFINITION
    monkeypatch.setitem(sys.modules, features.__name__, features)
    monkeypatch.setenv("HOLDFAST_POLICIES", str(tmp_path / "policies"))
    settings.cache_clear()
    settings().policies.mkdir()
    (settings().policies / "toy.yaml").write_text(toy.POLICY, encoding="utf-8")
    events = EventStore(home.events)
    for stream in toy.DEFINITION.streams:
        events.merge("toy", stream.name, stream.key, stream.read(toy.START, toy.END))
    engine = open_ledger(home.ledger_address)
    Progress(engine).set_replay(toy.END)
    Plans(engine).write(Plans(engine).current("toy").promote("1", toy.START), toy.START)
    return settings()


@pytest.fixture
def engine(places: Settings) -> Engine:
    """Return the ledger."""
    return open_ledger(places.ledger_address)


def answer(places: Settings, version: str, *, shifted: bool, days: int = 20, **more: object) -> None:
    """Log a score for each ask: 0.9 or 0.1 by its answer, right nine times in ten; shifted, all above a half."""
    asks = toy.read_asks(toy.START, toy.START + timedelta(days=days))
    rng = np.random.default_rng(5)
    right = rng.random(len(asks)) < 0.9
    likely = np.where(right, asks["answer"], 1 - asks["answer"]) == 1
    scores = np.where(likely, 0.9, 0.6 if shifted else 0.1)
    rows = [
        {
            "prediction_id": f"{version}-{ask}",
            "model": "toy",
            "version": version,
            "example_id": str(ask),
            "moment_at": at,
            "served_at": at,
            "score": score,
            **more,
        }
        for ask, at, score in zip(asks["ask"], asks["asked_at"], scores.tolist(), strict=True)
    ]
    writer = SegmentWriter(places.prediction_log, f"r{version}{more.get('decided_by', '')}")
    writer.append(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
    writer.close()
    adopt_orphans(places.prediction_log)


def test_a_champion_whose_scores_lie_elsewhere_gets_a_threshold_proposed_once(places: Settings, engine: Engine) -> None:
    """Between 0.6 and 0.9 nothing is lost; at the written half every ask is warned of."""
    answer(places, "1", shifted=True)
    (proposal,) = recalibrate.fn("toy")
    assert (proposal.key, proposal.written, proposal.version) == ("decision.threshold", 0.5, "1")
    assert 0.6 < proposal.proposed <= 0.9
    assert proposal.policy_revision == load_policy(places.policies, "toy").revision()
    assert Proposals(engine).open("toy") == (proposal,)
    assert (places.policies / "toy.yaml").read_text(encoding="utf-8") == toy.POLICY
    assert recalibrate.fn("toy") == ()
    assert recalibrate.fn("toy", again=True) == ()
    assert len(Proposals(engine).of("toy")) == 1


def test_a_champion_that_fits_gets_none_and_the_next_one_is_judged_anew(places: Settings, engine: Engine) -> None:
    """What the shadow said of it beforehand counts; what another version said does not."""
    answer(places, "1", shifted=False)
    answer(places, "2", shifted=True, arm="shadow", shown=False, outcome="answered")
    assert recalibrate.fn("toy") == ()
    Plans(engine).write(Plans(engine).current("toy").promote("2", toy.END), toy.END)
    (proposal,) = recalibrate.fn("toy")
    assert proposal.version == "2"


def test_too_few_days_are_waited_for(places: Settings, engine: Engine) -> None:
    """A champion that is judged too early would be judged by one week's weather."""
    answer(places, "1", shifted=True, days=10)
    assert recalibrate.fn("toy") == ()
    answer(places, "1", shifted=True)
    assert len(recalibrate.fn("toy")) == 1


def test_what_the_threshold_did_not_decide_counts_for_nothing(places: Settings, engine: Engine) -> None:
    """Overrides, filters and failed attempts would be the same at any threshold."""
    answer(places, "1", shifted=True, decided_by="hardly-anything-known")
    assert recalibrate.fn("toy") == ()
    assert Proposals(engine).of("toy") == ()


def test_a_model_without_champion_is_passed_over(places: Settings, engine: Engine) -> None:
    """There is nothing to recalibrate for."""
    answer(places, "1", shifted=True)
    with engine.begin() as connection:
        connection.execute(delete(plans))
    assert recalibrate.fn() == ()
    assert Proposals(engine).of("toy") == ()
