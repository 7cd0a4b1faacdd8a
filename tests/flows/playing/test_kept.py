"""The frozen first champion and what was kept are held against the same outcomes of the same answers."""

from datetime import timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from flows.playing.kept import Comparison, compare_with_frozen
from flows.playing.kept_table import table_of
from flows.training.booster import grow_booster
from lifecycle.manifest import Example, Manifest
from stores.events import EventStore
from stores.policies import read_policy
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.table import PredictionLog
from stores.versions import Versions, file_digest
from tests.flows import toy
from tests.stores.prediction_log.answered import batch_of

NOW = toy.START + timedelta(days=15)


class Fixed:
    """A clock that stands."""

    def now(self) -> object:
        """Return the toy's moment."""
        return NOW


@pytest.fixture
def found(tmp_path: Path) -> Comparison:
    """Return the comparison over the toy's questions: version 2 answered right, version 1 is frozen."""
    policy = tmp_path / "toy.yaml"
    policy.write_text(toy.POLICY, encoding="utf-8")
    written = read_policy(policy)
    _store_version_1(tmp_path / "versions", written.training)
    events = EventStore(tmp_path / "events")
    for stream in toy.DEFINITION.streams:
        events.merge("toy", stream.name, stream.key, stream.read(toy.START, NOW))
    asks = toy.read_asks(toy.START, NOW).to_dict("records")
    writer = SegmentWriter(tmp_path / "log", "r1")
    for shown in (True, False):
        rows = [
            {
                "prediction_id": f"{ask['ask']}-{shown}",
                "example_id": str(ask["ask"]),
                "model": "toy",
                "version": "2",
                "plan_revision": 3,
                "served_at": NOW,
                "moment_at": ask["asked_at"].to_pydatetime(),
                "features": [0.0, 0.5, float(ask["load"])],
                # What nobody was shown is wrong, and must not count.
                "score": 0.9 if bool(ask["answer"]) == shown else 0.1,
                "outcome": "answered",
                "shown": shown,
            }
            for ask in asks
        ]
        writer.append(batch_of(rows))
    writer.close()
    return compare_with_frozen(
        "1",
        toy.DEFINITION,
        written,
        log=PredictionLog(tmp_path / "log"),
        events=events,
        versions=Versions(tmp_path / "versions", None),
        clock=Fixed(),  # type: ignore[arg-type]
    )


def _store_version_1(root: Path, training: object) -> None:
    folder = root / "toy" / "1"
    folder.mkdir(parents=True)
    rows = toy.some_rows(600)
    booster = grow_booster(rows.matrix, rows.labels, toy.DEFINITION.vector, training)  # type: ignore[arg-type]
    booster.save_model(folder / "model.ubj")
    manifest = Manifest(
        model="toy",
        format="xgboost-ubj",
        model_file="model.ubj",
        contract=toy.CONTRACT,
        feature_service="toy_v1",
        vector=toy.DEFINITION.vector,
        example=Example(request=(), features=((0.0, 0.0, 0.0),), scores=(0.5,)),
        files={"model.ubj": file_digest(folder / "model.ubj")},
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")


def test_both_are_measured_on_the_answers_that_clients_were_shown(found: Comparison) -> None:
    """The kept one was right about each; the frozen one knew less."""
    (january,) = found.months
    assert (january.month, january.versions) == ("2020-01", ("2",))
    labelled = toy.read_asks(toy.START, NOW)
    assert january.kept.rows == january.frozen.rows == len(labelled)
    assert january.kept.auc == 1.0
    assert january.kept.log_loss == pytest.approx(-np.log(0.9))
    assert january.frozen.auc is not None
    assert january.frozen.auc < 0.9


def test_the_table_says_which_of_the_two_was_better(found: Comparison) -> None:
    """Under the right heading."""
    said = StringIO()
    Console(file=said, width=80).print(table_of(found))
    assert "…" not in said.getvalue()
    row = next(line for line in said.getvalue().splitlines() if "2020-01" in line)
    assert row.split()[:4] == ["2020-01", "2", f"{found.months[0].kept.rows:,}", "1.0000"]


def test_a_log_without_answers_compares_nothing(tmp_path: Path) -> None:
    """And says so by being empty."""
    policy = tmp_path / "toy.yaml"
    policy.write_text(toy.POLICY, encoding="utf-8")
    found = compare_with_frozen(
        "1",
        toy.DEFINITION,
        read_policy(policy),
        log=PredictionLog(tmp_path / "log"),
        events=EventStore(tmp_path / "events"),
        versions=Versions(tmp_path / "versions", None),
        clock=Fixed(),  # type: ignore[arg-type]
    )
    assert (found.months, found.together) == ((), None)
