"""Jobs in both kinds of ledger: stored once, held by one worker at a time, ended once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from sqlalchemy import Engine

from lifecycle.errors import Conflict, NotFound, TransitionRefused
from lifecycle.jobs import DeliveryState, JobState
from stores.ledger.deliveries import Deliveries
from stores.ledger.job_lists import JobLists, Standing
from stores.ledger.job_log import JobLog
from stores.ledger.job_records import Claimed, Ending, NewJob, Sent, StoredAnswer
from stores.ledger.jobs import Jobs

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ANSWER = StoredAnswer(200, "application/json", {"x-more": "yes"}, b'{"predictions": []}')
ROWS = (pa.record_batch({"prediction_id": ["a", "b"]}),)


def new(
    name: str, *, webhook: str | None = None, priority: int = 1, after: int = 0, tenant: str | None = None
) -> NewJob:
    """Return a job that was enqueued so many seconds after NOW."""
    at = NOW + after * SECOND
    return NewJob(
        name, "m", "2", 5, "predict", {"content-type": "application/json"}, b"{}", tenant, priority, webhook, at
    )


def enqueue(ledger: Engine, *jobs: NewJob) -> Jobs:
    """Store jobs."""
    kept = Jobs(ledger)
    assert kept.enqueue(jobs, {"m": 1000}) == {job.job_id for job in jobs}
    return kept


def claim(kept: Jobs, *, limit: int = 10, after: int = 0, holder: str = "r") -> tuple[Claimed, ...]:
    """Take jobs, so many seconds after NOW, for ten seconds."""
    return kept.claim("m", holder=holder, lease_seconds=10, limit=limit, now=NOW + after * SECOND)


def ended(job: Claimed, state: JobState = JobState.SUCCEEDED) -> Ending:
    """Return the good end of a job."""
    return Ending(job.job_id, job.token, state, answer=ANSWER, rows=ROWS)


def test_a_claimed_job_is_what_was_enqueued(each_ledger: Engine) -> None:
    """Everything a worker needs comes back as it was stored."""
    kept = enqueue(each_ledger, new("a", tenant="t"))
    (job,) = claim(kept)
    assert job == Claimed(
        "a", 1, 1, "m", "2", 5, "predict", {"content-type": "application/json"}, b"{}", "t", 1, None, NOW
    )
    seen = kept.get("a")
    assert (seen.state, seen.holder, seen.started_at, seen.ended_at) == (JobState.RUNNING, "r", NOW, None)


def test_the_most_urgent_is_taken_first_and_then_the_oldest(each_ledger: Engine) -> None:
    """Priorities go before age."""
    kept = enqueue(
        each_ledger,
        new("late", after=-1),
        new("early", after=-2),
        new("urgent", priority=0),
        new("low", priority=2, after=-9),
    )
    assert [job.job_id for job in claim(kept, limit=3)] == ["urgent", "early", "late"]
    assert [job.job_id for job in claim(kept)] == ["low"]


def test_a_job_is_held_by_one_worker_until_its_lease_ends(each_ledger: Engine) -> None:
    """Then the next one has it, and what the first writes after that is refused."""
    kept = enqueue(each_ledger, new("a", webhook="https://example.org"))
    (first,) = claim(kept, holder="first")
    assert claim(kept, after=9) == ()
    (second,) = claim(kept, after=10, holder="second")
    assert (second.attempts, second.token) == (2, 2)
    assert kept.end([ended(first)], NOW) == frozenset()
    assert kept.get("a").state is JobState.RUNNING
    assert kept.end([ended(second)], NOW) == {"a"}
    assert kept.end([ended(second)], NOW) == frozenset()
    assert len(JobLog(each_ledger).rows(1) or ()) == 0
    JobLog(each_ledger).begin(1, 10)
    rows = JobLog(each_ledger).rows(1)
    assert rows is not None
    assert rows["prediction_id"].to_pylist() == ["a", "b"]
    assert len(Deliveries(each_ledger).claim("m", lease_seconds=1, limit=9, now=NOW)) == 1


def test_workers_that_claim_at_once_never_share_a_job(each_ledger: Engine) -> None:
    """Four at a time over two hundred jobs: each job is in one worker's hands."""
    kept = Jobs(each_ledger)
    kept.enqueue([new(f"{number:03}") for number in range(200)], {"m": 200})

    def work(worker: int) -> list[str]:
        mine: list[str] = []
        while claimed := claim(kept, limit=7, holder=str(worker)):
            mine += [job.job_id for job in claimed]
            assert kept.end([ended(job) for job in claimed], NOW) == {job.job_id for job in claimed}
        return mine

    with ThreadPoolExecutor(4) as pool:
        taken = Counter(job for mine in pool.map(work, range(4)) for job in mine)
    # A worker may find nothing for a moment while others hold the last ones; nothing may be taken twice.
    left = [job.job_id for job in claim(kept, limit=200)]
    assert len(taken) + len(left) == 200
    assert set(taken.values()) == {1}


