"""Secrets of tenants follow from one setting and tell nothing of each other."""

import pytest
from pydantic import SecretStr

from lifecycle.errors import SettingInvalid
from stores.settings import Settings
from stores.signing_secret import master_secrets, tenant_secrets

LONG = "a" * 24


def test_the_secret_is_drawn_once_and_kept(home: Settings) -> None:
    """Every replica of this machine signs with the same."""
    assert master_secrets(home) == master_secrets(home)
    assert (home.run / "signing.secret").stat().st_mode & 0o077 == 0


def test_two_secrets_sign_side_by_side(home: Settings) -> None:
    """So that receivers can change from the old one to the new one."""
    masters = master_secrets(home.model_copy(update={"webhook_signing_secret": SecretStr(f"{LONG}, {'b' * 24}")}))
    assert masters == (LONG, "b" * 24)
    assert len(set(tenant_secrets(masters, "t"))) == 2


def test_a_short_secret_is_refused_without_being_shown(home: Settings) -> None:
    """The message has its length and the limit."""
    short = home.model_copy(update={"webhook_signing_secret": SecretStr(f"{LONG},hushhush")})
    with pytest.raises(SettingInvalid, match="a secret of 8 characters; allowed: 24 or more") as told:
        master_secrets(short)
    assert "hush" not in str(told.value)


def test_no_two_tenants_share_a_secret() -> None:
    """Nor does somebody without a name share one with a tenant whose name is odd."""
    tenants = (None, "", "\0", "a", "b", "None")
    assert len({tenant_secrets((LONG,), tenant) for tenant in tenants}) == len(tenants)
    assert all(secret.startswith("whsec_") for tenant in tenants for secret in tenant_secrets((LONG,), tenant))
