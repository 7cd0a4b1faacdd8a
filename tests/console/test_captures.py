"""`holdfast captures` lists, shows, exports and takes labels back."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from console.captures import app
from lifecycle.errors import InvalidInput, NotFound
from stores.captures import CaptureFiles
from stores.ledger.captures import Capture, Captures
from stores.ledger.labels import PeoplesLabels
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.prediction_log.schema import SCHEMA
from stores.settings import Settings

MODEL = "flight_delay"
NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
CAPTURE = Capture(
    capture_id="c1",
    model=MODEL,
    version="3",
    arm="champion",
    replica="r",
    reason="the last 200 scores [spread] over 0.001",
    rows=3,
    path="captures/c1.parquet",
    evidence={"statistic": "spread", "value": 0.001, "low": 0.2, "high": 1.4, "answers": 200},
    opened_at=NOON,
    captured_at=NOON,
)


def row(example: str, score: float, tier: str = "model") -> dict[str, object]:
    """Return a logged row."""
    request = json.dumps({"carrier": "UA", "note": '=1+1, "so"'})
    return {
        "prediction_id": f"p-{example}-{tier}",
        "example_id": example,
        "request": request,
        "score": score,
        "decision": "late",
        "tier": tier,
    }


@pytest.fixture
def captured(home: Settings) -> Settings:
    """Return a state folder with one capture of two examples, one of which the rule answered later."""
    engine = open_ledger(home.ledger_address)
    Captures(engine).keep(CAPTURE)
    Progress(engine).set_replay(NOON)
    rows = [row("a", 0.5), row("b", 0.5), row("a", 0.1, "rule")]
    CaptureFiles(home.captures).write("c1", pa.Table.from_pylist(rows, schema=SCHEMA))
    return home


def run(*arguments: str) -> None:
    """Run `holdfast captures` as the command line does, errors passed on."""
    app(list(arguments), standalone_mode=False)


def test_list_says_whose_answers_and_why(captured: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Text stays as it is."""
    run("list", "--json")
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["capture_id"], found["reason"], found["closed_at"]) == ("c1", CAPTURE.reason, None)
    run("list", "--model", "other")
    assert "No answers were ever stopped" in capsys.readouterr().out
    run("list")
    assert "still" in capsys.readouterr().out


def test_show_has_the_figures_and_the_scores_by_tier(captured: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Value, limits, window, and where the scores lie."""
    run("show", "c1", "--json")
    shown = json.loads(capsys.readouterr().out)
    assert shown["evidence"] == CAPTURE.evidence
    assert shown["scores"] == {"model": [0, 0, 0, 0, 0, 2, 0, 0, 0, 0], "rule": [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]}
    run("show", "c1")
    out = capsys.readouterr().out
    assert "the last 200 scores [spread] over 0.001" in out
    assert "high: 1.4" in out
    assert "0.5 ████████████████████████████████████████ 2" in out


def test_unknown_capture_is_refused(home: Settings) -> None:
    """With where to look."""
    with pytest.raises(NotFound, match="captures list"):
        run("show", "nothing")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_export_is_labelled_by_people_and_taken_back(captured: Settings, tmp_path: Path, suffix: str) -> None:
    """One line per example, by its first answer; what has no label is left out."""
    file = tmp_path / f"odd{suffix}"
    run("export", "c1", str(file))
    lines = read(file)
    assert [(line["example_id"], float(str(line["score"])), line["tier"]) for line in lines] == [
        ("a", 0.5, "model"),
        ("b", 0.5, "model"),
    ]
    assert list(lines[0]) == ["capture_id", "example_id", "carrier", "note", "score", "decision", "tier", "label"]
    assert lines[0]["note"] == '=1+1, "so"'
    lines[1]["label"] = 1
    write(file, lines)
    run("label", str(file), "--reason", "the tower said so", "--as", "ada")
    (given,) = PeoplesLabels(open_ledger(captured.ledger_address)).all(MODEL)
    assert (given.example_id, given.label, given.source, given.who) == ("b", 1, "capture", "ada")
    assert given.known_at == NOON


def read(file: Path) -> list[dict[str, object]]:
    """Return the lines of an export."""
    if file.suffix == ".parquet":
        return pq.read_table(file).to_pylist()  # type: ignore[no-any-return]
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def write(file: Path, lines: list[dict[str, object]]) -> None:
    """Write the lines as a person's program does."""
    if file.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(lines, schema=pq.read_schema(file)), file)
        return
    with file.open("w", newline="", encoding="utf-8") as written:
        writer = csv.DictWriter(written, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


def test_export_never_overwrites(captured: Settings, tmp_path: Path) -> None:
    """There may be labels in it."""
    file = tmp_path / "odd.csv"
    file.write_text("somebody's work", encoding="utf-8")
    with pytest.raises(InvalidInput, match="already"):
        run("export", "c1", str(file))
    with pytest.raises(InvalidInput, match=r"neither \.csv nor \.parquet"):
        run("export", "c1", str(tmp_path / "odd.txt"))


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("capture_id,example_id,label\nc1,a,2\n", "the label of 'a' is '2'"),
        ("capture_id,example_id,label\nc1,z,1\n", "'z' was never answered"),
        ("capture_id,example_id,label\nc1,a,\n", "no rows with a label"),
        ("capture_id,example_id,label\nc1,a,1\nc2,b,1\n", "names c1, c2"),
        ("example_id,label\na,1\n", "names no capture"),
    ],
)
def test_file_that_cannot_be_taken_is_refused_whole(captured: Settings, tmp_path: Path, lines: str, told: str) -> None:
    """With what is wrong, and what is allowed."""
    file = tmp_path / "odd.csv"
    file.write_text(lines, encoding="utf-8")
    with pytest.raises(InvalidInput, match=told):
        run("label", str(file), "--reason", "r", "--as", "ada")
    assert PeoplesLabels(open_ledger(captured.ledger_address)).all(MODEL) == ()
