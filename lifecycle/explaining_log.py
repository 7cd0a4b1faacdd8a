"""What the prediction log keeps of each answer, as English sentences."""

from collections.abc import Iterator

from lifecycle.explaining_rules import listed
from lifecycle.log_policy import LogPolicy


def explain_log(log: LogPolicy | None) -> Iterator[str]:
    """Yield what is kept only as a hash and what is not kept, each with its reason.

    >>> list(explain_log(None))
    ['All that was asked and what the version saw of it, as it was.']
    """
    if log is None or not (log.fields or log.dropped_features):
        yield "All that was asked and what the version saw of it, as it was."
        return
    for hidden in log.fields:
        name = listed((hidden.name,))
        kept = "only as a hash that nobody without the key can guess" if hidden.keep == "hash" else "not at all"
        yield f"The {name} is kept {kept}. The reason: {hidden.because}"
    for dropped in log.dropped_features:
        yield f"The feature {listed((dropped.name,))} is not kept. The reason: {dropped.because}"
    yield (
        "Of what is hidden no drift is watched, and features that follow from it are not checked against stored events."
    )
