"""Tenants and their API keys in the ledger. A secret is never stored, only what it hashes to."""

from dataclasses import asdict
from datetime import UTC, datetime
from secrets import token_hex

from sqlalchemy import Connection, Engine, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from lifecycle.errors import Conflict, NotFound
from lifecycle.priority import priority_named
from lifecycle.tenants import ApiKey, Role, Roster, Tenant, digest_of, written_key
from stores.ledger.tenants_schema import api_keys, tenants


class Tenants:
    """Who may come in. Times are the machine's: nobody's access depends on what is being replayed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def roster(self) -> Roster:
        """Return all tenants and keys, by name and by age."""
        with self._engine.connect() as connection:
            named = connection.execute(select(tenants).order_by(tenants.c.name)).all()
            keys = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.key_id)).all()
        return Roster(tuple(map(_tenant, named)), tuple(map(_key, keys)))

    def add(self, tenant: Tenant) -> None:
        """Store a new tenant; raises Conflict when there is one by that name."""
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(tenants).values(name=tenant.name, **_limits(tenant)))
        except IntegrityError as error:
            raise Conflict(f"there is a tenant {tenant.name!r} already; `holdfast tenants limit` changes it") from error

    def limit(self, tenant: Tenant) -> None:
        """Give a tenant other limits; raises NotFound."""
        with self._engine.begin() as connection:
            change = update(tenants).where(tenants.c.name == tenant.name).values(_limits(tenant))
            if not connection.execute(change).rowcount:
                raise _no_tenant(connection, tenant.name)

    def tenant(self, name: str) -> Tenant:
        """Return a tenant; raises NotFound, naming those there are."""
        with self._engine.connect() as connection:
            row = connection.execute(select(tenants).where(tenants.c.name == name)).first()
            if row is None:
                raise _no_tenant(connection, name)
            return _tenant(row)

    def issue(self, tenant: str, role: Role, person: str | None) -> tuple[ApiKey, str]:
        """Store a new key and return it with the text that its holder needs; nobody can read that again.

        Raises NotFound for an unknown tenant.
        """
        key_id, secret = token_hex(6), token_hex(32)
        key = ApiKey(key_id, tenant, role, digest_of(secret), person, datetime.now(UTC))
        with self._engine.begin() as connection:
            if connection.execute(select(tenants.c.name).where(tenants.c.name == tenant)).first() is None:
                raise _no_tenant(connection, tenant)
            connection.execute(insert(api_keys).values(asdict(key) | {"role": str(role)}))
        return key, written_key(key_id, secret)

    def revoke(self, key_id: str) -> ApiKey:
        """Close the door to a key for good and return it; raises NotFound, and Conflict when it was revoked before."""
        with self._engine.begin() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).first()
            if row is None:
                raise NotFound(f"no key {key_id!r}; `holdfast tenants list` shows the ids")
            known = _key(row)
            if known.revoked_at is not None:
                raise Conflict(f"key {key_id} was revoked at {known.revoked_at:%Y-%m-%d %H:%M:%S} UTC")
            now = datetime.now(UTC)
            connection.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(revoked_at=now))
        return known


def _limits(tenant: Tenant) -> dict[str, object]:
    return {
        "per_second": tenant.per_second,
        "burst": tenant.burst,
        "highest": tenant.highest.name.lower(),
        "changed_at": datetime.now(UTC),
    }


def _no_tenant(connection: Connection, name: str) -> NotFound:
    known = ", ".join(connection.scalars(select(tenants.c.name).order_by(tenants.c.name))) or "none"
    return NotFound(f"no tenant {name!r}; there is {known}")


def _tenant(row: Row[tuple[object, ...]]) -> Tenant:
    values = row._asdict()
    return Tenant(values["name"], values["per_second"], values["burst"], priority_named(values["highest"]))


def _key(row: Row[tuple[object, ...]]) -> ApiKey:
    values = row._asdict()
    return ApiKey(**{**values, "role": Role(values["role"])})
