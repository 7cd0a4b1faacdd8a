"""The webhook's secret: made once, whoever needs it first, and readable for its owner alone."""

import stat
from concurrent.futures import ThreadPoolExecutor

from cryptography.fernet import Fernet
from pydantic import SecretStr

from stores.settings import Settings
from stores.webhook_secret import FILE, encryption_key, webhook_secret


def test_secret_is_made_once_for_all_who_need_it(home: Settings) -> None:
    """Twenty first needs at once end with one secret, in a file of mode 600."""
    with ThreadPoolExecutor(20) as pool:
        drawn = set(pool.map(lambda _: webhook_secret(home), range(20)))
    assert len(drawn) == 1
    assert len(drawn.pop()) > 40
    assert stat.S_IMODE((home.run / FILE).stat().st_mode) == 0o600
    assert [path.name for path in home.run.iterdir()] == [FILE]


def test_secret_of_the_settings_wins_and_is_kept_nowhere(home: Settings) -> None:
    """Where several machines share one, nothing is drawn."""
    assert webhook_secret(home.model_copy(update={"webhook_secret": SecretStr("shared")})) == "shared"
    assert not (home.run / FILE).exists()


def test_mlflow_takes_the_key_made_of_it() -> None:
    """The same secret gives the same key, in the form that MLflow's cipher wants."""
    sealed = Fernet(encryption_key("one")).encrypt(b"x")
    assert Fernet(encryption_key("one")).decrypt(sealed) == b"x"
    assert encryption_key("one") != encryption_key("two")
