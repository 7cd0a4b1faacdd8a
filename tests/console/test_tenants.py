"""Tenants, keys and the audit log at the console, with keys required and without."""

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from console import cli
from lifecycle.errors import Conflict, HoldfastError, InvalidInput, NotFound, NotPermitted
from lifecycle.tenants import Role
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.tenants import Tenants
from stores.settings import Settings, settings
from tests.console.rollouts import MODEL, rollout

ADD = ("tenants", "add", "acme", "--per-second", "10", "--burst", "20", "--highest", "standard")
Say = Callable[..., str]


def run(*words: str) -> Result:
    """Return what became of a command."""
    return CliRunner().invoke(cli.app, list(words), env={"COLUMNS": "400"})


def say(*words: str) -> str:
    """Return what the command prints; raises the error that a person would read."""
    result = run(*words)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def audited() -> list[tuple[str, str, str, str]]:
    """Return who did what to what with which outcome, newest first."""
    return [
        (deed["who"], deed["action"], deed["subject"], deed["outcome"]) for deed in json.loads(say("audit", "--json"))
    ]


@pytest.fixture
def closed(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Require keys, and return what puts one into HOLDFAST_KEY or takes it out."""
    monkeypatch.setenv("HOLDFAST_AUTH", "required")

    def hold(key: str | None) -> None:
        if key is None:
            monkeypatch.delenv("HOLDFAST_KEY", raising=False)
        else:
            monkeypatch.setenv("HOLDFAST_KEY", key)
        settings.cache_clear()

    hold(None)
    return hold


def key_of(home: Settings, role: Role, person: str | None) -> str:
    """Return a new key of the tenant acme."""
    return Tenants(open_ledger(home.ledger_address)).issue("acme", role, person)[1]


def test_key_is_shown_once_and_listed_without_its_secret(home: Settings) -> None:
    """Neither the list, nor the audit log, nor the ledger's file has it."""
    say(*ADD)
    key = say("keys", "add", "acme", "--role", "predict").split()[-1]
    secret = key.split("_")[2]
    listed = say("tenants", "list")
    assert key.split("_")[1] in listed
    assert "10 a second, 20 at once, up to standard" in listed
    kept = [path.read_bytes() for path in home.home.rglob("*") if path.is_file()]
    assert all(secret.encode() not in content for content in kept)
    assert secret not in listed + say("audit") + say("tenants", "list", "--json")


def test_limits_change_one_by_one_and_keys_end(home: Settings) -> None:
    """What is not named stays as it is."""
    say(*ADD)
    assert "10 a second, 50 at once, up to standard" in say("tenants", "limit", "acme", "--burst", "50")
    key_id = say("keys", "add", "acme", "--role", "predict").split()[-1].split("_")[1]
    assert "opens nothing any more" in say("keys", "revoke", key_id)
    with pytest.raises(Conflict, match="was revoked at"):
        say("keys", "revoke", key_id)


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        ((*ADD[:-1], "urgent"), InvalidInput, "allowed: interactive, standard, backfill"),
        (ADD, Conflict, "tenant 'acme' already"),
        (("tenants", "limit", "acme"), InvalidInput, "nothing to change"),
        (("tenants", "limit", "nobody", "--burst", "1"), NotFound, "there is acme"),
        (("keys", "add", "nobody", "--role", "predict"), NotFound, "there is acme"),
        (("keys", "add", "acme", "--role", "owner"), InvalidInput, "allowed: predict, review, operate, admin"),
        (("keys", "add", "acme", "--role", "operate"), InvalidInput, "give --person"),
        (("keys", "revoke", "nothing"), NotFound, "no key 'nothing'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    home: Settings, words: tuple[str, ...], error: type[HoldfastError], says: str
) -> None:
    """With what is allowed."""
    say(*ADD)
    with pytest.raises(error, match=says):
        say(*words)


def test_first_admin_needs_no_key_and_everybody_after_does(
    home: Settings, closed: Callable[[str | None], None]
) -> None:
    """Whoever can open the ledger makes the first one, and that is on record."""
    say(*ADD, "--as", "founder")
    admin = say("keys", "add", "acme", "--role", "admin", "--person", "founder", "--as", "founder").split()[-1]
    with pytest.raises(NotPermitted, match="set HOLDFAST_KEY"):
        say("keys", "add", "acme", "--role", "predict", "--as", "founder")
    closed(admin)
    say("keys", "add", "acme", "--role", "predict")
    assert audited() == [
        ("founder", "add-key", "acme", "done"),
        ("founder", "add-key", "acme", "refused"),
        ("founder", "add-key", "acme", "done"),
        ("founder", "add-tenant", "acme", "done"),
    ]


def test_word_needs_the_key_of_the_person_who_speaks(home: Settings, closed: Callable[[str | None], None]) -> None:
    """A name alone, another's key, a program's, or too small a role changes nothing; every attempt is on record."""
    engine = rollout(home)
    say(*ADD, "--as", "on-call")
    refused = {
        None: "set HOLDFAST_KEY",
        key_of(home, Role.OPERATE, "somebody-else"): "belongs to 'somebody-else', not to 'on-call'",
        key_of(home, Role.OPERATE, None): "a program's",
        key_of(home, Role.REVIEW, "on-call"): "role review; this needs operate",
        key_of(home, Role.OPERATE, "on-call")[:-4] + "beef": "unknown, wrong or revoked",
        "letmein": "no API key of ours",
    }
    before = Plans(engine).current(MODEL)
    for key, says in refused.items():
        closed(key)
        with pytest.raises(NotPermitted, match=says):
            say("rollback", MODEL, "--reason", "the pager went off", "--as", "on-call")
    assert Plans(engine).current(MODEL) == before
    closed(key_of(home, Role.OPERATE, "on-call"))
    assert "by person:on-call" in say("rollback", MODEL, "--reason", "the pager went off")
    assert [outcome for *_, outcome in audited()] == ["done", *["refused"] * len(refused), "done"]
    shown = say("audit")
    assert all(key is None or key not in shown for key in refused)


def test_key_gives_no_right_that_the_policy_does_not(home: Settings, closed: Callable[[str | None], None]) -> None:
    """An operator's key is somebody's; what they may is still written in the policy."""
    rollout(home)
    say(*ADD, "--as", "on-call")
    closed(key_of(home, Role.OPERATE, "on-call"))
    with pytest.raises(NotPermitted, match="'on-call' may not promote"):
        say("promote", MODEL, "--reason", "it looks fine")
    assert audited()[0] == ("on-call", "promote", MODEL, "refused")


def test_open_house_takes_names_and_keeps_the_log_all_the_same(home: Settings) -> None:
    """On loopback a person is who they say, as before."""
    rollout(home)
    say("hold", MODEL, "--reason", "wait", "--as", "on-call")
    with pytest.raises(NotPermitted):
        say("hold", MODEL, "--reason", "wait", "--as", "a-stranger")
    assert audited() == [("a-stranger", "hold", MODEL, "refused"), ("on-call", "hold", MODEL, "done")]
    assert [deed["who"] for deed in json.loads(say("audit", "--who", "on-call", "--json"))] == ["on-call"]
