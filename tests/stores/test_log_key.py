"""The key of the log's hashes: drawn once, readable for its owner alone, and never shown."""

import stat

from pydantic import SecretStr

from stores.log_key import FILE, log_key
from stores.settings import Settings


def test_key_is_drawn_once_and_kept(home: Settings) -> None:
    """Equal values must have equal hashes tomorrow."""
    assert log_key(home) == log_key(home)
    assert len(log_key(home)) > 40
    assert stat.S_IMODE((home.home / FILE).stat().st_mode) == 0o600


def test_key_of_the_settings_wins_and_is_kept_nowhere(home: Settings) -> None:
    """Where several machines share one, nothing is drawn, and no message holds it."""
    shared = home.model_copy(update={"log_key": SecretStr("shared")})
    assert log_key(shared) == b"shared"
    assert not (home.home / FILE).exists()
    assert "shared" not in repr(shared)
