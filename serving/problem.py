"""What a caller is told when a request cannot be answered: RFC 9457 problem documents.

`error` repeats the detail, because Open Inference Protocol clients look for it under that name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from lifecycle.errors import ContractViolation, HoldfastError, InvalidInput, Unavailable
from serving.predicted import VersionFailed

CONTENT_TYPE = b"application/problem+json"
RETRY_AFTER_SECONDS = 1


@dataclass(frozen=True)
class Problem:
    """One answer that is no prediction: its HTTP status, a stable kind, and words for a person.

    `retry_after` is in seconds; `extra` holds more members of the document.
    """

    status: int
    kind: str
    detail: str
    retry_after: int | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)

    def body(self) -> bytes:
        """Return the document as JSON."""
        document = {
            "type": f"/docs#problem-{self.kind}",
            "title": self.kind.replace("-", " "),
            "status": self.status,
            "detail": self.detail,
            "error": self.detail,
        }
        return msgspec.json.encode(document | dict(self.extra))


class Refused(HoldfastError):
    """A request that gets a problem document instead of a prediction."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.detail)


def refused(
    status: int, kind: str, detail: str, retry_after: int | None = None, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> Refused:
    """Return the error that makes the gateway answer with this problem."""
    return Refused(Problem(status, kind, detail, retry_after, headers))


def field_problems(error: ContractViolation) -> list[dict[str, object]]:
    """Return what is wrong with a request, field by field, as the document's `errors`."""
    return [{"field": one.field, "row": one.row, "value": one.value, "allowed": one.allowed} for one in error.problems]


def problem_of(error: Exception) -> Problem:
    """Return what a caller is told of an error; one that nobody foresaw keeps its details to the server's log."""
    match error:
        case Refused():
            return error.problem
        case ContractViolation():
            return Problem(422, "contract-violation", str(error), extra={"errors": field_problems(error)})
        case InvalidInput():
            return Problem(422, "invalid-input", str(error))
        case Unavailable():
            return Problem(503, "unavailable", str(error), RETRY_AFTER_SECONDS)
        case VersionFailed():
            detail = f"Version {error.version} could not score this request; the prediction log has the reason."
            return Problem(500, "version-failed", detail)
    return Problem(500, "internal-error", f"{type(error).__name__}; the server's log has the details.")
