"""A whole gateway counts what it answered, and what it says is what the log says."""

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pyarrow.compute as pc
import pytest

from feature_repo.definition import load_definition
from lifecycle.plan import TrafficPlan
from lifecycle.profile import Profile
from lifecycle.profile_drawing import profile_numbers, profile_texts
from serving.gateway import Gateway, open_gateway
from stores.baselines import PROFILE
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.profiles import Profiles
from stores.prediction_log.counting import COLUMNS, count_logged, countable
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings
from stores.versions import file_digest, read_version
from tests.serving.conftest import MODEL, POLICIES, flight, write_version
from tests.serving.test_gateway_start import shut_down

pytestmark = [
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]

DEFINITION = load_definition(MODEL)
SINCE, UNTIL = datetime(2013, 1, 1, tzinfo=UTC), datetime(2014, 1, 1, tzinfo=UTC)


def baseline() -> Profile:
    """Return a baseline of the flights whose bins split what comes."""
    rows = [flight(carrier=carrier) for carrier in ("UA", "AA", "UA")]
    names = [field.name for field in DEFINITION.contract.fields if field.type == "string"]
    values = np.linspace(-2.0, 2.0, 50)
    nothing = np.zeros(50, dtype=bool)
    return Profile(
        rows=3,
        features={name: profile_numbers(values, nothing) for name in DEFINITION.vector},
        categories={name: profile_texts([str(row[name]) for row in rows]) for name in names},
        score_rows=50,
        score=profile_numbers(np.linspace(0.3, 0.7, 50), nothing),
    )


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    """Return settings under which version 1, with a baseline of its own, is champion, and version 2 the way back."""
    chosen = Settings(home=tmp_path / "home", policies=tmp_path / "policies")
    chosen.policies.mkdir()
    shutil.copy(POLICIES / f"{MODEL}.yaml", chosen.policies)
    for version in ("1", "2"):
        write_version(chosen.versions, version, seed=int(version))
    files = read_version(chosen.versions / MODEL / "1", MODEL)
    (files.folder / PROFILE).write_text(baseline().model_dump_json(), encoding="utf-8")
    named = files.manifest.files | {PROFILE: file_digest(files.folder / PROFILE)}
    manifest = files.manifest.model_copy(update={"files": named})
    (files.folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    engine = open_ledger(chosen.ledger_address)
    Plans(engine).write(TrafficPlan(MODEL, revision=1, champion="1", previous="2"), SINCE)
    engine.dispose()
    return chosen


async def ask(gateway: Gateway, *paths: str) -> list[int]:
    """Ask for as many predictions as there are paths, at once, each about other rows; return the statuses."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.application), base_url="http://g") as client:
        asked = [
            client.post(
                f"/v2/models/{MODEL}{path}/predict",
                json={
                    "rows": [
                        flight(flight=number, carrier=("UA", "AA", "DL")[number % 3]),
                        flight(tail_number=None, scheduled_departure_at=f"2013-04-01T{10 + number % 4}:30:00Z"),
                    ]
                },
            )
            for number, path in enumerate(paths, start=1)
        ]
        return [response.status_code for response in await asyncio.gather(*asked)]


def test_what_two_gateways_counted_is_what_the_log_says(chosen: Settings) -> None:
    """The counts of requests that were really answered, by hour, once both gateways have ended in order."""
    gateways = [open_gateway(chosen, name) for name in ("a", "b")]
    for gateway in gateways:
        assert asyncio.run(ask(gateway, *[""] * 20, *["/versions/2"] * 5)) == [200] * 25
    for gateway in gateways:
        shut_down(gateway)
    logged = PredictionLog(chosen.prediction_log).query_table(f"SELECT {', '.join(COLUMNS)} FROM predictions")
    assert logged.num_rows == 2 * 25 * 2
    rows = countable(logged, len(DEFINITION.vector))
    ours = rows.filter(pc.equal(rows["version"], "1"))
    engine = open_ledger(chosen.ledger_address)
    total = Profiles(engine).total(MODEL, "1", baseline(), SINCE, UNTIL)
    assert total == count_logged(ours, baseline(), DEFINITION.vector)
    assert total.rows == 2 * 20 * 2
    assert total.categories["carrier"].counts == {"UA": 2 * 26, "AA": 2 * 7}
    # A moment is two hours before departure.
    by_hour = {at.hour: rows for at, rows in Profiles(engine).rows(MODEL, "1", SINCE, UNTIL).items()}
    assert by_hour == {8: 10, 9: 10, 10: 10, 11: 10, 12: 40}
    # Version 2 has no baseline to be counted on.
    assert Profiles(engine).rows(MODEL, "2", SINCE, UNTIL) == {}
    engine.dispose()
