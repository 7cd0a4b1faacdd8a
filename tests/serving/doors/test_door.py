"""Who comes in at a gateway's door, in process: keys, roles, priorities, rates and sizes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from lifecycle.plan import TrafficPlan
from lifecycle.priority import Priority
from lifecycle.tenants import ApiKey, Role, Roster, Tenant, written_key
from serving.doors.door import Door
from serving.doors.guests import Guests, guests_of
from serving.doors.head import HeadLimits
from serving.doors.rates import Alone
from serving.doors.slow_bodies import SlowBodies
from serving.routes import Application
from stores.ledger.opening import open_ledger
from stores.ledger.tenants import Tenants
from tests.serving.conftest import MODEL, Bench, flight

PREDICT = f"/v2/models/{MODEL}/predict"
Make = Callable[..., "Doors"]


@dataclass
class List:
    """Who is known just now."""

    guests: Guests | None


@dataclass
class Doors:
    """A gateway behind a door, and the keys to it."""

    bench: Bench
    door: Door
    known: List
    keys: dict[Role, str]
    roster: Roster
    clock: list[float] = field(default_factory=lambda: [0.0])

    def predict(self, **headers: str) -> httpx.Response:
        """Return the answer to one row, asked for with some headers."""
        return self.ask("POST", PREDICT, json={"rows": [flight()]}, headers=_spelled(headers))

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Return the answer to one request."""
        return self.bench.ask(method, path, **more)

    def turned_away(self) -> dict[tuple[str, ...], float]:
        """Return the counts of those who were."""
        lines = self.door.refusals.counters().lines()
        return {line.labels: line.values[0] for line in lines}


def _spelled(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def doors(make_bench: Callable[..., Bench], tmp_path: Any) -> Make:
    """Return a maker of gateways whose door knows a key of every role, of a tenant with a burst of 3."""

    def make(*, required: bool = True, highest: Priority = Priority.STANDARD, **more: Any) -> Doors:
        tenants = Tenants(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}"))
        tenants.add(Tenant("acme", 2.0, 3, highest))
        keys = {role: tenants.issue("acme", role, None)[1] for role in Role}
        roster = tenants.roster()
        known, clock = List(guests_of(roster)), [0.0]
        door = Door(known, required=required, monotonic=lambda: clock[0], **more)
        bench = make_bench()
        bench.models.put(bench.stand_up(TrafficPlan(MODEL, revision=1, champion="2", previous=None)))
        bench.application = Application(bench.models, door=door)
        return Doors(bench, door, known, keys, roster, clock)

    return make


def test_right_key_names_the_tenant_of_an_answer(doors: Make) -> None:
    """Either header will do, and the prediction log says who asked."""
    behind = doors()
    assert behind.predict(authorization=f"Bearer {behind.keys[Role.PREDICT]}").status_code == 200
    assert behind.predict(x_api_key=behind.keys[Role.ADMIN]).status_code == 200
    assert [row["tenant"] for row in behind.bench.log.rows()] == ["acme", "acme"]


def test_without_a_right_key_nobody_comes_in_and_nothing_is_told(doors: Make) -> None:
    """No key, another kind of one, a wrong secret, an unknown id: 401, and the secret is not repeated."""
    behind = doors()
    right = behind.keys[Role.PREDICT]
    wrong = right[:-4] + ("0000" if right[-4:] != "0000" else "1111")
    unknown = written_key("0" * 12, "1" * 64)
    shown = (
        {},
        {"authorization": "Basic dXNlcg=="},
        *({"authorization": f"Bearer {one}"} for one in (wrong, unknown, "x")),
    )
    said = [behind.predict(**headers) for headers in shown]
    assert {answer.status_code for answer in said} == {401}
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in said)
    assert said[2].json()["detail"] == said[3].json()["detail"]
    assert all(one not in answer.text for answer in said for one in (wrong, unknown, "dXNlcg"))
    assert behind.turned_away() == {("", "", "unauthorized"): 5.0}
    assert behind.bench.log.rows() == []


def test_revoked_key_opens_nothing(doors: Make, tmp_path: Any) -> None:
    """As soon as the list says so."""
    behind = doors()
    key = behind.keys[Role.PREDICT]
    tenants = Tenants(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}"))
    tenants.revoke(key.split("_")[1])
    behind.known.guests = guests_of(tenants.roster())
    assert behind.predict(x_api_key=key).status_code == 401


def test_two_different_headers_are_no_choice(doors: Make) -> None:
    """One of them must be a mistake."""
    behind = doors()
    key = behind.keys[Role.PREDICT]
    assert behind.predict(x_api_key=key, authorization=f"Bearer {key}").status_code == 400


def test_open_door_lets_everybody_in_but_a_shown_key_must_be_right(doors: Make) -> None:
    """A name that anybody can write is nobody's word."""
    behind = doors(required=False)
    assert behind.predict(x_holdfast_tenant="acme").status_code == 200
    assert behind.predict(x_api_key=behind.keys[Role.PREDICT]).status_code == 200
    assert behind.predict(x_api_key="hf_wrong").status_code == 401
    assert [row["tenant"] for row in behind.bench.log.rows()] == [None, "acme"]


