"""A model's Feast store is made from its definition, once."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from feature_repo.feast_store import open_feature_store
from feature_repo.flight_delay import DEFINITION
from lifecycle.errors import SettingInvalid
from tests.feature_repo.shops import SHOPS


def _state(folder: Path) -> dict[str, int]:
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*")}


def test_views_carry_owner_description_freshness_and_defaults(tmp_path: Path) -> None:
    """What the definition says can be read in Feast's registry."""
    view = open_feature_store(SHOPS, tmp_path).get_feature_view("shop_sales")
    assert (view.owner, view.description) == ("tests", "The shop's last sale")
    assert view.ttl == SHOPS.views[0].freshness_limit
    assert [(field.name, field.description, field.tags) for field in view.features] == [
        ("last_amount", "Amount", {"default": "7.0"}),
        ("last_tax", "Tax", {"default": "1.5"}),
    ]


def test_feature_service_is_named_by_the_contract(tmp_path: Path) -> None:
    """One service per contract, with every view in it."""
    service = open_feature_store(SHOPS, tmp_path).get_feature_service("shops_v1")
    assert [projection.name for projection in service.feature_view_projections] == ["shop_sales", "shop_place"]
    assert service.tags == {"contract": SHOPS.contract.digest()}


def test_opening_an_unchanged_store_writes_nothing(tmp_path: Path) -> None:
    """A replica that starts only reads."""
    open_feature_store(SHOPS, tmp_path)
    before = _state(tmp_path)
    again = open_feature_store(SHOPS, tmp_path)
    assert sorted(view.name for view in again.list_feature_views()) == ["shop_place", "shop_sales"]
    assert _state(tmp_path) == before


def test_changed_definition_gets_its_own_registry(tmp_path: Path) -> None:
    """The registry of the definition before stands beside it, for the replicas that still run it."""
    open_feature_store(SHOPS, tmp_path)
    changed = replace(SHOPS, views=(replace(SHOPS.views[0], owner="finance"), SHOPS.views[1]))
    assert open_feature_store(changed, tmp_path).get_feature_view("shop_sales").owner == "finance"
    assert open_feature_store(SHOPS, tmp_path).get_feature_view("shop_sales").owner == "tests"
    assert len(list((tmp_path / "shops").glob("registry-*.db"))) == 2


def test_lost_online_file_is_made_again(tmp_path: Path) -> None:
    """With its tables, so that reads answer "not found" instead of failing."""
    open_feature_store(SHOPS, tmp_path)
    for file in (tmp_path / "shops").glob("online.db*"):
        file.unlink()
    store = open_feature_store(SHOPS, tmp_path)
    answer = store.get_online_features(features=["shop_place:floors"], entity_rows=[{"shop": "north"}])
    assert answer.to_dict() == {"shop": ["north"], "floors": [None]}


def test_online_file_is_in_wal_mode(tmp_path: Path) -> None:
    """So that a gateway's read never waits for a push."""
    open_feature_store(SHOPS, tmp_path)
    with closing(sqlite3.connect(tmp_path / "shops" / "online.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("online", ["postgres://here", "redis://", "nonsense"])
def test_unknown_online_store_is_refused(online: str, tmp_path: Path) -> None:
    """The message names the setting, its value and what is allowed."""
    with pytest.raises(SettingInvalid, match=f"HOLDFAST_ONLINE_STORE is '{online}'; use sqlite or redis"):
        open_feature_store(SHOPS, tmp_path, online)


def test_password_of_a_refused_address_is_not_shown(tmp_path: Path) -> None:
    """Messages end in logs."""
    with pytest.raises(SettingInvalid) as refused:
        open_feature_store(SHOPS, tmp_path, "rediss://:hush@here")
    assert "hush" not in str(refused.value)


def test_models_in_one_process_keep_feasts_resolution_of_names(tmp_path: Path) -> None:
    """Feast forgets it when it meets a registry that was read at another moment."""
    from feast import utils  # noqa: PLC0415 - slow to import

    shops, flights = open_feature_store(SHOPS, tmp_path), open_feature_store(DEFINITION, tmp_path)
    for _ in range(2):
        shops.get_online_features(features=["shop_place:floors"], entity_rows={"shop": ["north"]})
        flights.get_online_features(features=["plane_facts:seats"], entity_rows={"tail_number": ["N14228"]})
    assert {project for _, project, _ in utils._feature_resolution_cache} >= {"shops", "flight_delay"}


def test_sqlite_store_outside_utc_is_refused(tmp_path: Path) -> None:
    """Feast's SQLite store keeps local time, so another zone would shift every timestamp."""
    script = (
        "import sys; from pathlib import Path; from feature_repo.definition import load_definition\n"
        "from feature_repo.feast_store import open_feature_store\n"
        "open_feature_store(load_definition('flight_delay'), Path(sys.argv[1]))"
    )
    environment = {**os.environ, "TZ": "America/New_York"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert "SettingInvalid: this process runs in the time zone EST/EDT" in done.stderr
