"""Reviews over HTTP: what a caller's prediction became, what to look at next, and a person's word on it.

Every call asks the ledger, on a thread of its own. None is on the way of a prediction.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import Conflict, InvalidInput, NotFound, NotPermitted, Unavailable
from lifecycle.policy import Policy
from lifecycle.review import Reviewed
from lifecycle.review_policy import reviewable_by
from serving.caller import Caller
from serving.exchange import Headers, Receive, Response, read_body
from serving.problem import refused, require_method
from serving.reviewing.documents import as_caller_sees, as_reviewer_sees
from serving.reviewing.door import may_see, reviewer_of
from stores.ledger.answering import Answered, Answering
from stores.ledger.failing import in_short
from stores.ledger.reviews import Reviews, unknown

MAX_BYTES = 16 * 1024
MOST_CHARACTERS = 2000
NAMED_IN = b"x-holdfast-actor"
T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


class Next(msgspec.Struct, forbid_unknown_fields=True):
    """Of which model the next answer to look at is to be; of any that the person may review without one."""

    model: str | None = None


class Word(msgspec.Struct, forbid_unknown_fields=True):
    """What a person says, and how they know; `overrule` puts it in the place of another word."""

    label: int
    because: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_CHARACTERS)]
    overrule: bool = False


@dataclass(frozen=True)
class ReviewApi:
    """Answers the calls. A key's person reviews; without keys, the header X-Holdfast-Actor names who does.

    `policies` returns those of all models by name. `event_now` is the labels' clock, `now` the machine's.
    """

    reviews: Reviews
    answering: Answering
    policies: Callable[[], Mapping[str, Policy]]
    event_now: Callable[[], datetime]
    now: Callable[[], datetime]

    async def of_prediction(self, method: str, prediction_id: str, caller: Caller) -> Response:
        """Return how far the review of a caller's own prediction has come, and the person's word once it is there."""
        require_method(method, "GET")

        def found() -> Reviewed:
            review = self.reviews.get(prediction_id)
            if not may_see(caller, review):
                # The same words as for one that is not there: whose it is, is nobody else's business.
                raise unknown(prediction_id)
            return review

        return _json(as_caller_sees(await _asked(found)))

    async def at(self, method: str, name: str, headers: Headers, receive: Receive, caller: Caller) -> Response:
        """Return what a reviewer gets: the `next` review, or by a prediction's id that one, to read or to answer."""
        if name == "next":
            require_method(method, "POST")
            return await self.next(headers, receive, caller)
        if method == "POST":
            return await self.answer(name, headers, receive, caller)
        if method != "GET":
            detail = f"The method is {method}; allowed here: GET, POST."
            raise refused(405, "wrong-method", detail, headers=((b"allow", b"GET, POST"),))
        return await self.show(name, headers, caller)

    async def show(self, prediction_id: str, headers: Headers, caller: Caller) -> Response:
        """Return a review with all that a reviewer needs."""
        return _json(as_reviewer_sees(await _asked(lambda: self._readable(prediction_id, headers, caller)[0])))

    async def next(self, headers: Headers, receive: Receive, caller: Caller) -> Response:
        """Return as `review` what a person is to look at next, theirs for a while; null when nothing waits."""
        wanted = _read(await read_body(headers, receive, MAX_BYTES), Next)
        review = await _asked(lambda: self._claimed(wanted, headers, caller))
        return _json({"review": None if review is None else as_reviewer_sees(review)})

    async def answer(self, prediction_id: str, headers: Headers, receive: Receive, caller: Caller) -> Response:
        """Take a person's word and return the review as it is then."""
        word = _read(await read_body(headers, receive, MAX_BYTES), Word)

        def said() -> Reviewed:
            _, who = self._readable(prediction_id, headers, caller)
            spoken = Answered(prediction_id, word.label, who, word.because, self.event_now(), overrule=word.overrule)
            return self.answering.answer(spoken, self.now())[0]

        return _json(as_reviewer_sees(await _asked(said)))

    def _readable(self, prediction_id: str, headers: Headers, caller: Caller) -> tuple[Reviewed, str]:
        """Return a review and the name of who reads it; raises NotFound, NotPermitted."""
        review = self.reviews.get(prediction_id)
        policy = self.policies().get(review.model)
        return review, reviewer_of(caller, _named(headers), () if policy is None else policy.people)

    def _claimed(self, wanted: Next, headers: Headers, caller: Caller) -> Reviewed | None:
        policies = self.policies()
        if wanted.model is not None and wanted.model not in policies:
            raise NotFound(f"no model {wanted.model!r} has a policy here; there are {', '.join(policies) or 'none'}")
        asked = {name: one for name, one in policies.items() if wanted.model in (None, name)}
        who, minutes = reviewable_by(asked, lambda people: reviewer_of(caller, _named(headers), people))
        return self.answering.claim(who, self.now(), minutes)


async def _asked(ask: Callable[[], T]) -> T:
    """Return what the ledger says, asked off the event loop; raises Refused, or Unavailable while it is away."""
    try:
        return await asyncio.to_thread(ask)
    except NotFound as error:
        raise refused(404, "unknown-review", str(error)) from error
    except NotPermitted as error:
        raise refused(403, "not-permitted", str(error)) from error
    except Conflict as error:
        raise refused(409, "review-conflict", str(error)) from error
    except SQLAlchemyError as error:
        raise Unavailable(f"the ledger cannot be reached ({in_short(error)}); check HOLDFAST_LEDGER_URL") from error


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"the body cannot be taken: {error}; see /docs for what it holds") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refused(400, "malformed-json", f"The body is not JSON: {error}.") from error


def _named(headers: Headers) -> str:
    return headers.get(NAMED_IN, b"").decode("latin-1").strip()


def _json(document: object) -> Response:
    return Response(_encode(document))
