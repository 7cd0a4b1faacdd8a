"""Who acts in the console: the name somebody gives, or where keys are required the person that a key belongs to."""

import getpass
from dataclasses import dataclass

from sqlalchemy import Engine

from lifecycle.errors import NotPermitted, SettingInvalid
from lifecycle.tenants import Role, fits, parts_of
from stores.ledger.tenants import Tenants
from stores.settings import Settings

OPEN = "open"


@dataclass(frozen=True)
class Actor:
    """A person, and the key they showed; `key_id`, `tenant` and `role` are None where nobody has to show one."""

    name: str
    key_id: str | None = None
    tenant: str | None = None
    role: Role | None = None


def named(given: str | None, places: Settings) -> str:
    """Return the given name, else HOLDFAST_ACTOR, else the system's user; raises SettingInvalid without any."""
    name = given if given is not None else places.actor
    if name is not None:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise SettingInvalid("the system knows no name for you; give one with --as or HOLDFAST_ACTOR") from error


def identify(given: str | None, needs: Role, places: Settings, engine: Engine) -> Actor:
    """Return who acts, with a role that may.

    With HOLDFAST_AUTH=open it is whoever they say. Otherwise raises NotPermitted without a key in HOLDFAST_KEY, for a
    wrong or revoked one, for one that is another person's or no person's, and for one whose role may not.
    """
    if places.auth == OPEN:
        return Actor(named(given, places))
    if places.key is None:
        raise NotPermitted("HOLDFAST_AUTH is 'required', so this needs your API key; set HOLDFAST_KEY")
    key_id, secret = parts_of(places.key.get_secret_value())
    known = next((key for key in Tenants(engine).roster().keys if key.key_id == key_id), None)
    if not fits(secret, known) or known is None:
        raise NotPermitted(f"the key {key_id} in HOLDFAST_KEY is unknown, wrong or revoked; ask an admin for another")
    if known.person is None:
        raise NotPermitted(f"key {key_id} is a program's and nobody's own; ask an admin for a key with --person")
    asked = given if given is not None else places.actor
    if asked is not None and asked != known.person:
        raise NotPermitted(f"key {key_id} belongs to {known.person!r}, not to {asked!r}; act under your own name")
    if not known.role.includes(needs):
        raise NotPermitted(f"key {key_id} has the role {known.role}; this needs {needs}")
    return Actor(known.person, key_id, known.tenant, known.role)
