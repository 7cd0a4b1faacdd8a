"""Jobs answered on the event loop, by the versions that stand here for the users, in the time that these leave.

They go through the same scoring as a request that names its version, in micro-batches of their own: no user waits in
line behind them, and their log rows are kept with their answers.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from lifecycle.policy import Policy
from lifecycle.priority import Priority
from lifecycle.review import Reviewed
from serving.answer import Answer, Ask, Original
from serving.batching import Batch, nothing
from serving.caller import Caller
from serving.contracts import read
from serving.dialects import DIALECTS, Spoken
from serving.jobs.collected import Collected
from serving.jobs.fate import Fates, stored
from serving.jobs.holding import Held, asked_of_people, unpacked, waits_for_people, with_words
from serving.models import Lane, Models, ServedModel
from serving.problem import RETRY_AFTER_SECONDS, refused
from serving.rows import Row
from stores.ledger.job_records import Claimed, Ending

MICROSECONDS = 1_000_000
LEASE_PART = 0.5
"""Part of a lease within which work is begun; what is left then goes back."""
_DIALECTS = {dialect.action: dialect for dialect in DIALECTS}


@dataclass(frozen=True, slots=True)
class _Read:
    """A job that was read, and how long that took."""

    job: Claimed
    spoken: Spoken
    rows: Sequence[Row]
    original: Original | None
    decode_us: int


@dataclass
class Answering:
    """Answers jobs; `stopped` says whether a version's answers are stopped here, `now` is the machine's time.

    `words` returns the reviews of predictions by their ids; it asks the ledger. `monotonic` is in seconds.
    """

    models: Models
    stopped: Callable[[str, str], bool]
    now: Callable[[], datetime]
    rng: np.random.Generator
    words: Callable[[Sequence[str]], Mapping[str, Reviewed]] = lambda _: {}
    monotonic: Callable[[], float] = time.perf_counter

    async def answer(self, model: str, jobs: Sequence[Claimed]) -> list[Ending]:
        """Return what becomes of jobs of one model, each once; after each batch the users have the larger part."""
        served = self.models.find(model)
        if served is None:
            raise refused(503, "model-not-ready", f"{model} does not answer here", retry_after=RETRY_AFTER_SECONDS)
        policy = served.policy.jobs
        fates = Fates(policy, self.now(), self.rng)
        endings: list[Ending] = []
        began = self.monotonic()
        due: list[Claimed] = []
        endings.extend(await self._settled([job for job in jobs if job.held is not None], served, fates))
        for job in jobs:
            if job.held is not None:
                continue
            early = fates.before(job, served, self.stopped(model, job.version))
            if early is None:
                due.append(job)
            else:
                endings.append(early)
        for lane, batch in _batches(served, due, lambda job: self._read(job, served, fates, endings)):
            if self.monotonic() - began > policy.lease_seconds * LEASE_PART:
                endings.extend(fates.put_back(one.job, "the worker's lease is used up") for one in batch)
                continue
            worked = self.monotonic()
            endings.extend(await self._score(lane, batch, fates, served.policy))
            busy = self.monotonic() - worked
            await asyncio.sleep(busy * (1.0 / policy.time_share - 1.0))
        return endings

    def _read(self, job: Claimed, served: ServedModel, fates: Fates, endings: list[Ending]) -> _Read | None:
        began = self.monotonic()
        headers = {name.encode("latin-1"): value.encode("latin-1") for name, value in job.headers.items()}
        try:
            contracts = served.lanes[job.version].contracts
            spoken, rows, original = read(_DIALECTS[job.action], headers, job.body, contracts)
        except Exception as error:  # noqa: BLE001 - it was read when it was left, and must end in any case
            endings.append(fates.after(job, error))
            return None
        return _Read(job, spoken, rows, original, int((self.monotonic() - began) * MICROSECONDS))

    async def _settled(self, jobs: Sequence[Claimed], served: ServedModel, fates: Fates) -> list[Ending]:
        """Return what becomes of jobs whose answers wait for people."""
        held = [(job, unpacked(job.held)) for job in jobs if job.held is not None]
        if not held:
            return []
        words = await asyncio.to_thread(self.words, [name for _, one in held for name in one.unsure])
        said = {name: word for name, word in words.items() if word.answer is not None}
        endings: list[Ending] = []
        for job, one in held:
            missing = [name for name in one.unsure if name not in said]
            if missing and fates.now < fates.longest_wait(job):
                endings.append(fates.held_on(job, len(missing)))
            elif len(missing) == len(one.unsure) or job.version not in served.lanes:
                # What people said meanwhile is at the predictions' own places.
                endings.append(fates.released(job, one.response))
            elif (read_again := self._read(job, served, fates, endings)) is not None:
                told = with_words(one.answer, said, served.policy.decision)
                endings.append(fates.succeeded(job, read_again.spoken.write(told), ()))
        return endings

    async def _score(self, lane: Lane, batch: Sequence[_Read], fates: Fates, policy: Policy) -> list[Ending]:
        collected = Collected()
        run = lane.apart(collected)
        loop = asyncio.get_running_loop()
        asks: Batch = [(self._ask(one), loop.create_future()) for one in batch]
        run(asks, nothing)
        answers = await asyncio.gather(*(future for _, future in asks), return_exceptions=True)
        return [_ended(one, answer, collected, fates, policy) for one, answer in zip(batch, answers, strict=True)]

    def _ask(self, one: _Read) -> Ask:
        caller = Caller(one.job.tenant, Priority(one.job.priority))
        return Ask(one.rows, one.job.job_id, one.decode_us, self.monotonic(), caller=caller, original=one.original)


def _ended(one: _Read, answer: Answer | BaseException, collected: Collected, fates: Fates, policy: Policy) -> Ending:
    if isinstance(answer, BaseException):
        return fates.after(one.job, answer, collected.of(one.job.job_id))
    try:
        response = one.spoken.write(answer)
    except Exception as error:  # noqa: BLE001 - as above
        return fates.after(one.job, error)
    rows = collected.of(one.job.job_id)
    if waits_for_people(one.job, answer):
        return fates.held(one.job, Held(answer, stored(response)), rows, asked_of_people(rows, policy, fates.now))
    return fates.succeeded(one.job, response, rows)


def _batches(
    served: ServedModel, jobs: Sequence[Claimed], read: Callable[[Claimed], _Read | None]
) -> Iterator[tuple[Lane, list[_Read]]]:
    """Yield micro-batches of one version each, of at most `max_batch_rows` rows or one larger job, as they are read."""
    most = served.policy.serving.max_batch_rows
    for version in dict.fromkeys(job.version for job in jobs):
        batch: list[_Read] = []
        rows = 0
        for job in jobs:
            one = read(job) if job.version == version else None
            if one is None:
                continue
            if batch and rows + len(one.rows) > most:
                yield served.lanes[version], batch
                batch, rows = [], 0
            batch.append(one)
            rows += len(one.rows)
        if batch:
            yield served.lanes[version], batch
