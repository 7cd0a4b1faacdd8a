"""`holdfast quarantine` shows what waits and lets people ask for it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from prefect.settings import PREFECT_API_URL
from prefect.testing.utilities import prefect_test_harness

from console.quarantine import app
from lifecycle.errors import InvalidInput, NotFound, Unavailable
from lifecycle.quarantine import RowState
from stores.events import EventStore
from stores.quarantine import Quarantine
from stores.settings import Settings, settings

MODEL = "flight_delay"
NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
PLANES = pd.DataFrame(
    {
        "tail_number": ["N1[red]", "N10156"],
        "built_year": [2004.0, 2099.0],
        "seats": [55, 55],
        "engines": [2, 2],
        "manufacturer": ["EMBRAER", "EMBRAER"],
        "known_at": pd.to_datetime([NOON, NOON], utc=True).as_unit("us"),
    }
)


@pytest.fixture
def entries(home: Settings) -> list[str]:
    """Two planes in quarantine; return their ids, the impossible name's first."""
    quarantine = Quarantine(home.quarantine)
    failed = {0: ("regex(tail_number)",), 1: ("between(built_year)",)}
    window = (NOON, NOON + timedelta(hours=1))
    quarantine.add(MODEL, "planes", key=("tail_number",), frame=PLANES, failed=failed, window=window, at=NOON)
    return [row.entry_id for row in sorted(quarantine.rows(MODEL), key=lambda row: row.failed, reverse=True)]


def run(*arguments: str) -> None:
    """Run `holdfast quarantine` as the command line does, errors passed on."""
    app(list(arguments), standalone_mode=False)


def test_list_shows_event_reason_and_window(
    entries: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text from the data is printed as it is, never as markup."""
    monkeypatch.setenv("COLUMNS", "200")
    run("list")
    out = capsys.readouterr().out
    for shown in (*entries, "N1[red]", "between(built_year)", "2013-04-01 12:00 to 2013-04-01 13:00", "waiting"):
        assert shown in out


def test_list_as_json_holds_the_whole_row(entries: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get every value and every move."""
    run("list", "--json", "--stream", "planes")
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[entries[1]]["row"]["built_year"] == 2099.0
    assert (rows[entries[1]]["key"], rows[entries[1]]["moves"]) == ({"tail_number": "N10156"}, [])


def test_empty_quarantine_is_said(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing wrong is worth a line."""
    run("list")
    run("readmit", "--all", "--reason", "all is well")
    assert capsys.readouterr().out.splitlines() == ["Nothing is in quarantine."] * 2


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["--reason", "because"], InvalidInput, "name the rows by id, or all"),
        (["--all", "4f2a", "--reason", "because"], InvalidInput, "name the rows by id, or all"),
        (["--all", "--reason", " "], InvalidInput, "the reason is empty"),
        (["4f2a", "--reason", "because"], NotFound, "no row 4f2a"),
        (["--all", "--reason", "because", "--model", "weather"], InvalidInput, "there are policies for flight_delay"),
    ],
)
def test_request_that_cannot_be_meant_is_refused(
    entries: list[str], arguments: list[str], error: type[Exception], said: str
) -> None:
    """Nothing is asked for then."""
    with pytest.raises(error, match=said):
        run("readmit", *arguments)
    assert {row.state for row in Quarantine(settings().quarantine).rows(MODEL)} == {RowState.WAITING}


@pytest.fixture(scope="module")
def prefect_server() -> Iterator[str]:
    """Address of a Prefect server of this module's own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        with prefect_test_harness(server_startup_timeout=120):
            yield str(PREFECT_API_URL.value())


def test_readmit_lets_in_what_passes_and_says_what_became_of_each(
    entries: list[str], prefect_server: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A plane that breaks a limit needs --force; who and why stay with the row."""
    monkeypatch.setenv("HOLDFAST_PREFECT_API_URL", prefect_server)
    monkeypatch.setenv("LOGNAME", "ada")
    settings.cache_clear()
    run("readmit", entries[1], "--reason", "delivered next century", "--force")
    assert f"{entries[1]} readmitted: forced; ada: delivered next century" in capfd.readouterr().out
    stored = EventStore(settings().events).load(MODEL, "planes")
    pd.testing.assert_frame_equal(stored, PLANES.tail(1).reset_index(drop=True))
    run("readmit", "--all", "--reason", "looks right to me")
    assert f"{entries[0]} refused: still fails expect_column_values_to_match_regex" in capfd.readouterr().out
    assert {row.entry_id: row.state for row in Quarantine(settings().quarantine).rows(MODEL)} == {
        entries[0]: RowState.WAITING,
        entries[1]: RowState.READMITTED,
    }


def test_request_that_cannot_be_examined_now_is_kept(
    entries: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without a Prefect server nothing is examined; the next run finds what was asked."""
    monkeypatch.setenv("HOLDFAST_PREFECT_API_URL", "http://127.0.0.1:9/api")
    settings.cache_clear()
    with pytest.raises(Unavailable, match="2 rows of flight_delay are asked for, but were not examined"):
        run("readmit", "--all", "--reason", "checked by hand")
    assert {row.state for row in Quarantine(settings().quarantine).rows(MODEL)} == {RowState.ASKED}
