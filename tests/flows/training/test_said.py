"""What people said of requests of an older contract is learned by today's."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from flows.training.said import Said
from stores.ledger.labels import PeoplesLabels
from stores.ledger.opening import open_ledger
from tests.serving.contracts.parcels import DEFINITION, NOON

OLD = {"parcel": 1, "sender": "s1", "service": "air", "weight": 2.5, "asked_at": "2024-05-01T13:00:00Z"}
NEW = {"parcel": 2, "sender": "s2", "service": "drone", "weight_kg": 3.5, "asked_at": "2024-05-01T14:00:00Z"}


class Logged:
    """A log with one request of each contract, and one of a contract that is gone."""

    def query(self, _: str, __: Sequence[object] = ()) -> list[dict[str, object]]:
        """Return them."""
        return [
            {"example_id": "1", "request": json.dumps(OLD), "contract": "parcels_v1"},
            {"example_id": "2", "request": json.dumps({**NEW, "fragile": True}), "contract": "parcels_v2"},
            {"example_id": "3", "request": json.dumps(OLD), "contract": "parcels_v0"},
        ]


def test_request_of_an_older_contract_is_asked_by_the_projection(tmp_path: Path) -> None:
    """With the declared constant; what nothing leads from is left out."""
    day = timedelta(days=1)
    labels = PeoplesLabels(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}"))
    found = Said(labels, Logged()).served(DEFINITION, ["1", "2", "3"], NOON - day, NOON + day)
    assert found["example_id"].tolist() == ["1", "2"]
    assert found["weight_kg"].tolist() == [2.5, 3.5]
    assert found["fragile"].tolist() == [False, True]
    assert found["event_timestamp"].dt.hour.tolist() == [13, 14]
