"""The claim under which a keyed request is answered: it names the rows of the answer before there are any."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from serving.problem import RETRY_AFTER_SECONDS, refused
from stores.prediction_log.claimed import ClaimedRow, row_id


@dataclass(frozen=True, slots=True)
class Claim:
    """The beginning of the rows' prediction ids; `logged` are rows that somebody who died has logged already.

    Nothing may be logged under it after `until`, in monotonic seconds: somebody else may answer by then.
    """

    name: str
    until: float
    logged: Sequence[ClaimedRow] = ()

    def ids(self, rows: Iterable[int], monotonic: float) -> list[str]:
        """Return the prediction ids of rows by their numbers; raises Refused with 503 when it is too late."""
        if monotonic > self.until:
            detail = "The request was held up for longer than its key is held; send it again with the same key."
            raise refused(503, "unavailable", detail, retry_after=RETRY_AFTER_SECONDS)
        return [row_id(self.name, row) for row in rows]
