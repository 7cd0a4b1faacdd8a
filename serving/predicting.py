"""The two ways to ask for predictions: Open Inference tensors, and JSON rows for people."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from serving.answer import Answer, Ask
from serving.exchange import Headers, Receive, Response, read_body
from serving.infer_request import read_infer_request
from serving.infer_response import check_outputs, write_infer_response
from serving.models import Lane, Models
from serving.problem import refused
from serving.rollout.trial import Trial
from serving.rows import Row

HEADER_LENGTH = b"inference-header-content-length"
OCTETS = b"application/octet-stream"
REQUEST_ID_CHARACTERS = 128
LENGTH_DIGITS = 15
"""No body is longer; int() itself gives up at some thousand digits."""
MICROSECONDS = 1_000_000

_encode = msgspec.json.Encoder().encode


@dataclass
class Predicting:
    """Answers infer and predict requests from the models; `monotonic` is in seconds."""

    models: Models
    monotonic: Callable[[], float] = time.perf_counter

    async def infer(self, model: str, version: str | None, headers: Headers, receive: Receive) -> Response:
        """Return the Open Inference response to a request."""
        served, lane = self.models.lane(model, version)
        json_bytes = _header_length(headers)
        _check_type(headers, OCTETS if json_bytes is not None else b"application/json")
        body = await read_body(headers, receive, served.policy.serving.max_body_bytes)
        # A body that took its time must not be answered by a version that was taken back meanwhile.
        served, lane = self.models.lane(model, version)
        began = self.monotonic()
        request, rows = read_infer_request(body, json_bytes, lane.codec)
        check_outputs(request)
        answer = await self._ask(None if version else served.trial, lane, rows, headers, began)
        content, head = write_infer_response(request, answer)
        if head is None:
            return Response(content)
        return Response(content, content_type=OCTETS, headers=((HEADER_LENGTH, str(head).encode()),))

    async def predict(self, model: str, version: str | None, headers: Headers, receive: Receive) -> Response:
        """Return the predictions for `{"rows": [{…}, …]}`, one object per row."""
        served, lane = self.models.lane(model, version)
        _check_type(headers, b"application/json")
        body = await read_body(headers, receive, served.policy.serving.max_body_bytes)
        served, lane = self.models.lane(model, version)  # as above
        began = self.monotonic()
        rows = lane.codec.from_json(body)
        answer = await self._ask(None if version else served.trial, lane, rows, headers, began)
        return Response(_encode(_document(answer)))

    async def _ask(self, trial: Trial | None, lane: Lane, rows: list[Row], headers: Headers, began: float) -> Answer:
        now = self.monotonic()
        request_id = headers.get(b"x-request-id", b"").decode("latin-1")[:REQUEST_ID_CHARACTERS]
        ask = Ask(rows, request_id, decode_us=int((now - began) * MICROSECONDS), submitted=now)
        return await (lane.batcher.submit(ask) if trial is None else trial.answer(ask))


def _document(answer: Answer) -> dict[str, object]:
    versions = answer.versions or [answer.version] * len(answer.prediction_ids)
    tiers = answer.tiers or [answer.tier] * len(answer.prediction_ids)
    rows = zip(
        answer.prediction_ids,
        versions,
        tiers,
        answer.probabilities,
        answer.decisions,
        answer.defaulted,
        strict=True,
    )
    return {
        "model": answer.model,
        "version": answer.version,
        "contract": answer.contract,
        "plan_revision": answer.plan_revision,
        "feature_age_seconds": answer.feature_age_seconds,
        "predictions": [
            {
                "prediction_id": name,
                "version": version,
                "tier": tier,
                "probability": probability,
                "decision": decision,
                "defaulted": defaulted,
            }
            for name, version, tier, probability, decision, defaulted in rows
        ],
    }


def _header_length(headers: Headers) -> int | None:
    said = headers.get(HEADER_LENGTH)
    if said is None:
        return None
    if not said.isdigit() or len(said) > LENGTH_DIGITS:
        shown = said[: 2 * LENGTH_DIGITS].decode("latin-1")
        detail = (
            f"Inference-Header-Content-Length is {shown!r}; allowed: a number of bytes, at most {LENGTH_DIGITS} digits."
        )
        raise refused(400, "malformed-request", detail)
    return int(said)


def _check_type(headers: Headers, expected: bytes) -> None:
    """Refuse a body that says it is something else; stock clients say nothing, which passes."""
    said = headers.get(b"content-type", expected).split(b";")[0].strip().lower()
    if said != expected:
        detail = f"Content-Type is {said.decode('latin-1')}; allowed: {expected.decode()}."
        raise refused(415, "wrong-content-type", detail)
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding != b"identity":
        raise refused(415, "wrong-content-type", f"Content-Encoding is {encoding.decode('latin-1')}; allowed: none.")
