"""`holdfast tenants` and `holdfast keys`: who may come in, how often, and in which role."""

import json
from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Engine

from console.audit import Attempt, acting
from console.overrides import NameOption
from lifecycle.errors import InvalidInput
from lifecycle.priority import PRIORITIES, priority_named
from lifecycle.tenants import ApiKey, Role, Tenant
from stores.ledger.opening import open_ledger
from stores.ledger.tenants import Tenants
from stores.settings import Settings, settings

app = typer.Typer(help="Clients of the gateway: their limits.", no_args_is_help=True)
keys = typer.Typer(help="API keys: given out once, revoked for good.", no_args_is_help=True)

TenantArgument = Annotated[str, typer.Argument(help="The tenant's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def add(
    tenant: TenantArgument,
    per_second: Annotated[float, typer.Option(help="Requests per second that it may send.")],
    burst: Annotated[int, typer.Option(help="Requests that it may send at once.")],
    highest: Annotated[str, typer.Option(help=f"Its highest priority: {', '.join(PRIORITIES)}.")],
    name: NameOption = None,
) -> None:
    """Let in a new tenant; it needs a key then."""
    new = Tenant(tenant, per_second, burst, priority_named(highest))
    places = settings()
    tenants = _tenants(places)
    with acting(Attempt("add-tenant", tenant, _limits(new)), name, Role.ADMIN, places, without_key=_is_first(tenants)):
        tenants.add(new)
    typer.echo(f"{tenant} may send {_limits(new)}. Give it a key: holdfast keys add {tenant} --role predict")


@app.command()
def limit(
    tenant: TenantArgument,
    per_second: Annotated[float | None, typer.Option(help="Requests per second from now on.")] = None,
    burst: Annotated[int | None, typer.Option(help="Requests at once from now on.")] = None,
    highest: Annotated[str | None, typer.Option(help="Its highest priority from now on.")] = None,
    name: NameOption = None,
) -> None:
    """Change a tenant's limits; every gateway heeds them within a second or two."""
    changes: dict[str, object] = {"per_second": per_second, "burst": burst}
    changes["highest"] = None if highest is None else priority_named(highest)
    given = {key: value for key, value in changes.items() if value is not None}
    if not given:
        raise InvalidInput("nothing to change; give --per-second, --burst or --highest")
    places = settings()
    tenants = _tenants(places)
    after = replace(tenants.tenant(tenant), **given)  # type: ignore[arg-type]
    with acting(Attempt("limit-tenant", tenant, _limits(after)), name, Role.ADMIN, places):
        tenants.limit(after)
    typer.echo(f"{tenant} may send {_limits(after)} from now on")


@app.command("list")
def list_tenants(as_json: AsJson = False) -> None:  # noqa: FBT002 - a flag
    """List the tenants with their limits and keys; secrets are kept nowhere."""
    roster = _tenants(settings()).roster()
    if as_json:
        told = [
            {
                "tenant": one.name,
                "per_second": one.per_second,
                "burst": one.burst,
                "highest": one.highest.name.lower(),
                "keys": [_shown(key) for key in roster.keys if key.tenant == one.name],
            }
            for one in roster.tenants
        ]
        typer.echo(json.dumps(told, default=str, indent=2))
        return
    if not roster.tenants:
        typer.echo("There are no tenants yet.")
        return
    table = Table("tenant", "may send", "keys", title=f"{len(roster.tenants)} tenants", title_justify="left")
    for one in roster.tenants:
        lines = "\n".join(_line(key) for key in roster.keys if key.tenant == one.name) or "none"
        table.add_row(escape(one.name), _limits(one), escape(lines))
    Console().print(table)


@keys.command("add")
def add_key(
    tenant: TenantArgument,
    role: Annotated[str, typer.Option(help=f"What it may do, each also what those before it may: {', '.join(Role)}.")],
    person: Annotated[
        str | None, typer.Option(help="The person or on-call role it belongs to, by their name in the policies.")
    ] = None,
    name: NameOption = None,
) -> None:
    """Give out a key. It is shown once: nobody can read it again."""
    wanted = _role(role)
    if person is None and wanted not in (Role.PREDICT, Role.REVIEW):
        raise InvalidInput(f"a key with the role {wanted} acts in somebody's name; give --person")
    places = settings()
    tenants = _tenants(places)
    said = f"{wanted}{'' if person is None else f' for {person}'}"
    with acting(Attempt("add-key", tenant, said), name, Role.ADMIN, places, without_key=_is_first(tenants)):
        key, text = tenants.issue(tenant, wanted, person)
    typer.echo(f"Key {key.key_id} of {tenant}, {said}. Keep it now, it is shown this once:", err=True)
    typer.echo(text)


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `holdfast tenants list` shows it: the 12 digits after hf_.")],
    name: NameOption = None,
) -> None:
    """Close the door to a key for good; every gateway heeds it within a second or two."""
    places = settings()
    with acting(Attempt("revoke-key", key_id), name, Role.ADMIN, places):
        key = _tenants(places).revoke(key_id)
    typer.echo(f"Key {key.key_id} of {key.tenant} opens nothing any more")


def _tenants(places: Settings) -> Tenants:
    engine: Engine = open_ledger(places.ledger_address)
    return Tenants(engine)


def _is_first(tenants: Tenants) -> bool:
    """Return whether nobody can show an admin's key yet: whoever can open the ledger makes the first."""
    return not any(key.role is Role.ADMIN and key.revoked_at is None for key in tenants.roster().keys)


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError as error:
        raise InvalidInput(f"the role is {word!r}; allowed: {', '.join(Role)}") from error


def _limits(tenant: Tenant) -> str:
    return f"{tenant.per_second:g} a second, {tenant.burst} at once, up to {tenant.highest.name.lower()}"


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "key_id": key.key_id,
        "role": key.role,
        "person": key.person,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }


def _line(key: ApiKey) -> str:
    whose = "" if key.person is None else f" of {key.person}"
    ended = "" if key.revoked_at is None else f", revoked {key.revoked_at:%Y-%m-%d %H:%M}"
    return f"{key.key_id} {key.role}{whose}{ended}"
