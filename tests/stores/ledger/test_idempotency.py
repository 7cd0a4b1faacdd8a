"""Idempotency keys in the ledger: one holder at a time, many operations in one transaction."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from lifecycle.errors import Unavailable
from stores.ledger import idempotency
from stores.ledger.idempotency import IdempotencyKeys
from stores.ledger.idempotency_schema import idempotency_keys
from stores.ledger.key_operations import Claim, Claiming, Completing, Looking, Releasing, StoredAnswer, Taking
from stores.ledger.opening import connect
from stores.ledger.void_claims import void_claims
from stores.prediction_log.ownership import place_of

NOW = datetime(2013, 4, 1, tzinfo=UTC)
ANSWER = StoredAnswer(200, "application/json", (("a", "b"),), b"\x00yes")


def claim(digest: str = "d", owner: str = "r.1", **changes: object) -> Claim:
    """Return a claim, changed."""
    whole = Claim(
        digest=digest,
        fingerprint="f",
        claim=f"{digest}-{owner}",
        owner=owner,
        place="here",
        lease_until=NOW + timedelta(minutes=1),
        expires_at=NOW + timedelta(hours=1),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def test_first_claim_stands_and_others_see_it(ledger: Engine) -> None:
    """In one transaction and in another."""
    keys = IdempotencyKeys(ledger)
    assert keys.work([Claiming(claim()), Claiming(claim("e"))], NOW) == [claim(), claim("e")]
    assert keys.work([Claiming(claim(owner="r.2")), Looking(claim("e", "r.2"))], NOW) == [claim(), claim("e")]
    assert keys.work([Looking(claim("nothing"))], NOW) == [None]


def test_answer_is_stored_whole_and_only_by_who_holds_the_key(ledger: Engine) -> None:
    """Once; a later one changes nothing."""
    keys = IdempotencyKeys(ledger)
    keys.work([Claiming(claim())], NOW)
    assert keys.work([Completing(claim(owner="r.2"), ANSWER)], NOW) == [claim()]
    stored = claim(answer=ANSWER)
    assert keys.work([Completing(claim(), ANSWER)], NOW) == [stored]
    assert keys.work([Completing(claim(), replace(ANSWER, status=422)), Releasing(claim())], NOW) == [stored, stored]
    too_long = StoredAnswer(200, "application/json", (), None)
    assert keys.work([Claiming(claim("e"))], NOW) == [claim("e")]
    assert keys.work([Completing(claim("e"), too_long)], NOW) == [claim("e", answer=too_long)]


def test_released_key_is_free_at_once(ledger: Engine) -> None:
    """Also for a claim in the same transaction."""
    keys = IdempotencyKeys(ledger)
    keys.work([Claiming(claim())], NOW)
    other = claim(owner="r.2")
    assert keys.work([Claiming(other), Releasing(claim())], NOW) == [other, other]


def test_key_is_taken_over_from_the_owner_it_was_seen_with(ledger: Engine) -> None:
    """Of two, the first; who had it is remembered, and can store nothing any more."""
    keys = IdempotencyKeys(ledger)
    keys.work([Claiming(claim())], NOW)
    later = NOW + timedelta(minutes=2)
    taken = keys.work([Taking(claim(), "r.2", "there", later)], NOW)[0]
    assert taken == replace(claim(), owner="r.2", place="there", lease_until=later, former=("r.1",))
    assert keys.work([Taking(claim(), "r.3", "there", later)], NOW) == [taken]
    assert keys.work([Completing(claim(), ANSWER)], NOW) == [taken]
    assert taken is not None
    again = keys.work([Taking(taken, "r.3", "there", later)], NOW)[0]
    assert again is not None
    assert again.former == ("r.1", "r.2")


def test_key_whose_time_is_over_is_free(ledger: Engine) -> None:
    """Its answer is not seen any more, and a new claim replaces it."""
    keys = IdempotencyKeys(ledger)
    keys.work([Claiming(claim())], NOW)
    keys.work([Completing(claim(), ANSWER)], NOW)
    later = NOW + timedelta(hours=1)
    assert keys.work([Looking(claim())], later) == [None]
    new = claim(owner="r.2", expires_at=later + timedelta(hours=1))
    assert keys.work([Claiming(new)], later) == [new]


def test_old_keys_are_deleted_however_many(ledger: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """In parts, so that nobody waits long to write."""
    monkeypatch.setattr(idempotency, "EXPIRED_AT_ONCE", 3)
    keys = IdempotencyKeys(ledger)
    keys.work([Claiming(claim(f"old{number}")) for number in range(8)], NOW)
    keys.work([Claiming(claim("new", expires_at=NOW + timedelta(hours=3)))], NOW)
    assert keys.expire(NOW + timedelta(hours=2)) == 8
    with ledger.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(idempotency_keys)) == 1


def test_of_many_who_claim_at_once_one_holds_each_key(ledger: Engine) -> None:
    """Whatever order they ask in."""
    winners: list[str] = []

    def ask(number: int) -> None:
        digests = [f"d{key}" for key in range(20)][:: 1 if number % 2 else -1]
        standing = IdempotencyKeys(ledger).work([Claiming(claim(one, f"r.{number}")) for one in digests], NOW)
        winners.extend(one.digest for one in standing if one is not None and one.owner == f"r.{number}")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(winners) == sorted(f"d{key}" for key in range(20))


def test_rows_are_void_when_another_place_answers_and_kept_otherwise(ledger: Engine, tmp_path: Path) -> None:
    """What is being shipped cannot be taken over from another place meanwhile."""
    here = place_of(tmp_path)
    keys = IdempotencyKeys(ledger)
    mine, lost, known = (claim(name, place=here) for name in ("mine", "lost", "known"))
    keys.work([Claiming(one) for one in (mine, lost, known)], NOW)
    keys.work([Taking(lost, "far.1", "there", NOW), Taking(known, "r.2", here, NOW)], NOW)
    names = frozenset({mine.claim, lost.claim, known.claim, "expired long ago"})
    assert void_claims(ledger, tmp_path)("r.1", names) == {lost.claim}
    (standing,) = keys.work([Looking(mine)], NOW)
    assert standing is not None
    assert standing.lease_until > datetime.now(UTC)


def test_ledger_that_is_away_says_so(tmp_path: Path) -> None:
    """Which rows count is not guessed."""
    (tmp_path / "ledger.db").mkdir()
    void = void_claims(connect(f"sqlite:///{tmp_path / 'ledger.db'}"), tmp_path)
    with pytest.raises(Unavailable, match="HOLDFAST_LEDGER_URL"):
        void("r.1", frozenset({"c"}))