def test_an_answer_is_kept_with_everything_a_caller_reads(each_ledger: Engine) -> None:
    """Status, type, headers and the bytes themselves."""
    kept = enqueue(each_ledger, new("a"))
    assert kept.answer("a") is None
    kept.end([ended(job) for job in claim(kept)], NOW)
    assert kept.answer("a") == ANSWER
    assert (kept.get("a").state, kept.get("a").ended_at, kept.get("a").status) == (JobState.SUCCEEDED, NOW, 200)


def test_a_job_that_was_put_back_is_due_later_and_says_why(each_ledger: Engine) -> None:
    """What was nobody's fault costs no attempt."""
    kept = enqueue(each_ledger, new("a"))
    for used, attempts in ((False, 1), (True, 2)):
        (job,) = claim(kept, after=100)
        later = Ending("a", job.token, JobState.WAITING, "away", due_at=NOW + 100 * SECOND, used=used)
        kept.end([later], NOW)
        assert kept.get("a").reason == "away"
        assert claim(kept, after=99) == ()
        (again,) = claim(kept, after=100)
        assert (again.attempts, again.reason) == (attempts, "away")
        kept.end([Ending("a", again.token, JobState.WAITING, "away", due_at=NOW, used=used)], NOW)


def test_a_cancelled_job_takes_no_end_from_its_worker(each_ledger: Engine) -> None:
    """The token is taken from the worker; a second DELETE changes nothing; no message goes out."""
    kept = enqueue(each_ledger, new("a", webhook="https://example.org"))
    (job,) = claim(kept)
    assert kept.cancel("a", "why", NOW).state is JobState.CANCELLED
    assert kept.end([ended(job)], NOW) == frozenset()
    assert kept.cancel("a", "again", NOW + SECOND).reason == "why"
    assert claim(kept, after=100) == ()
    assert Deliveries(each_ledger).of("a") is None
    assert not JobLog(each_ledger).waiting()


def test_a_job_that_ended_cannot_be_cancelled(each_ledger: Engine) -> None:
    """Its answer stands, and the message names the states from which it could."""
    kept = enqueue(each_ledger, new("a"))
    kept.end([ended(job) for job in claim(kept)], NOW)
    with pytest.raises(TransitionRefused, match="succeeded cannot become cancelled; allowed from: waiting, running"):
        kept.cancel("a", "why", NOW)
    with pytest.raises(NotFound, match="no job 'b'"):
        kept.cancel("b", "why", NOW)


def test_no_more_jobs_are_stored_than_may_be_open(each_ledger: Engine) -> None:
    """Those that ended make room."""
    kept = Jobs(each_ledger)
    assert kept.enqueue([new("a"), new("b"), new("c")], {"m": 2}) == {"a", "b"}
    assert kept.enqueue([new("d")], {"m": 2}) == frozenset()
    kept.end([ended(job) for job in claim(kept, limit=1)], NOW)
    assert kept.enqueue([new("e"), new("f")], {"m": 2}) == {"e"}


def test_a_job_that_is_left_twice_is_stored_once(each_ledger: Engine) -> None:
    """Whatever became of it meanwhile, and without room for another."""
    kept = Jobs(each_ledger)
    assert kept.enqueue([new("a")], {"m": 1}) == {"a"}
    kept.end([ended(job) for job in claim(kept)], NOW)
    assert kept.enqueue([new("b")], {"m": 1}) == {"b"}
    assert kept.enqueue([new("a"), new("b"), new("c")], {"m": 1}) == {"a", "b"}
    assert kept.get("a").state is JobState.SUCCEEDED


