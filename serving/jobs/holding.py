"""Jobs that wait for people: an unsure answer is held back until each unsure row of it has a person's word."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import pyarrow as pa
from msgspec.structs import replace

from lifecycle.decision_policy import DecisionPolicy
from lifecycle.policy import Policy
from lifecycle.review import Reviewed, ReviewKind
from serving.answer import Answer
from serving.jobs.preference import REVIEW
from stores.ledger.job_records import Claimed, StoredAnswer
from stores.review_rows import asked_in


class Held(msgspec.Struct, frozen=True):
    """An answer that is held back, and the response that it is as long as no person has said anything."""

    answer: Answer
    response: StoredAnswer

    @property
    def unsure(self) -> Sequence[str]:
        """Prediction ids of the rows that wait for a person."""
        marks = self.answer.provisional or ()
        return [name for name, unsure in zip(self.answer.prediction_ids, marks, strict=False) if unsure]

    def packed(self) -> bytes:
        """Return it as the ledger keeps it."""
        return msgspec.msgpack.encode(self)


def unpacked(held: bytes) -> Held:
    """Return what `packed` gave."""
    return msgspec.msgpack.decode(held, type=Held)


def waits_for_people(job: Claimed, answer: Answer) -> bool:
    """Return whether a job's caller wants to wait for a person, and its answer has rows to wait for."""
    wanted = REVIEW.decode() in job.headers
    return wanted and answer.provisional is not None and any(answer.provisional)


def asked_of_people(rows: Sequence[pa.RecordBatch], policy: Policy, now: datetime) -> Sequence[Reviewed]:
    """Return what people are asked about a job's unsure rows; `rows` are those of the log."""
    asked = asked_in(pa.Table.from_batches(rows), {policy.model: policy}.get, now)
    return [one for one in asked.reviews if one.kind is ReviewKind.PROVISIONAL]


def with_words(answer: Answer, words: Mapping[str, Reviewed], decision: DecisionPolicy) -> Answer:
    """Return an answer with what people said: the decision of a row is theirs then, its probability the model's."""
    said = [None if (word := words.get(name)) is None else word.answer for name in answer.prediction_ids]
    named = {1: decision.positive, 0: decision.negative}
    decisions = [
        before if label is None else named[label] for before, label in zip(answer.decisions, said, strict=True)
    ]
    return replace(answer, decisions=decisions, provisional=None, reviewed=said)
