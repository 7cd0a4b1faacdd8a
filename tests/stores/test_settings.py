"""Settings come from the environment, and a wrong one is named."""

from pathlib import Path

import pytest

from lifecycle.errors import SettingInvalid
from stores.settings import Settings, settings


def test_a_port_that_is_no_number_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message holds the variable and the value."""
    monkeypatch.setenv("HOLDFAST_HTTP_PORT", "eighty")
    settings.cache_clear()
    with pytest.raises(SettingInvalid, match=r"HOLDFAST_HTTP_PORT is 'eighty'"):
        settings()
    settings.cache_clear()


def test_a_secret_in_the_ledgers_address_is_not_printed() -> None:
    """Printing the settings shows no password."""
    shown = repr(Settings(ledger_url="postgresql://holdfast:hunter2@db/ledger"))
    assert "hunter2" not in shown


def test_every_store_lives_under_the_state_folder(home: Settings) -> None:
    """Nothing is kept elsewhere by default."""
    kept = [home.events, home.quarantine, home.features, home.prediction_log, home.versions, home.run]
    assert all(path.is_relative_to(home.home) for path in kept)
    assert Path(home.ledger_address.removeprefix("sqlite:///")).is_relative_to(home.home)


@pytest.mark.parametrize(
    ("host", "auth", "allowed"),
    [
        ("127.0.0.1", "open", True),
        ("127.0.0.9", "open", True),
        ("::1", "open", True),
        ("localhost", "open", True),
        ("0.0.0.0", "open", False),
        ("10.0.0.7", "open", False),
        ("gateway.internal", "open", False),
        ("0.0.0.0", "required", True),
    ],
)
def test_door_that_the_network_can_reach_is_never_open(host: str, auth: str, allowed: bool) -> None:  # noqa: FBT001 - a table
    """Without keys only loopback will do, and the message names both settings."""
    chosen = Settings(host=host, auth=auth)
    if allowed:
        chosen.require_door()
    else:
        with pytest.raises(SettingInvalid, match=r"HOLDFAST_HOST is .* HOLDFAST_AUTH=required"):
            chosen.require_door()


def test_api_key_in_the_settings_is_not_printed() -> None:
    """Nor does it reach a log that prints them."""
    assert "hf_secret" not in repr(Settings(key="hf_secret"))
