"""What HAProxy is told beside what Ray tells it: how long a client may dribble, and whose turn it is before a replica.

A replica's event loop cannot refuse as fast as an overload comes in: reading a request's head costs it as much as
half an answer. HAProxy can, so the queue before the replicas is there.
"""

import json
from dataclasses import dataclass

BACKFILL_SHARE, STANDARD_SHARE = 0.25, 0.5
"""How full the queue may be for each priority; interactive requests have all of it."""
OVERLOADED = "overloaded"
RETRY_SECONDS, BACKFILL_RETRY_SECONDS = 1, 5

_WHOSE = """
    acl says_interactive req.hdr(x-holdfast-priority) -m str -i interactive
    acl says_backfill req.hdr(x-holdfast-priority) -m str -i backfill
    acl watches path /v2/health/live /v2/health/ready /metrics
"""
_FRONTEND = (
    _WHOSE
    + """\
    http-request set-priority-class int(-1) if says_interactive or watches
    http-request set-priority-class int(1) if says_backfill
    http-request set-header X-Request-ID %[uuid] unless { req.hdr(x-request-id) -m found }
"""
)


@dataclass(frozen=True)
class Waiting:
    """Limits before the replicas: a request's head and small body within `request_seconds`, `queued` requests at most.

    A replica works on `at_once` of them, and each waits for at most `queue_seconds`.
    """

    request_seconds: int
    queue_seconds: int
    queued: int
    at_once: int

    def defaults(self) -> str:
        """Return the lines that hold everywhere."""
        slow = f"The request was not here whole within {self.request_seconds} s; send it faster."
        long = f"No replica had time within {self.queue_seconds} s; try again in {RETRY_SECONDS} s."
        return (
            "    option http-buffer-request\n"
            f"    timeout http-request {self.request_seconds}s\n"
            f"    timeout queue {self.queue_seconds}s\n"
            f"    http-error {_answer(408, 'request-too-slow', slow)}\n"
            f"    http-error {_answer(503, OVERLOADED, long)} hdr Retry-After {RETRY_SECONDS}\n"
        )

    def frontend(self) -> str:
        """Return the lines that say how urgent a request is."""
        return _FRONTEND.removeprefix("\n")

    def backend(self) -> str:
        """Return the lines that refuse the least urgent while many wait."""
        return _WHOSE.removeprefix("\n") + "".join(
            self._refuse(whose, int(self.queued * share), seconds)
            for whose, share, seconds in (
                ("says_backfill", BACKFILL_SHARE, BACKFILL_RETRY_SECONDS),
                ("!says_interactive !watches", STANDARD_SHARE, RETRY_SECONDS),
                ("!watches", 1.0, RETRY_SECONDS),
            )
        )

    def _refuse(self, whose: str, most: int, seconds: int) -> str:
        detail = f"{most} requests wait, which is the limit for this priority; try again in {seconds} s."
        return (
            f"    http-request return {_answer(503, OVERLOADED, detail)} hdr Retry-After {seconds} "
            f"if {whose} {{ queue ge {most} }}\n"
        )


def _answer(status: int, kind: str, detail: str) -> str:
    document = {
        "type": f"/docs#problem-{kind}",
        "title": kind.replace("-", " "),
        "status": status,
        "detail": detail,
        "error": detail,
    }
    return f"status {status} content-type application/problem+json string '{json.dumps(document)}'"
