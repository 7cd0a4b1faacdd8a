"""`holdfast replay` scores a logged prediction again, bit for bit."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest
import typer
import xgboost

from console.replay import replay
from lifecycle.contract import Contract, Field, FieldType
from lifecycle.errors import ArtifactInvalid, EvidenceMissing, NotFound
from lifecycle.manifest import Example, Manifest
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.predictor import load_predictor
from stores.settings import Settings
from stores.small import load_small
from stores.versions import Versions, file_digest, read_version
from tests.stores import artifacts
from tests.stores.artifacts import add_small

FEATURES = np.array([[0.1, -2.5]], dtype=np.float32)


@pytest.fixture
def digest(home: Settings) -> str:
    """Store version 1 of a tiny booster in the local copies; return its model file's digest."""
    folder = home.versions / "tiny" / "1"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(200, 2)).astype(np.float32)
    booster = xgboost.train(
        {"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(rows, label=rows[:, 0] > 0), num_boost_round=5
    )
    booster.save_model(folder / "model.ubj")
    field = Field(name="size", type=FieldType.NUMBER, description="Size.", example=1.0, minimum=0, maximum=9)
    manifest = Manifest(
        model="tiny",
        format="xgboost-ubj",
        model_file="model.ubj",
        contract=Contract(model="tiny", version=1, fields=(field,)),
        feature_service="tiny_v1",
        vector=("first", "second"),
        example=Example(request=(), features=(), scores=()),
        files={"model.ubj": file_digest(folder / "model.ubj")},
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return manifest.artifact_digest


def log_prediction(home: Settings, score: float, digest: str) -> None:
    """Put prediction `p` on the log."""
    row = {
        "prediction_id": "p",
        "model": "tiny",
        "version": "1",
        "artifact_digest": digest,
        "features": FEATURES[0].tolist(),
        "score": score,
    }
    SegmentWriter(home.prediction_log, "replica").append(pa.RecordBatch.from_pylist([row], schema=SCHEMA))


def score_of(home: Settings) -> float:
    """Return what the stored version gives the features."""
    return float(load_predictor(Versions(home.versions, None).open("tiny", "1")).score(FEATURES)[0])


def test_prediction_is_the_same_bit_for_bit(home: Settings, digest: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The logged features and the version are all it takes."""
    score = score_of(home)
    log_prediction(home, score, digest)
    replay("p")
    out = capsys.readouterr().out
    assert out.count(score.hex()) == 2
    assert "the same bit for bit" in out


def test_difference_in_the_last_bit_is_exit_code_one(
    home: Settings, digest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both numbers are shown to the bit, so that a rounding can be told from another model."""
    logged = math.nextafter(score_of(home), 1)
    log_prediction(home, logged, digest)
    with pytest.raises(typer.Exit) as ended:
        replay("p", as_json=True)
    assert ended.value.exit_code == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["logged"], shown["replayed"], shown["same"]) == (logged, score_of(home), False)


def test_another_model_file_than_answered_is_refused(home: Settings, digest: str) -> None:
    """A version whose file was replaced cannot stand in for the one that answered."""
    log_prediction(home, 0.5, "0" * 64)
    with pytest.raises(ArtifactInvalid, match=digest):
        replay("p")


def test_failed_attempt_has_nothing_to_compare_and_says_why(home: Settings, digest: str) -> None:
    """The reason, and the row that was shown instead."""
    row = {
        "prediction_id": "f",
        "model": "tiny",
        "version": "1",
        "artifact_digest": digest,
        "features": FEATURES[0].tolist(),
        "outcome": "failed",
        "error": "no answer within 50 ms",
        "pairs_with": "p",
    }
    SegmentWriter(home.prediction_log, "replica").append(pa.RecordBatch.from_pylist([row], schema=SCHEMA))
    with pytest.raises(EvidenceMissing, match=r"failed \(no answer within 50 ms\); p was shown in its place"):
        replay("f")


def test_answer_of_the_rule_was_scored_by_no_version_and_says_so(home: Settings, digest: str) -> None:
    """To score it by the version would compare two different things."""
    row = {
        "prediction_id": "r",
        "model": "tiny",
        "version": "1",
        "artifact_digest": digest,
        "features": FEATURES[0].tolist(),
        "score": 0.1,
        "tier": "rule",
    }
    SegmentWriter(home.prediction_log, "replica").append(pa.RecordBatch.from_pylist([row], schema=SCHEMA))
    with pytest.raises(
        EvidenceMissing, match=r"answered by the rule of tiny, while the answers of version 1 were stopped"
    ):
        replay("r")


def test_answer_of_the_small_model_is_scored_by_the_small_model(
    home: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scored by the version it came with, it would be another answer."""
    folder = home.versions / "toy" / "1"
    manifest = add_small(folder, artifacts.write_version(folder))
    small = load_small(read_version(folder, "toy"))
    assert small is not None
    matrix = artifacts.feature_matrix(5)
    rows = [
        {
            "prediction_id": tier,
            "model": "toy",
            "version": "1",
            "artifact_digest": manifest.artifact_digest,
            "features": matrix[0].tolist(),
            "score": float(small.score(matrix)[0]),
            "tier": tier,
        }
        for tier in ("small", "model")
    ]
    SegmentWriter(home.prediction_log, "replica").append(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
    replay("small")
    assert "the same" in capsys.readouterr().out
    with pytest.raises(typer.Exit):
        replay("model")


def test_answer_given_again_names_what_to_replay(home: Settings, digest: str) -> None:
    """Its score was computed for another row, perhaps of other features."""
    row = {
        "prediction_id": "c",
        "model": "tiny",
        "version": "1",
        "artifact_digest": digest,
        "features": FEATURES[0].tolist(),
        "score": 0.1,
        "tier": "cache",
    }
    SegmentWriter(home.prediction_log, "replica").append(pa.RecordBatch.from_pylist([row], schema=SCHEMA))
    with pytest.raises(EvidenceMissing, match="was given again"):
        replay("c")


def test_unknown_prediction_is_refused(home: Settings) -> None:
    """There is nothing to compare with."""
    with pytest.raises(NotFound, match="'p'"):
        replay("p")
