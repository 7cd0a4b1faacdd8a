"""Who may come in, as the gateway looks it up: by a key's id, with every caller made beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass

from lifecycle.priority import Priority
from lifecycle.tenants import ApiKey, Roster, Tenant
from serving.caller import Caller


@dataclass(frozen=True, slots=True)
class Guest:
    """A key's holder; `callers` has the caller for each priority claimed, none above the tenant's highest."""

    key: ApiKey
    tenant: Tenant
    callers: tuple[Caller, ...]


@dataclass(frozen=True)
class Guests:
    """One reading of the roster; replaced whole when it changes."""

    by_key: Mapping[str, Guest]
    tenants: Mapping[str, Tenant]


def guests_of(roster: Roster) -> Guests:
    """Return the roster as it is looked up; a key whose tenant is gone opens nothing."""
    tenants = {tenant.name: tenant for tenant in roster.tenants}
    by_key = {
        key.key_id: Guest(key, tenants[key.tenant], _callers(key, tenants[key.tenant]))
        for key in roster.keys
        if key.tenant in tenants
    }
    return Guests(by_key, tenants)


def _callers(key: ApiKey, tenant: Tenant) -> tuple[Caller, ...]:
    return tuple(Caller(tenant.name, max(claimed, tenant.highest), key.key_id) for claimed in Priority)
