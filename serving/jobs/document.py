"""What a caller is told of its job, and what a receiver is told of the job's end."""

from collections.abc import Mapping

import msgspec

from lifecycle.jobs import JobState, event_type
from lifecycle.priority import Priority
from serving.exchange import JSON
from stores.ledger.job_records import Delivery, Job, StoredAnswer, ToSend

PATH = "/v2/jobs"
LARGEST_INLINE_BYTES = 16 * 1024
"""An answer beyond this is fetched; https://www.standardwebhooks.com advises messages below 20 kB."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def job_document(job: Job, delivery: Delivery | None = None) -> dict[str, object]:
    """Return what can be said of a job; `result` is there once there is one to fetch."""
    told: dict[str, object] = {
        "id": job.job_id,
        "state": job.state,
        "model": job.model,
        "version": job.version,
        "action": job.action,
        "priority": Priority(job.priority).name.lower(),
        "attempts": job.attempts,
        "reason": job.reason,
        "enqueued_at": job.enqueued_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
    }
    if job.status is not None:
        told["result"] = f"{PATH}/{job.job_id}/result"
    if delivery is not None:
        told["webhook"] = {
            "url": delivery.url,
            "state": delivery.state,
            "attempts": delivery.attempts,
            "last_error": delivery.last_error,
        }
    elif job.webhook is not None:
        told["webhook"] = {"url": job.webhook, "state": None, "attempts": 0, "last_error": None}
    return told


def message_id(job_id: str) -> str:
    """Return the id of the message about a job, by which a receiver knows one that comes twice."""
    return f"job_{job_id}"


def message(sending: ToSend) -> bytes:
    """Return the message about a job that has ended: the same bytes whenever it is sent."""
    job = sending.job
    data = job_document(job)
    inline = _inline(sending.answer)
    if inline is not None:
        data["answer"] = inline
    return _encode({"type": event_type(JobState(job.state)), "timestamp": job.ended_at, "data": data})


def encoded(document: Mapping[str, object]) -> bytes:
    """Return a document as JSON."""
    return _encode(document)


def _inline(answer: StoredAnswer | None) -> msgspec.Raw | None:
    if answer is None or len(answer.body) > LARGEST_INLINE_BYTES:
        return None
    kind = answer.content_type.encode()
    return msgspec.Raw(answer.body) if kind == JSON or kind.endswith(b"+json") else None
