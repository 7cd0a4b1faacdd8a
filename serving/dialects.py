"""The two ways to ask for predictions: Open Inference tensors, and JSON rows for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from serving.answer import Answer
from serving.exchange import JSON, OCTETS, Headers, Response
from serving.infer_request import InferRequest, read_infer_request
from serving.infer_response import check_outputs, write_infer_response
from serving.problem import refused
from serving.rows import Row, RowCodec

HEADER_LENGTH = b"inference-header-content-length"
LENGTH_DIGITS = 15
"""No body is longer; int() itself gives up at some thousand digits."""

_encode = msgspec.json.Encoder().encode


class Spoken(Protocol):
    """A request that was read: its rows, and how its answer is written."""

    @property
    def rows(self) -> Sequence[Row]:
        """The typed rows."""
        ...

    def write(self, answer: Answer) -> Response:
        """Return the answer as the caller reads it."""
        ...


class Dialect(Protocol):
    """One way to write requests and answers."""

    @property
    def action(self) -> str:
        """The last part of the path at which it is spoken."""
        ...

    def check(self, headers: Headers) -> None:
        """Raise Refused for headers that say the body is something else."""
        ...

    def read(self, headers: Headers, body: bytes, codec: RowCodec) -> Spoken:
        """Return a request; raises ContractViolation for rows that do not fit, Refused for what is no request."""
        ...


@dataclass(frozen=True, slots=True)
class _SpokenTensors:
    request: InferRequest
    rows: Sequence[Row]

    def write(self, answer: Answer) -> Response:
        content, head = write_infer_response(self.request, answer)
        if head is None:
            return Response(content)
        return Response(content, content_type=OCTETS, headers=((HEADER_LENGTH, str(head).encode()),))


class OpenInference:
    """Open Inference Protocol (V2) tensors, in JSON or binary."""

    action = "infer"

    def check(self, headers: Headers) -> None:
        """Raise Refused for headers that say the body is something else."""
        _check_type(headers, JSON if _header_length(headers) is None else OCTETS)

    def read(self, headers: Headers, body: bytes, codec: RowCodec) -> Spoken:
        """Return a request; raises ContractViolation for rows that do not fit, Refused for what is no request."""
        request, rows = read_infer_request(body, _header_length(headers), codec)
        check_outputs(request)
        return _SpokenTensors(request, rows)


@dataclass(frozen=True, slots=True)
class _SpokenRows:
    rows: Sequence[Row]

    def write(self, answer: Answer) -> Response:
        return Response(_encode(_document(answer)))


class JsonRows:
    """`{"rows": [{…}, …]}`, answered by one object per row."""

    action = "predict"

    def check(self, headers: Headers) -> None:
        """Raise Refused for headers that say the body is something else."""
        _check_type(headers, JSON)

    def read(self, headers: Headers, body: bytes, codec: RowCodec) -> Spoken:  # noqa: ARG002 - a dialect's signature
        """Return a request; raises ContractViolation for rows that do not fit, Refused for what is no request."""
        return _SpokenRows(codec.from_json(body))


DIALECTS: tuple[Dialect, ...] = (OpenInference(), JsonRows())


class _Prediction(msgspec.Struct, gc=False):
    """One row's answer; a struct is made and written quicker than a dict."""

    prediction_id: str
    version: str
    tier: str
    probability: float
    decision: str
    defaulted: Sequence[str]
    provisional: bool


def _document(answer: Answer) -> dict[str, object]:
    n_rows = len(answer.prediction_ids)
    rows = map(
        _Prediction,
        answer.prediction_ids,
        answer.versions or [answer.version] * n_rows,
        answer.tiers or [answer.tier] * n_rows,
        answer.probabilities,
        answer.decisions,
        answer.defaulted,
        answer.provisional or [False] * n_rows,
    )
    document = {
        "model": answer.model,
        "version": answer.version,
        "contract": answer.contract,
        "plan_revision": answer.plan_revision,
        "feature_age_seconds": answer.feature_age_seconds,
        "predictions": list(rows),
    }
    if answer.reviewed is not None:
        document["reviewed"] = answer.reviewed
    if answer.was_translated:
        document["request_contract"] = answer.request_contract
    if answer.contracts is not None:
        document["contracts"] = answer.contracts
    return document


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
