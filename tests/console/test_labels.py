"""`holdfast labels` takes what people know, whole or not at all."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from console.labels import app
from lifecycle.errors import InvalidInput, NotFound
from stores.ledger.labels import PeoplesLabels, PersonsLabel
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.settings import Settings

MODEL = "flight_delay"
NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)


@pytest.fixture
def answered(home: Settings) -> Settings:
    """Return a state folder in which four examples were answered, and it is noon there; nothing is shipped yet."""
    rows = [
        {"prediction_id": one, "model": MODEL, "version": "1", "plan_revision": 1, "example_id": one, "served_at": NOON}
        for one in ("a", "b", "c", "[d]")
    ]
    writer = SegmentWriter(home.prediction_log, "replica")
    writer.append(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
    writer.close()
    Progress(open_ledger(home.ledger_address)).set_replay(NOON)
    return home


def run(*arguments: str) -> None:
    """Run `holdfast labels` as the command line does, errors passed on."""
    app(list(arguments), standalone_mode=False)


def stored(places: Settings) -> tuple[PersonsLabel, ...]:
    """Return what people said."""
    return PeoplesLabels(open_ledger(places.ledger_address)).all(MODEL)


def test_a_label_is_kept_with_who_why_and_when(answered: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """It is known from the moment the clock shows, and listed with text as it is."""
    run("give", MODEL, "[d]", "1", "--reason", "the [pilot] said so", "--as", "ada")
    assert stored(answered) == (
        PersonsLabel(MODEL, "[d]", 1, 1, "person", "ada", "the [pilot] said so", NOON),
    )  # fmt: skip
    run("list", "--json")
    assert json.loads(capsys.readouterr().out.split("\n", 1)[1])[0]["who"] == "ada"
    run("list")
    assert "[d]" in capsys.readouterr().out


def test_nothing_labelled_is_said(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing yet is worth a line."""
    run("list")
    assert capsys.readouterr().out == "Nobody has labelled anything yet.\n"


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((MODEL, "z", "1", "--reason", "r"), NotFound, "never answered an example 'z'"),
        ((MODEL, "a", "2", "--reason", "r"), InvalidInput, "the label is '2'; allowed: 0 or 1"),
        ((MODEL, "a", "yes", "--reason", "r"), InvalidInput, "the label is 'yes'; allowed: 0 or 1"),
        ((MODEL, "a", "1", "--reason", " "), InvalidInput, "the reason is empty"),
        (("weather", "a", "1", "--reason", "r"), InvalidInput, "no policy for 'weather'; there are those for flight"),
    ],
)
def test_a_label_that_cannot_be_meant_is_refused(
    answered: Settings, arguments: tuple[str, ...], error: type[Exception], said: str
) -> None:
    """With the value, and what is allowed."""
    with pytest.raises(error, match=said):
        run("give", *arguments)
    assert stored(answered) == ()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_is_taken_whole_and_again_without_effect(answered: Settings, tmp_path: Path, kind: str) -> None:
    """Other columns do not matter, nor does a line that is there twice."""
    file = tmp_path / f"labels.{kind}"
    if kind == "csv":
        file.write_text("label,example_id,note\n1,a,x\n0,[d],y\n1,a,x\n", encoding="utf-8")
    else:
        pq.write_table(pa.table({"example_id": ["a", "[d]"], "label": [1, 0]}), file)
    for _ in range(2):
        run("import", str(file), "--model", MODEL, "--reason", "the ops list", "--as", "ada")
    assert [(one.example_id, one.label, one.revision) for one in stored(answered)] == [("[d]", 0, 1), ("a", 1, 1)]


def test_every_wrong_line_of_a_file_is_told_and_none_is_taken(answered: Settings, tmp_path: Path) -> None:
    """A person mends them all at once."""
    file = tmp_path / "labels.csv"
    file.write_text("example_id,label\na,1\nz,1\nb,late\n,1\na,0\nc\n", encoding="utf-8")
    with pytest.raises(InvalidInput) as refused:
        run("import", str(file), "--model", MODEL, "--reason", "the ops list")
    assert str(refused.value).splitlines()[1:] == [
        "line 3: 'z' was never answered; allowed: an example_id of the prediction log",
        "line 4: the label of 'b' is 'late'; allowed: 0 or 1",
        "line 5: example_id is empty; allowed: the id of an answered example",
        "line 6: 'a' is 0 here and 1 in line 2; give it once",
        "line 7: the label of 'c' is ''; allowed: 0 or 1",
    ]
    assert stored(answered) == ()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("labels.txt", b"", "neither .csv nor .parquet"),
        ("missing.csv", None, "is not there"),
        ("labels.csv", b"id,label\na,1\n", "lacks example_id; it has id, label"),
        ("empty.csv", b"example_id,label\n", "has no rows"),
        ("latin.csv", b"example_id,label\n\xff,1\n", "cannot be read as CSV in UTF-8"),
        ("torn.parquet", b"PAR1", "cannot be read as Parquet"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    answered: Settings, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    """And what would do."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=said):
        run("import", str(tmp_path / name), "--model", MODEL, "--reason", "r")