def test_a_message_is_sent_by_one_worker_until_it_is_taken_or_given_up(each_ledger: Engine) -> None:
    """Put back it is due again later; a lease that ends has it sent by another; a person revives one that is dead."""
    kept, messages = enqueue(each_ledger, new("a", webhook="https://example.org")), Deliveries(each_ledger)
    kept.end([ended(job) for job in claim(kept)], NOW)
    (one,) = messages.claim("m", lease_seconds=5, limit=9, now=NOW)
    assert (one.delivery.attempts, one.delivery.url, one.job.state, one.answer) == (
        1,
        "https://example.org",
        JobState.SUCCEEDED,
        ANSWER,
    )
    assert messages.claim("m", lease_seconds=5, limit=9, now=NOW) == ()
    messages.settle([Sent("a", one.token, DeliveryState.WAITING, "500", NOW + 9 * SECOND)], NOW)
    assert messages.claim("m", lease_seconds=5, limit=9, now=NOW + 8 * SECOND) == ()
    (stuck,) = messages.claim("m", lease_seconds=5, limit=9, now=NOW + 9 * SECOND)
    (two,) = messages.claim("m", lease_seconds=5, limit=9, now=NOW + 14 * SECOND)
    messages.settle([Sent("a", stuck.token, DeliveryState.DELIVERED)], NOW)
    assert [message.state for message in (messages.of("a"),) if message] == [DeliveryState.SENDING]
    messages.settle([Sent("a", two.token, DeliveryState.DEAD, "410")], NOW)
    assert [(dead.job_id, dead.last_error, dead.attempts) for dead in messages.dead()] == [("a", "410", 3)]
    assert messages.dead("other") == ()
    assert messages.retry("a", NOW).attempts == 0
    with pytest.raises(Conflict, match="is waiting; only one that is dead"):
        messages.retry("a", NOW)
    with pytest.raises(NotFound, match="no message about a job 'b'"):
        messages.retry("b", NOW)
    (three,) = messages.claim("m", lease_seconds=5, limit=9, now=NOW)
    messages.settle([Sent("a", three.token, DeliveryState.DELIVERED)], NOW)
    assert messages.dead() == ()


def test_standing_counts_what_is_open(each_ledger: Engine) -> None:
    """By state, with the age of the oldest; ended jobs and taken messages are no concern any more."""
    lists = JobLists(each_ledger)
    assert lists.standing("m") == Standing(0, 0, None, 0, 0)
    kept = enqueue(each_ledger, *(new(name, webhook="https://example.org", after=n) for n, name in enumerate("abcd")))
    first, second = claim(kept, limit=2, after=5)
    kept.end([ended(first)], NOW)
    assert lists.standing("m") == Standing(2, 1, NOW + SECOND, 1, 0)
    assert [job.job_id for job in lists.newest(2)] == ["d", "c"]
    assert [job.job_id for job in lists.newest(9, state=JobState.RUNNING)] == [second.job_id]
    assert lists.models() == ("m",)


def test_jobs_are_forgotten_once_their_time_is_over(each_ledger: Engine) -> None:
    """Not one that is open, nor one whose message is under way."""
    kept = enqueue(each_ledger, new("open", priority=2), new("told", webhook="https://example.org"), new("quiet"))
    messages, lists = Deliveries(each_ledger), JobLists(each_ledger)
    kept.end([ended(job) for job in claim(kept, limit=2)], NOW)
    assert lists.forget("m", NOW) == 0
    assert lists.forget("m", NOW + SECOND) == 1
    (one,) = messages.claim("m", lease_seconds=5, limit=9, now=NOW)
    messages.settle([Sent("told", one.token, DeliveryState.DEAD, "410")], NOW + SECOND)
    assert lists.forget("m", NOW + SECOND) == 0
    assert lists.forget("m", NOW + 2 * SECOND) == 1
    assert [job.job_id for job in lists.newest(9)] == ["open"]
    assert messages.of("told") is None