def test_while_nobody_knows_the_keys_the_answer_is_later(doors: Make) -> None:
    """That is not the caller's fault."""
    behind = doors()
    behind.known.guests = None
    answer = behind.predict(x_api_key=behind.keys[Role.PREDICT])
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize(
    ("path", "needs"),
    [
        ("/v2/health/live", None),
        ("/v2/health/ready", None),
        (f"/v2/models/{MODEL}/ready", None),
        ("/v2/models", Role.PREDICT),
        (f"/v2/models/{MODEL}", Role.PREDICT),
        ("/docs", Role.PREDICT),
        ("/openapi.json", Role.PREDICT),
        ("/v2", Role.PREDICT),
    ],
)
def test_pages_but_health_need_a_key(doors: Make, path: str, needs: Role | None) -> None:
    """Whoever watches over processes has none."""
    behind = doors()
    assert behind.ask("GET", path).status_code == (200 if needs is None else 401)
    with_key = behind.ask("GET", path, headers={"x-api-key": behind.keys[needs or Role.PREDICT]})
    assert with_key.status_code == 200


def test_key_whose_role_may_not_is_told_which_may(doors: Make) -> None:
    """It is somebody, but not enough."""
    behind = doors()
    headers = {b"x-api-key": behind.keys[Role.PREDICT].encode()}
    with pytest.raises(Exception, match="role predict; this needs review") as refused:
        behind.door.guard(headers, Role.REVIEW)
    assert refused.value.problem.status == 403  # type: ignore[attr-defined]
    behind.door.guard({b"x-api-key": behind.keys[Role.OPERATE].encode()}, Role.REVIEW)


def test_priority_is_the_headers_and_never_above_the_tenants(doors: Make) -> None:
    """Without a header it is standard; what is no priority is refused."""
    behind = doors(highest=Priority.STANDARD)
    key = behind.keys[Role.PREDICT].encode()
    entered = [
        behind.door.enter({b"x-api-key": key, **({} if said is None else {b"x-holdfast-priority": said})}).priority
        for said in (None, b"interactive", b"standard", b"Backfill")
    ]
    assert entered == [Priority.STANDARD, Priority.STANDARD, Priority.STANDARD, Priority.BACKFILL]
    answer = behind.predict(x_api_key=key.decode(), x_holdfast_priority="urgent")
    assert answer.status_code == 400
    assert "interactive, standard, backfill" in answer.json()["detail"]


def test_tenant_above_its_rate_is_told_when_to_come_back(doors: Make) -> None:
    """Before its body is read; after that time it comes in again."""
    behind = doors()
    key = behind.keys[Role.PREDICT]
    assert [behind.predict(x_api_key=key).status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = behind.predict(x_api_key=key)
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["ratelimit"] == '"tenant";r=0;t=1'
    assert answer.headers["ratelimit-policy"] == '"tenant";q=3;w=2'
    assert behind.turned_away() == {("acme", "standard", "too-many-requests"): 2.0}
    behind.clock[0] = 1.0
    assert behind.predict(x_api_key=key).status_code == 200


def test_replica_allows_its_share_of_a_rate(doors: Make) -> None:
    """Three replicas allow together what one would."""
    behind = doors(replicas=Alone(3))
    key = behind.keys[Role.PREDICT]
    assert [behind.predict(x_api_key=key).status_code for _ in range(2)] == [200, 429]


def test_share_follows_the_number_of_replicas(doors: Make) -> None:
    """A second replica halves what this one allows, and what was taken stays taken."""
    replicas = Alone(1)
    behind = doors(replicas=replicas)
    key = behind.keys[Role.PREDICT]
    assert [behind.predict(x_api_key=key).status_code for _ in range(4)] == [200, 200, 200, 429]
    replicas.count = 2
    assert behind.predict(x_api_key=key).status_code == 429
    behind.clock[0] = 2.0
    assert [behind.predict(x_api_key=key).status_code for _ in range(2)] == [200, 429]
    replicas.count = 1
    behind.clock[0] = 10.0
    assert [behind.predict(x_api_key=key).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_changed_limit_holds_at_once(doors: Make) -> None:
    """As soon as the list has it."""
    behind = doors()
    key = behind.keys[Role.PREDICT]
    roster = Roster((Tenant("acme", 100.0, 50, Priority.STANDARD),), behind.roster.keys)
    assert [behind.predict(x_api_key=key).status_code for _ in range(4)][-1] == 429
    behind.known.guests = guests_of(roster)
    assert {behind.predict(x_api_key=key).status_code for _ in range(20)} == {200}


def test_head_above_its_limits_is_refused(doors: Make) -> None:
    """By number and by bytes, at every path."""
    behind = doors(required=False, head=HeadLimits(max_headers=12, max_bytes=400))
    many = {f"x-{number}": "1" for number in range(20)}
    assert behind.ask("GET", "/v2", headers=many).status_code == 431
    answer = behind.predict(x_long="y" * 500)
    assert answer.status_code == 431
    assert "allowed: 400" in answer.json()["detail"]
    assert behind.predict().status_code == 200


def test_body_that_does_not_come_is_given_up(doors: Make) -> None:
    """A client that dribbles cannot hold a replica's attention."""
    behind = doors(required=False, bodies=SlowBodies(0.3))

    async def dribble() -> Any:
        yield b'{"rows": '
        await asyncio.sleep(5)
        yield b"[]}"

    answer = behind.ask("POST", PREDICT, content=dribble(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["title"]) == (408, "body too slow")
    assert behind.predict().status_code == 200


def test_key_of_a_tenant_that_is_gone_opens_nothing() -> None:
    """Without limits nobody may come in."""
    key = ApiKey("0" * 12, "gone", Role.PREDICT, "0" * 64, None, None)  # type: ignore[arg-type]
    assert guests_of(Roster((), (key,))).by_key == {}
